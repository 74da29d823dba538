import type { MetastoreDb } from '../store/open-metastore.ts';
import type { KeptSchema } from './lane.ts';

export interface SegmentRow {
  readonly id: number;
  readonly schemaVersion: number;
  readonly path: string;
  readonly rows: number;
  readonly firstOrd: number;
  readonly lastOrd: number;
  readonly endPosition: string;
}

/** A segment whose file is there and which no commit has recorded yet. */
export interface NewSegment extends Omit<SegmentRow, 'id'> {
  readonly bytes: number;
  /** The schema of its version. */
  readonly kept: KeptSchema;
}

export async function readSegments(db: MetastoreDb, laneId: number): Promise<readonly SegmentRow[]> {
  const rows = await db
    .selectFrom('segments')
    .selectAll()
    .where('lane_id', '=', laneId)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    schemaVersion: row.schema_version,
    path: row.path,
    rows: row.rows,
    firstOrd: row.first_ord,
    lastOrd: row.last_ord,
    endPosition: row.end_position,
  }));
}

// What writes is part of a transaction of RunStore.write.

export async function addSegment(
  transaction: MetastoreDb,
  laneId: number,
  segment: NewSegment,
): Promise<void> {
  // The lane itself may be at a later version by now.
  await transaction
    .insertInto('lane_schemas')
    .values({
      lane_id: laneId,
      version: segment.schemaVersion,
      schema_json: JSON.stringify(segment.kept),
    })
    .onConflict((conflict) => conflict.columns(['lane_id', 'version']).doNothing())
    .execute();
  await transaction
    .insertInto('segments')
    .values({
      lane_id: laneId,
      schema_version: segment.schemaVersion,
      path: segment.path,
      rows: segment.rows,
      bytes: segment.bytes,
      first_ord: segment.firstOrd,
      last_ord: segment.lastOrd,
      end_position: segment.endPosition,
    })
    .execute();
}

/** One file takes the place of the segments from `first` to `last`. */
export async function replaceSegments(
  transaction: MetastoreDb,
  laneId: number,
  merged: {
    readonly first: SegmentRow;
    readonly last: SegmentRow;
    readonly path: string;
    readonly rows: number;
    readonly bytes: number;
  },
): Promise<void> {
  const { first, last, path, rows, bytes } = merged;
  await transaction
    .deleteFrom('segments')
    .where('lane_id', '=', laneId)
    .where('id', '>', first.id)
    .where('id', '<=', last.id)
    .execute();
  await transaction
    .updateTable('segments')
    .set({ path, rows, bytes, last_ord: last.lastOrd, end_position: last.endPosition })
    .where('id', '=', first.id)
    .execute();
}

export async function segmentPaths(
  transaction: MetastoreDb,
  laneId: number,
  upTo: number,
): Promise<readonly string[]> {
  const rows = await transaction
    .selectFrom('segments')
    .select('path')
    .where('lane_id', '=', laneId)
    .where('id', '<=', upTo)
    .execute();
  return rows.map((row) => row.path);
}

export async function dropSegments(transaction: MetastoreDb, laneId: number, upTo: number): Promise<void> {
  await transaction.deleteFrom('segments').where('lane_id', '=', laneId).where('id', '<=', upTo).execute();
}

/** Segments all of whose lines have lower numbers. @returns their files */
export async function dropSegmentsBefore(
  transaction: MetastoreDb,
  laneId: number,
  ord: number,
): Promise<readonly string[]> {
  const rows = await transaction
    .deleteFrom('segments')
    .where('lane_id', '=', laneId)
    .where('last_ord', '<', ord)
    .returning('path')
    .execute();
  return rows.map((row) => row.path);
}
