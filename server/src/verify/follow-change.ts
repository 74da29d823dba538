import { setTimeout as pause } from 'node:timers/promises';
import type { FollowedChange } from '@sluice/contract';

/** The lake's table as it is now: which changes came last, and when. */
export interface Arrivals {
  /** null: none came yet. `committedAt` (milliseconds since 1970 by the source's clock): null where they do not tell. */
  newest(): Promise<{
    readonly snapshotId: string;
    readonly visibleAt: number;
    readonly committedAt: () => Promise<number | null>;
  } | null>;
}

const POLL_MS = 500;

/**
 * Waits for the next changes of a table that arrive, whoever made them, and tells how long the oldest of them was on
 * its way.
 * @returns null where none arrived before the signal
 */
export async function followChange(arrivals: Arrivals, until: AbortSignal): Promise<FollowedChange | null> {
  const before = (await arrivals.newest())?.snapshotId;
  while (!until.aborted) {
    await pause(POLL_MS, undefined, { signal: until }).catch(() => {});
    const newest = await arrivals.newest();
    if (newest === null || newest.snapshotId === before) continue;
    const committedAt = await newest.committedAt();
    if (committedAt === null) continue;
    return {
      committedAt: new Date(committedAt).toISOString(),
      visibleAt: new Date(newest.visibleAt).toISOString(),
      ms: newest.visibleAt - committedAt,
    };
  }
  return null;
}
