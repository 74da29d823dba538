import type { TaskStatus } from '@sluice/contract';

/** Why a task waits for a person; the worst first. */
export type Need = 'failed' | 'tries again' | 'tables' | 'stopped long ago';

/** A source does not keep its log for ever. */
const LONG_MS = 24 * 3600_000;

export function needsOf(
  status: Pick<TaskStatus, 'state' | 'tables' | 'committedAt'>,
  now: number,
): readonly Need[] {
  const needs: Need[] = [];
  if (status.state === 'failed') needs.push('failed');
  if (status.state === 'backing_off') needs.push('tries again');
  if (status.tables.blocklisted > 0) needs.push('tables');
  if (
    status.state === 'stopped' &&
    status.committedAt !== null &&
    now - Date.parse(status.committedAt) > LONG_MS
  )
    needs.push('stopped long ago');
  return needs;
}
