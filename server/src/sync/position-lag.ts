import type { Position } from '../sources/source.ts';

/** A reader that has stood still for so many looks is as far behind as the oldest that is kept, or more. */
const KEPT_LOOKS = 8640;

/**
 * How long the reader is behind the end of the source's log, from the ends that were seen: the age of the first one
 * that it has not reached. So neither clocks of the source nor times in its log are needed.
 */
export class PositionLag {
  readonly #compare: (a: Position, b: Position) => number;
  readonly #ends: { readonly at: number; readonly end: Position }[] = [];

  constructor(compare: (a: Position, b: Position) => number) {
    this.#compare = compare;
  }

  /** The end of the log was here at this time. */
  seen(at: number, end: Position): void {
    this.#ends.push({ at, end });
    // Every second one goes: the oldest stays, and with it how long the reader is behind.
    if (this.#ends.length > KEPT_LOOKS)
      this.#ends.splice(0, this.#ends.length, ...this.#ends.filter((_, index) => index % 2 === 0));
  }

  /** Milliseconds; null where no end was seen yet. Ends that were reached are forgotten. */
  behind(read: Position, now: number): number | null {
    const last = this.#ends.at(-1);
    if (last === undefined) return null;
    let reached = 0;
    while (reached < this.#ends.length - 1 && this.#compare(this.#ends[reached]!.end, read) <= 0) reached++;
    this.#ends.splice(0, reached);
    const first = this.#ends[0]!;
    return this.#compare(first.end, read) <= 0 ? 0 : Math.max(0, now - first.at);
  }
}
