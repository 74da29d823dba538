import type { TaskTable } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import type { Pulse } from '../model/pulse.ts';
import { tableChanges } from './live.ts';
import { PaceHistory, pacePoint } from './pace.ts';
import { Pulses } from './pulses.ts';

const table = (id: number, rowsApplied = 0): TaskTable => ({ id, rowsApplied }) as TaskTable;

describe('what is told of tables', () => {
  it('is everything at first, then what has changed, then what is gone', () => {
    const first = tableChanges(new Map(), [table(1), table(2)]);
    expect(first).toMatchObject({ changed: [{ id: 1 }, { id: 2 }], gone: [] });
    const second = tableChanges(first.told, [table(1), table(2, 5), table(3)]);
    expect(second).toMatchObject({ changed: [{ id: 2, rowsApplied: 5 }, { id: 3 }], gone: [] });
    const third = tableChanges(second.told, [table(2, 5), table(3)]);
    expect(third).toMatchObject({ changed: [], gone: [1] });
  });
});

const pulse = (logBytes: number, latencies: (number | null)[] = []): Pulse => ({
  logBytes,
  loadBytes: 0,
  commits: latencies.map((latencyMs) => ({ durationMs: 1, latencyMs, laneIds: [] })),
  waitingLines: 0,
  waitingBytes: 7,
  oldestWaitingMs: null,
  lagBytes: 3,
  lagMs: 4,
  loads: [],
  rssBytes: 1,
  heapBytes: 1,
});

describe('the pace', () => {
  it('is measured between two pulses of one process, and starts again with the next process', () => {
    const pulses = new Pulses();
    let now = 0;
    const history = new PaceHistory(pulses, () => now);
    pulses.beat(1, 10, pulse(1000));
    now = 2000;
    pulses.beat(1, 10, pulse(5000));
    now = 4000;
    pulses.beat(1, 11, pulse(9000));
    expect(history.of(1).map((point) => point.readBytesPerSecond)).toEqual([0, 2000, 0]);
    expect(history.of(2)).toEqual([]);
    history.close();
    pulses.beat(1, 11, pulse(9000));
    expect(history.of(1)).toHaveLength(3);
  });

  it('keeps half an hour', () => {
    const pulses = new Pulses();
    const history = new PaceHistory(pulses);
    for (let beat = 0; beat < 1000; beat++) pulses.beat(1, 10, pulse(beat));
    expect(history.of(1)).toHaveLength(900);
  });

  it('has the slowest latency of its moment, and none where only positions were committed', () => {
    const counted = { attemptId: 1, at: 0, bytes: 0 };
    expect(pacePoint(pulse(0, [5, null, 9]), null, counted).latencyMs).toBe(9);
    expect(pacePoint(pulse(0, [null]), null, counted).latencyMs).toBeNull();
  });
});
