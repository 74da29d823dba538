import type { Difference } from '@sluice/contract';

/** A row as one side has it at one look: a digest of its values; null: there is none. */
export type Seen = string | null;

export interface Look {
  /** At the source, before the lake was read. */
  readonly before: Seen;
  /** In the lake, at a commit that had everything which the source's log held at `before`. */
  readonly lake: Seen;
  /** At the source, after the lake was read. */
  readonly after: Seen;
}

const MOST_LOOKS = 10;
const IDLE_LOOKS = 3;

/**
 * Whether it is worth to look once more. Rows that change all the time are never settled, and a look costs a commit's wait
 * and a scan of the lake's table.
 * @param open how many keys were open: before the first look, and after each
 */
export function looksAgain(open: readonly number[]): boolean {
  const left = open.at(-1) ?? 0;
  if (left === 0 || open.length > MOST_LOOKS) return false;
  return !(open.length > IDLE_LOOKS && open.at(-1 - IDLE_LOOKS) === left);
}

/**
 * What one look at a key tells. The lake showed the source as it was at some moment between the two looks at the
 * source; so a row that was the same at both was that, unless it changed there and back in between, and a lake that has
 * something else is wrong. A row that moved proves nothing, but that a lake which has one of the two is right.
 */
export function judgeLook({ before, lake, after }: Look): 'equal' | 'unsettled' | Difference {
  if (lake === before || lake === after) return 'equal';
  if (before !== after) return 'unsettled';
  if (lake === null) return 'missing';
  return before === null ? 'extra' : 'changed';
}
