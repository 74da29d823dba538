import { SluiceError } from '@sluice/contract';
import type { MetastoreDb } from '../store/open-metastore.ts';

/** A chunk of a full load. `files` is null until it is loaded. */
export interface ChunkRow {
  readonly number: number;
  readonly range: Readonly<Record<string, string | number | null>>;
  readonly files: string | null;
}

export async function readChunks(db: MetastoreDb, laneId: number): Promise<readonly ChunkRow[]> {
  const rows = await db
    .selectFrom('chunks')
    .selectAll()
    .where('lane_id', '=', laneId)
    .orderBy('number')
    .execute();
  return rows.map((row) => ({
    number: row.number,
    range: JSON.parse(row.range_json),
    files: row.files_json,
  }));
}

// What writes is part of a transaction of RunStore.write.

export async function writeChunks(
  transaction: MetastoreDb,
  laneId: number,
  ranges: readonly ChunkRow['range'][],
): Promise<void> {
  await dropChunks(transaction, laneId);
  for (const [number, range] of ranges.entries())
    await transaction
      .insertInto('chunks')
      .values({ lane_id: laneId, number, range_json: JSON.stringify(range), files_json: null, rows: null })
      .execute();
}

export async function dropChunks(transaction: MetastoreDb, laneId: number): Promise<void> {
  await transaction.deleteFrom('chunks').where('lane_id', '=', laneId).execute();
}

export async function chunkLoaded(
  transaction: MetastoreDb,
  laneId: number,
  number: number,
  loaded: { readonly files: string; readonly rows: number },
): Promise<void> {
  const { numUpdatedRows } = await transaction
    .updateTable('chunks')
    .set({ files_json: loaded.files, rows: loaded.rows })
    .where('lane_id', '=', laneId)
    .where('number', '=', number)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n)
    throw new SluiceError('INTERNAL', `A load read chunk ${number}, which is not among those planned.`);
}
