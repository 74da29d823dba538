import { randomBytes } from 'node:crypto';
import type { SnapshotId } from './metadata.ts';

/** The one form of an id: a number where it is exact, else a bigint. */
export function snapshotId(value: bigint): SnapshotId {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)
    ? Number(value)
    : value;
}

/** Random, positive, below 2^53. */
export function newSnapshotId(taken: ReadonlySet<SnapshotId>): number {
  for (;;) {
    const id = Number(randomBytes(8).readBigUInt64LE() >> 11n);
    if (id > 0 && !taken.has(id)) return id;
  }
}
