import type { SourceTable } from './primitives.ts';

/** `schema.table`, of a merge `server/database.table` or `server/database.schema.table`: for people, and to name it by. */
export function sourceTableText({ schema, table, shard }: SourceTable): string {
  const text = `${schema}.${table}`;
  return shard === undefined ? text : `${shard}${shard.includes('/') ? '.' : '/'}${text}`;
}
