import type { Snapshot, TableMetadata } from '../../lakehouse/metadata.ts';
import { snapshotManifests, snapshotOf } from '../../lakehouse/scan.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { columnMapOf } from './column-map.ts';

/** Changes that became visible together. */
export interface Arrival {
  readonly snapshotId: string;
  /** Milliseconds since 1970, by the clock of the lake. */
  readonly visibleAt: number;
}

/** What came last to a table, and when its oldest change was committed at the source (committedAt). */
export async function lastArrival(
  storage: Storage,
  metadata: TableMetadata | null,
): Promise<(Arrival & { readonly committedAt: () => Promise<number | null> }) | null> {
  const newest = metadata === null ? null : newestArrival(metadata);
  return metadata === null || newest === null
    ? null
    : { ...newest, committedAt: () => committedAt(storage, metadata, newest) };
}

/** The newest snapshot that changes of the source made; what maintenance makes only moves rows. */
function newestArrival(metadata: TableMetadata): Arrival | null {
  const current = snapshotOf(metadata);
  const byId = new Map(metadata.snapshots.map((one) => [String(one['snapshot-id']), one]));
  for (let at: Snapshot | null | undefined = current; at; ) {
    if (at.summary.operation !== 'replace')
      return { snapshotId: String(at['snapshot-id']), visibleAt: at['timestamp-ms'] };
    at = byId.get(String(at['parent-snapshot-id']));
  }
  return null;
}

/**
 * When the oldest change of an arrival was committed at the source, milliseconds since 1970 by its clock: the least
 * `_source_ts` of the rows that came, as the bounds of their files tell it.
 * @returns null where no row came: deletes leave none
 */
async function committedAt(
  storage: Storage,
  metadata: TableMetadata,
  arrival: Arrival,
): Promise<number | null> {
  const field = columnMapOf(metadata)?.sourceTs;
  const snapshot = metadata.snapshots.find((one) => String(one['snapshot-id']) === arrival.snapshotId);
  if (field === undefined || snapshot === undefined) return null;
  let oldest: bigint | null = null;
  for (const { entries } of await snapshotManifests(storage, snapshot))
    for (const { status, snapshotId, file } of entries) {
      if (status !== 'added' || String(snapshotId) !== arrival.snapshotId || file.content !== 'data')
        continue;
      const bound = file.lowerBounds.get(field);
      if (bound === undefined || bound.length !== 8) continue;
      // Iceberg spec, appendix D: microseconds, 8 bytes, little-endian.
      const micros = Buffer.from(bound).readBigInt64LE();
      if (oldest === null || micros < oldest) oldest = micros;
    }
  return oldest === null ? null : Number(oldest / 1000n);
}
