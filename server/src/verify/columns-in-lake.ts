import type { MergedTable } from '../model/merge/merged-table.ts';
import { type MergedIds, shardColumns, shardConstants } from '../model/merge/target-schema.ts';
import { type TableSchema, withColumns } from '../model/table.ts';
import { shardOf } from '../sources/composite/member-label.ts';

/** A source's table as it is compared with the lake's. */
export interface ComparedTable {
  /** As the source is asked for it: its own columns, but for those that the lake leaves out. */
  readonly asked: TableSchema;
  /** The same, numbered (Column.sourceId) as the lake's table knows its columns. */
  readonly schema: TableSchema;
  /** Texts that all of its rows have in the lake in columns which are not the source's, by number. */
  readonly constants: ReadonlyMap<number, string>;
}

/** What the run knows of a table (sync/lane.ts, KeptSchema); `target`: the columns that the lake is held to, where they are others. */
export interface KnownTable {
  readonly schema: TableSchema;
  readonly target?: TableSchema;
}

/**
 * A mirrored table. The run numbers its columns, so that one which is renamed or moved stays the same one; the catalog of
 * MySQL knows of no such number, so they are found by their names of now.
 * @returns why it cannot be compared now, where it cannot
 */
export function mirroredColumns(found: TableSchema, { schema, target }: KnownTable): ComparedTable | string {
  const numbers = new Map(schema.columns.map(({ name, sourceId }) => [name, sourceId]));
  const strange = found.columns.find(({ name }) => !numbers.has(name));
  if (strange !== undefined) return `the task has not followed its column ${strange.name} yet`;
  const held = target && new Set(target.columns.map(({ sourceId }) => sourceId));
  const stays = found.columns.filter(({ name }) => held?.has(numbers.get(name)!) ?? true);
  const asked = withColumns(found, stays);
  if (asked.identity.kind === 'key' && asked.identity.columns.includes(-1))
    return 'the lake has not got all columns of its key';
  const columns = stays.map((column) => ({ ...column, sourceId: numbers.get(column.name)! }));
  return { asked, schema: { ...asked, columns }, constants: new Map() };
}

/** A shard of a merged table, whose columns have that one's numbers. @returns why it cannot be compared now, where it cannot */
export function mergedColumns(
  found: TableSchema,
  {
    table,
    ids,
    shown,
  }: { readonly table: MergedTable | null; readonly ids: MergedIds; readonly shown: boolean },
): ComparedTable | string {
  if (table === null || !shown) return 'its merged table appears when all of its shards are loaded';
  const strange = found.columns.find(({ name }) => !ids.ids.has(name));
  if (strange !== undefined) return `its merged table has no column for ${strange.name} yet`;
  const shard = shardOf(found.name);
  return {
    asked: found,
    schema: { ...found, columns: shardColumns({ shard, schema: found }, ids) },
    constants: shardConstants(table, ids, shard),
  };
}
