import { typeText } from '../logical-type.ts';
import type { Column, TableName, TableSchema, TextForm } from '../table.ts';
import { columnOf, extendedValue, type MergedTable, type ShardSchema } from './merged-table.ts';
import type { Shard } from './shard.ts';

/**
 * The numbers (Column.sourceId) of a merged table's columns, by name: its own, since each shard numbers its columns by
 * itself. A number that was once given is never given again: a column that is dropped and added anew is another one.
 */
export interface MergedIds {
  readonly ids: ReadonlyMap<string, number>;
  readonly last: number;
}

export const NO_IDS: MergedIds = { ids: new Map(), last: 0 };

/** The numbers of the table as it is now; columns that were renamed as a whole (followShards) take theirs along. */
export function numbered(
  before: MergedIds,
  table: MergedTable,
  renamed: ReadonlyMap<string, string> = new Map(),
): MergedIds {
  const kept = new Map([...before.ids].map(([name, id]) => [renamed.get(name) ?? name, id]));
  let { last } = before;
  const ids = new Map<string, number>();
  for (const { name } of [...table.columns, ...table.extended]) ids.set(name, kept.get(name) ?? ++last);
  return { ids, last };
}

/** The merged table as a target has it. `shards` are those that it was merged of. */
export function targetSchema(
  name: TableName,
  table: MergedTable,
  ids: MergedIds,
  shards: readonly ShardSchema[],
): TableSchema {
  const columns: Column[] = [
    ...table.columns.map(({ name: own, type, nullable }) => ({
      name: own,
      sourceId: idOf(ids, own),
      type,
      text: formOf(shards, own),
      nullable,
      native: typeText(type),
    })),
    ...table.extended.map((field) => ({
      name: field.name,
      sourceId: idOf(ids, field.name),
      type: { kind: 'string' } as const,
      text: { form: 'plain' } as const,
      nullable: false,
      native: 'string',
    })),
  ];
  const key = table.key.map((own) => columns.findIndex((column) => column.name === own));
  return { name, columns, identity: key.length === 0 ? { kind: 'row' } : { kind: 'key', columns: key } };
}

/** A shard's columns as it has them, under the merged table's numbers: what its lines are written under. */
export function shardColumns(shard: ShardSchema, ids: MergedIds): readonly Column[] {
  return shard.schema.columns.map((column) => ({ ...column, sourceId: idOf(ids, column.name) }));
}

/** What all rows of a shard have in the extended fields, by the merged table's numbers. */
export function shardConstants(
  { extended }: MergedTable,
  ids: MergedIds,
  shard: Shard,
): ReadonlyMap<number, string> {
  return new Map(extended.map((field) => [idOf(ids, field.name), extendedValue(field, shard)]));
}

function idOf({ ids }: MergedIds, name: string): number {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`the merged table has no column ${name}`);
  return id;
}

/** Each shard's lines are read by its own form; this one is for lines that come under the merged table itself. */
function formOf(shards: readonly ShardSchema[], name: string): TextForm {
  for (const shard of shards) {
    const column = columnOf(shard, name);
    if (column !== undefined) return column.text;
  }
  throw new Error(`no shard has the column ${name}`);
}
