import { describe, expect, it } from 'vitest';
import type { Pulse } from '../model/pulse.ts';
import { Pulses } from './pulses.ts';

const pulse = (over: Partial<Pulse> = {}): Pulse => ({
  logBytes: 0,
  loadBytes: 0,
  commits: [],
  waitingLines: 0,
  waitingBytes: 0,
  oldestWaitingMs: null,
  lagBytes: 0,
  lagMs: 0,
  loads: [],
  rssBytes: 0,
  heapBytes: 0,
  ...over,
});
const commits = (...latencies: number[]) =>
  latencies.map((latencyMs) => ({ durationMs: 1, latencyMs, laneIds: [] }));

describe('how late a task is', () => {
  it('is not known without its process', () => {
    const pulses = new Pulses(() => 0);
    expect(pulses.lateness(1)).toBeNull();
    pulses.beat(1, 7, pulse());
    pulses.ended(1, 6);
    expect(pulses.lateness(1)).toEqual({ latencyMs: 0, lagMs: 0 });
    pulses.ended(1, 7);
    expect(pulses.lateness(1)).toBeNull();
  });

  it('is the worst of a minute', () => {
    let now = 0;
    const pulses = new Pulses(() => now);
    pulses.beat(1, 7, pulse({ commits: commits(500, 9000, 700) }));
    now = 59_000;
    pulses.beat(1, 7, pulse({ commits: commits(300) }));
    expect(pulses.lateness(1)?.latencyMs).toBe(9000);
    now = 61_000;
    expect(pulses.lateness(1)?.latencyMs).toBe(300);
  });

  it('grows with what waits, and with the silence of the process', () => {
    let now = 0;
    const pulses = new Pulses(() => now);
    pulses.beat(1, 7, pulse({ oldestWaitingMs: 4000, lagMs: 3000 }));
    now = 10_000;
    expect(pulses.lateness(1)).toEqual({ latencyMs: 14_000, lagMs: 13_000 });
    pulses.beat(1, 7, pulse({ lagMs: 0 }));
    now = 30_000;
    expect(pulses.lateness(1)?.lagMs).toBe(0);
    now = 80_000;
    expect(pulses.lateness(1)?.lagMs).toBe(70_000);
  });
});
