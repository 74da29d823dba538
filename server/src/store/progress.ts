import type { Selectable } from 'kysely';
import type { MetastoreDb } from './open-metastore.ts';
import type { Metastore } from './tables.ts';

export type CheckpointRow = Selectable<Metastore['checkpoints']>;
export type LaneRow = Selectable<Metastore['lanes']>;

/** A lane's table at its source, as TableName has it. */
export function sourceOf(lane: Pick<LaneRow, 'source_schema' | 'source_table' | 'source_shard'>): {
  readonly schema: string;
  readonly table: string;
  readonly shard?: string;
} {
  const name = { schema: lane.source_schema, table: lane.source_table };
  return lane.source_shard === null ? name : { ...name, shard: lane.source_shard };
}

export async function readCheckpoint(db: MetastoreDb, taskId: number): Promise<CheckpointRow | null> {
  const row = await db.selectFrom('checkpoints').selectAll().where('task_id', '=', taskId).executeTakeFirst();
  return row ?? null;
}

/** The lanes of a task by source name. */
export function readLanes(db: MetastoreDb, taskId: number): Promise<LaneRow[]> {
  return db
    .selectFrom('lanes')
    .selectAll()
    .where('task_id', '=', taskId)
    .orderBy('source_schema')
    .orderBy('source_table')
    .orderBy('id')
    .execute();
}

export async function readLane(db: MetastoreDb, id: number): Promise<LaneRow | null> {
  const row = await db.selectFrom('lanes').selectAll().where('id', '=', id).executeTakeFirst();
  return row ?? null;
}

/** How many chunks of its full load a lane has, and how many are loaded. Lanes without chunks are left out. */
export async function readChunkCounts(
  db: MetastoreDb,
  taskId: number,
): Promise<ReadonlyMap<number, { readonly total: number; readonly loaded: number }>> {
  const rows = await db
    .selectFrom('chunks')
    .innerJoin('lanes', 'lanes.id', 'chunks.lane_id')
    .where('lanes.task_id', '=', taskId)
    .groupBy('chunks.lane_id')
    .select(({ fn }) => [
      'chunks.lane_id',
      fn.countAll<number>().as('total'),
      fn.count<number>('chunks.files_json').as('loaded'),
    ])
    .execute();
  return new Map(rows.map((row) => [row.lane_id, { total: row.total, loaded: row.loaded }]));
}

/**
 * A text that differs when the task has got further. In the incremental phase that is the position; before it, the
 * chunks: there the position moves with every heartbeat, also of a run that never gets a table loaded.
 */
export async function progressMark(db: MetastoreDb, taskId: number): Promise<string> {
  const checkpoint = await readCheckpoint(db, taskId);
  const chunks = await readChunkCounts(db, taskId);
  let loaded = 0;
  for (const count of chunks.values()) loaded += count.loaded;
  const incremental = checkpoint?.phase === 'incremental';
  return JSON.stringify([incremental, incremental ? checkpoint.position : null, loaded]);
}

/** Forgets all that a task has reached; its target tables stay. Run it inside a transaction. */
export async function forgetProgress(trx: MetastoreDb, taskId: number): Promise<void> {
  await trx.deleteFrom('lanes').where('task_id', '=', taskId).execute();
  await forgetMerged(trx, taskId);
  await trx.deleteFrom('checkpoints').where('task_id', '=', taskId).execute();
}

/**
 * A merge begins anew: its tables show what they show until all shards are loaded again. Their columns keep their
 * numbers, since those are in the tables' metadata.
 */
async function forgetMerged(trx: MetastoreDb, taskId: number): Promise<void> {
  const tables = await trx
    .selectFrom('merged_tables')
    .select(['namespace', 'name'])
    .where('task_id', '=', taskId)
    .execute();
  for (const { namespace, name } of tables)
    await trx.deleteFrom('merge_lines').where('namespace', '=', namespace).where('name', '=', name).execute();
  await trx
    .updateTable('merged_tables')
    .set({ table_json: null, shards_json: '[]', shown: 0 })
    .where('task_id', '=', taskId)
    .execute();
}
