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
/** So many looks in a row have to say the same of a row before it is named. */
const SAME_LOOKS = 3;
/** One more than that: a row that moved at the first of them is named still. */
const IDLE_LOOKS = SAME_LOOKS + 1;

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

/**
 * What all looks together tell. A row whose values come back (a flag that is set and taken back, one of many equal rows)
 * can be there and back between two looks at the source, and the lake have shown it there. That does not happen several
 * times in a row by accident; to a lake that is wrong it does.
 */
export class Suspicions {
  readonly #said = new Map<string, { readonly difference: Difference; readonly times: number }>();

  /** @returns a difference once it is certain; until then the row is unsettled */
  weigh(key: readonly string[], look: Look): 'equal' | 'unsettled' | Difference {
    const verdict = judgeLook(look);
    const name = JSON.stringify(key);
    const before = this.#said.get(name);
    this.#said.delete(name);
    if (verdict === 'equal' || verdict === 'unsettled') return verdict;
    const times = before?.difference === verdict ? before.times + 1 : 1;
    if (times >= SAME_LOOKS) return verdict;
    this.#said.set(name, { difference: verdict, times });
    return 'unsettled';
  }
}
