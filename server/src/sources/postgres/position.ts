import { SluiceError } from '@sluice/contract';
import type { Position } from '../source.ts';
import type { Session } from './connect.ts';
import { compareLsn, type Lsn, parseLsn } from './wire/lsn.ts';

/** @throws SluiceError INVALID_REQUEST */
export function requireLsn(position: Position): Lsn {
  const lsn = parseLsn(position);
  if (lsn === null)
    throw new SluiceError('INVALID_REQUEST', `${position} is not a position of PostgreSQL (as 16/B374D848)`);
  return lsn;
}

export function comparePositions(a: Position, b: Position): -1 | 0 | 1 {
  return compareLsn(requireLsn(a), requireLsn(b));
}

/**
 * The insert position: a commit is seen by others only after its record was inserted, though with
 * synchronous_commit off it may not be written yet. It can lie a page header past the last record, so a reader of a
 * quiet log reaches it with the next record only; a mark sees to that.
 */
export async function readHead(session: Session): Promise<Position> {
  const row = await session.row<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  return row.lsn;
}
