import type { PulseLoad } from '../model/pulse.ts';

/** A pace is that of so many chunks, at most: an older one says little of now. */
const MEASURED = 20;

interface Mark {
  readonly at: number;
  readonly rows: number;
}

/**
 * How fast the full loads of one process are, by the chunks that it loaded. What an earlier process did says nothing of
 * this one's pace, and neither does the time in between.
 */
export class LoadPaces {
  /** By lane; the first mark is a beginning and has no rows. */
  readonly #marks = new Map<number, readonly Mark[]>();

  begun(laneId: number, at: number): void {
    this.#marks.set(laneId, [{ at, rows: 0 }]);
  }

  chunkLoaded(laneId: number, rows: number, at: number): void {
    const marks = this.#marks.get(laneId);
    if (marks === undefined) return;
    const [first = { at, rows }, ...rest] = [...marks, { at, rows }].slice(-1 - MEASURED);
    this.#marks.set(laneId, [{ at: first.at, rows: 0 }, ...rest]);
  }

  ended(laneId: number): void {
    this.#marks.delete(laneId);
  }

  /** Of loads of which something can be said: at least one chunk is there. A load that waits grows slower. */
  paces(now: number): readonly PulseLoad[] {
    return [...this.#marks].flatMap(([laneId, [first, ...chunks]]) => {
      const seconds = first === undefined ? 0 : (now - first.at) / 1000;
      if (chunks.length === 0 || seconds <= 0) return [];
      const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
      return [{ laneId, rowsPerSecond: rows / seconds, chunksPerSecond: chunks.length / seconds }];
    });
  }
}
