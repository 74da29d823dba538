import type { MergedTable, ShardSchema } from '../model/merge/merged-table.ts';
import { type MergedIds, NO_IDS } from '../model/merge/target-schema.ts';
import type { TableName } from '../model/table.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';

/** What a merged table is now. Version 1 of the JSON in merged_tables. */
export interface MergeState {
  /** null: nothing was merged yet. */
  readonly table: MergedTable | null;
  readonly ids: MergedIds;
  /** The shards that it was made of, as they were then. */
  readonly shards: readonly ShardSchema[];
  /** Whether the table shows its shards' lines. */
  readonly shown: boolean;
}

export async function readMergeState(db: MetastoreDb, { schema, table }: TableName): Promise<MergeState> {
  const row = await db
    .selectFrom('merged_tables')
    .selectAll()
    .where('namespace', '=', schema)
    .where('name', '=', table)
    .executeTakeFirst();
  if (row === undefined) return { table: null, ids: NO_IDS, shards: [], shown: false };
  const ids = JSON.parse(row.ids_json) as { ids: [string, number][]; last: number };
  return {
    table: row.table_json === null ? null : (JSON.parse(row.table_json) as MergedTable),
    ids: { ids: new Map(ids.ids), last: ids.last },
    shards: JSON.parse(row.shards_json) as ShardSchema[],
    shown: row.shown === 1,
  };
}

export async function saveMergeState(
  transaction: MetastoreDb,
  taskId: number,
  { schema, table }: TableName,
  state: MergeState,
): Promise<void> {
  const kept = {
    task_id: taskId,
    table_json: state.table === null ? null : JSON.stringify(state.table),
    ids_json: JSON.stringify({ ids: [...state.ids.ids], last: state.ids.last }),
    shards_json: JSON.stringify(state.shards),
    shown: state.shown ? 1 : 0,
  };
  await transaction
    .insertInto('merged_tables')
    .values({ namespace: schema, name: table, ...kept })
    .onConflict((conflict) => conflict.columns(['namespace', 'name']).doUpdateSet(kept))
    .execute();
}

/** As a stateless start does (store/progress.ts), of one merged table: it shows what it shows until its shards are loaded. */
export async function forgetMergeState(
  transaction: MetastoreDb,
  { schema, table }: TableName,
): Promise<void> {
  await transaction
    .deleteFrom('merge_lines')
    .where('namespace', '=', schema)
    .where('name', '=', table)
    .execute();
  await transaction
    .updateTable('merged_tables')
    .set({ table_json: null, shards_json: '[]', shown: 0 })
    .where('namespace', '=', schema)
    .where('name', '=', table)
    .execute();
}
