import type { Shard } from '../../model/merge/shard.ts';
import type { TableName } from '../../model/table.ts';

/**
 * Names one log of a sharded-table merge: a server, and where a log tells of one database only (PostgreSQL) that
 * database. It stands in the names of its tables (TableName.shard).
 */
export interface Member {
  readonly server: string;
  /** null: the server's one log tells of all its databases. */
  readonly database: string | null;
}

/** For people too. Injective: a slash in the server's name is escaped. */
export function memberLabel({ server, database }: Member): string {
  const escaped = server.replaceAll('%', '%25').replaceAll('/', '%2F');
  return database === null ? escaped : `${escaped}/${database}`;
}

export function memberOf(label: string): Member {
  const at = label.indexOf('/');
  const server = at < 0 ? label : label.slice(0, at);
  return {
    server: server.replaceAll('%2F', '/').replaceAll('%25', '%'),
    database: at < 0 ? null : label.slice(at + 1),
  };
}

/** @param table of a merge's source (taggedName) */
export function shardOf({ schema, table, shard }: TableName): Shard {
  const { server, database } = memberOf(shard ?? '');
  return { server, database: database ?? schema, schema, table };
}
