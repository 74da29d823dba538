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
