import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pulse } from '../model/pulse.ts';
import { Pulses } from './pulses.ts';
import { BOUNDS, quantile, TableLatencies } from './table-latencies.ts';

const pulse = (...commits: Pulse['commits']): Pulse => ({
  logBytes: 0,
  loadBytes: 0,
  commits,
  waitingLines: 0,
  waitingBytes: 0,
  oldestWaitingMs: null,
  lagBytes: 0,
  lagMs: 0,
  loads: [],
  rssBytes: 0,
  heapBytes: 0,
});
const commit = (latencyMs: number | null, ...laneIds: number[]) => ({ durationMs: 1, latencyMs, laneIds });

describe('the latencies of a table', () => {
  it('are counted for the tables of each commit, and forgotten after an hour', () => {
    const pulses = new Pulses();
    let now = 1_800_000_000_000;
    const latencies = new TableLatencies(pulses, () => now);
    pulses.beat(1, 1, pulse(commit(900, 1, 2), commit(4200, 1), commit(null, 1)));
    now += 50 * 60_000;
    pulses.beat(1, 1, pulse(commit(9_000_000, 2)));
    expect(latencies.of(1)).toMatchObject({ commits: 2 });
    expect(latencies.of(2)).toMatchObject({ commits: 2, p99Ms: 3_600_000 });
    expect(latencies.of(2).buckets.at(-1)).toEqual({ uptoMs: null, commits: 1 });
    now += 15 * 60_000;
    expect(latencies.of(1)).toMatchObject({ commits: 0, p50Ms: null });
    expect(latencies.of(2)).toMatchObject({ commits: 1 });
    // A slice of an hour ago is used again for this one.
    pulses.beat(1, 1, pulse(commit(100, 2)));
    expect(latencies.of(2)).toMatchObject({ commits: 2 });
    expect(latencies.of(3)).toMatchObject({ commits: 0 });
    latencies.close();
    pulses.beat(1, 1, pulse(commit(100, 2)));
    expect(latencies.of(2)).toMatchObject({ commits: 2 });
  });

  it('have quantiles within the bucket of the exact one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3_600_000 }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (values, share) => {
          const at = (ms: number) => BOUNDS.findIndex((bound) => ms <= bound);
          const counts = new Array<number>(BOUNDS.length + 1).fill(0);
          for (const ms of values) counts[at(ms)]! += 1;
          const exact = [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1]!;
          const low = at(exact) === 0 ? 0 : BOUNDS[at(exact) - 1]!;
          const found = quantile(counts, share)!;
          expect(found).toBeGreaterThanOrEqual(low);
          expect(found).toBeLessThanOrEqual(BOUNDS[at(exact)]!);
        },
      ),
    );
  });
});
