import { describe, expect, it } from 'vitest';
import { loadSoFar } from './load-so-far.ts';

const table = (state: string, over: Partial<Parameters<typeof loadSoFar>[0][number]> = {}) => ({
  state,
  rowsEstimated: null,
  rowsLoaded: 0,
  loadProgress: null,
  loadRowsPerSecond: null,
  loadSecondsLeft: null,
  ...over,
});

describe('the full loads of a task', () => {
  it('are nothing where no table loads', () => {
    expect(loadSoFar([])).toBeNull();
    expect(loadSoFar([table('live', { rowsLoaded: 9 }), table('dropped'), table('stopped')])).toBeNull();
  });

  it('are weighed by rows, and told to the second only where all is known', () => {
    const loads = [
      table('live', { rowsEstimated: 100, rowsLoaded: 100 }),
      table('loading', {
        rowsEstimated: 800,
        rowsLoaded: 350,
        loadProgress: 0.5,
        loadRowsPerSecond: 50,
        loadSecondsLeft: 9,
      }),
      table('pending', { rowsEstimated: 100 }),
    ];
    expect(loadSoFar(loads)).toEqual({
      tables: 2,
      done: 1,
      rows: 350,
      expected: 900,
      share: 0.5,
      rowsPerSecond: 50,
      secondsLeft: 10,
    });
    expect(loadSoFar([...loads, table('pending')])).toMatchObject({ expected: null, secondsLeft: null });
  });

  it('take more rows than were estimated for what they are', () => {
    const load = loadSoFar([table('loading', { rowsEstimated: 10, rowsLoaded: 40 })]);
    expect(load).toMatchObject({ expected: 40, share: 1, secondsLeft: null });
  });
});
