import { describe, expect, it } from 'vitest';
import { followChange } from './follow-change.ts';

const state = (snapshotId: string, visibleAt: number, committedAt: number | null) => ({
  snapshotId,
  visibleAt,
  committedAt: () => Promise.resolve(committedAt),
});

/** Gives one state after the other, the last one again and again. */
function arriving(...states: (ReturnType<typeof state> | null)[]) {
  return { newest: () => Promise.resolve(states.length > 1 ? states.shift()! : (states[0] ?? null)) };
}

describe('a change that is followed', () => {
  it('is the first that comes behind the state at the beginning, and tells when it was made', async () => {
    const arrivals = arriving(state('1', 1000, 500), state('1', 1000, 500), state('2', 9000, 6500));
    expect(await followChange(arrivals, AbortSignal.timeout(20_000))).toEqual({
      committedAt: '1970-01-01T00:00:06.500Z',
      visibleAt: '1970-01-01T00:00:09.000Z',
      ms: 2500,
    });
  });

  it('is not one that left no row to tell', async () => {
    const arrivals = arriving(null, state('1', 1000, null), state('2', 3000, 2000));
    expect(await followChange(arrivals, AbortSignal.timeout(20_000))).toMatchObject({ ms: 1000 });
  });

  it('is none where nothing arrives in time', async () => {
    expect(await followChange(arriving(state('1', 1000, 500)), AbortSignal.timeout(50))).toBeNull();
  });
});
