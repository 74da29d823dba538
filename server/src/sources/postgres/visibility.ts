import type { Visibility } from '../source.ts';

export type PgVisibility = Extract<Visibility, { kind: 'xid' }>;

/** The text of pg_current_snapshot(): `xmin:xmax:xip,xip,…` (PostgreSQL manual, table "Snapshot Components"). */
export function parseVisibility(text: string): PgVisibility {
  const [xmin = '', xmax = '', xip = ''] = text.split(':');
  return { kind: 'xid', xmin, xmax, xip: xip === '' ? [] : xip.split(',') };
}

/**
 * Whether the transaction `xid32`, known from the log to have committed, was already visible in the snapshot.
 *
 * The log gives the lower 32 bits only. A transaction of a log that is read from near the snapshot on lies within
 * 2^31 of the snapshot (the server itself refuses to let ids grow further apart), so the full id is the one of
 * these 32 bits that is nearest to xmax.
 */
export function isVisible(visibility: PgVisibility, xid32: number): boolean {
  const xmax = BigInt(visibility.xmax);
  const difference = BigInt.asIntN(32, BigInt(xid32) - BigInt.asUintN(32, xmax));
  const xid = xmax + difference;
  if (xid >= xmax) return false;
  if (xid < BigInt(visibility.xmin)) return true;
  return !visibility.xip.includes(xid.toString());
}
