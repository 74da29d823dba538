import type { TableLatency } from '@sluice/contract';
import type { Pulse } from '../model/pulse.ts';
import type { Pulses } from './pulses.ts';

/** Upper bounds in milliseconds; the last bucket takes what is above all of them. */
export const BOUNDS: readonly number[] = [
  250, 500, 750, 1000, 1500, 2000, 3000, 4000, 5000, 7500, 10_000, 20_000, 30_000, 60_000, 300_000, 3_600_000,
];
const BUCKETS = BOUNDS.length + 1;

/** An hour, in slices of ten minutes that are forgotten one by one. */
const SLICE_MS = 600_000;
const SLICES = 6;

/** Of one table: the number of its commits in each slice and bucket. */
interface Counts {
  /** Which ten minutes since 1970 each slice counts. */
  readonly slices: Float64Array;
  readonly commits: Uint32Array;
  newest: number;
}

/** How long the commits of each table took to become visible, in the last hour: heard from the pulses of the runs. */
export class TableLatencies {
  readonly #tables = new Map<number, Counts>();
  readonly #now: () => number;
  readonly #deaf: () => void;
  #pruned = 0;

  constructor(pulses: Pulses, now: () => number = Date.now) {
    this.#now = now;
    this.#deaf = pulses.listen((_taskId, _attemptId, pulse) => this.#take(pulse));
  }

  #take(pulse: Pulse): void {
    const slice = Math.floor(this.#now() / SLICE_MS);
    for (const { latencyMs, laneIds } of pulse.commits) {
      if (latencyMs === null) continue;
      const bucket = bucketOf(latencyMs);
      for (const id of laneIds) this.#count(id, slice, bucket);
    }
    if (this.#pruned === slice) return;
    this.#pruned = slice;
    for (const [id, { newest }] of this.#tables) if (newest <= slice - SLICES) this.#tables.delete(id);
  }

  #count(id: number, slice: number, bucket: number): void {
    let counts = this.#tables.get(id);
    if (counts === undefined) {
      counts = {
        slices: new Float64Array(SLICES),
        commits: new Uint32Array(SLICES * BUCKETS),
        newest: slice,
      };
      this.#tables.set(id, counts);
    }
    const at = slice % SLICES;
    const from = at * BUCKETS;
    if (counts.slices[at] !== slice) {
      counts.slices[at] = slice;
      counts.commits.fill(0, from, from + BUCKETS);
    }
    counts.newest = slice;
    counts.commits[from + bucket]! += 1;
  }

  /** @param id of the table, as of its lane */
  of(id: number): TableLatency {
    const sums = new Array<number>(BUCKETS).fill(0);
    const counts = this.#tables.get(id);
    const oldest = Math.floor(this.#now() / SLICE_MS) - SLICES;
    if (counts !== undefined)
      for (let at = 0; at < SLICES; at++) {
        if (counts.slices[at]! <= oldest) continue;
        for (let bucket = 0; bucket < BUCKETS; bucket++)
          sums[bucket]! += counts.commits[at * BUCKETS + bucket]!;
      }
    return {
      commits: sums.reduce((sum, one) => sum + one, 0),
      p50Ms: quantile(sums, 0.5),
      p95Ms: quantile(sums, 0.95),
      p99Ms: quantile(sums, 0.99),
      buckets: sums.map((commits, at) => ({ uptoMs: BOUNDS[at] ?? null, commits })),
    };
  }

  close(): void {
    this.#deaf();
  }
}

function bucketOf(ms: number): number {
  const at = BOUNDS.findIndex((bound) => ms <= bound);
  return at < 0 ? BOUNDS.length : at;
}

/**
 * About: within a bucket values are taken to lie evenly. Of what is above the last bound only that bound is known.
 * @returns null where nothing was counted
 */
export function quantile(commits: readonly number[], share: number): number | null {
  const total = commits.reduce((sum, one) => sum + one, 0);
  if (total === 0) return null;
  const wanted = total * share;
  let before = 0;
  for (const [at, count] of commits.entries()) {
    if (count > 0 && before + count >= wanted) {
      const low = at === 0 ? 0 : BOUNDS[at - 1]!;
      const high = BOUNDS[at] ?? low;
      return Math.round(low + ((high - low) * (wanted - before)) / count);
    }
    before += count;
  }
  return BOUNDS.at(-1)!;
}
