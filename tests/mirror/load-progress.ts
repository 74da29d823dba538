import type { TaskTable } from '@sluice/contract';
import { expect } from 'vitest';
import type { TestLake } from '../support/lake.ts';

/** More than a load brings between two looks at its pace, by far. */
export const ROWS = 600_000;

/** Chunks of the smallest size, one at a time: the load takes some seconds, and is looked at all the while. */
export const SLOW_LOAD = { chunk_size: '1MB', full_load_concurrency: '1' };

/** Everything that was said of a table while it was loaded, as often as something else was said. */
export async function watchLoad(
  lake: TestLake,
  task: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly TaskTable[]>> {
  const seen = new Map<string, TaskTable[]>(names.map((name) => [name, []]));
  await lake.until(async () => {
    const tables = await lake.tables(task);
    for (const table of tables) {
      const all = seen.get(table.source.table);
      if (all !== undefined && JSON.stringify(all.at(-1)) !== JSON.stringify(table)) all.push(table);
    }
    return tables.length >= names.length && tables.every(({ state }) => state === 'live');
  }, 300);
  return seen;
}

const told = (one: TaskTable): boolean => one.loadSecondsLeft !== null;

/** Of a table whose rows the source estimates well. */
export function expectEstimate(seen: readonly TaskTable[]): void {
  const loading = seen.filter(({ state }) => state === 'loading');
  const first = loading.find(told);
  expect(first, 'nothing was said of the time left').toBeDefined();
  for (const { rowsEstimated, loadRowsPerSecond, rowsLoaded } of loading.filter(told)) {
    expect(rowsEstimated).toBeGreaterThan(0);
    expect(loadRowsPerSecond).toBeGreaterThan(0);
    expect(rowsLoaded).toBeGreaterThan(0);
    expect(rowsLoaded).toBeLessThanOrEqual(rowsEstimated ?? 0);
  }
  expectNothingLeft(seen);
}

/** Of a table of which more rows come than the source knows of: from there on nothing is said of the time. */
export function expectExceeded(seen: readonly TaskTable[]): void {
  const beyond = seen.filter(
    ({ state, rowsLoaded, rowsEstimated }) => state === 'loading' && rowsLoaded > (rowsEstimated ?? ROWS),
  );
  expect(beyond.some(({ loadRowsPerSecond }) => loadRowsPerSecond !== null)).toBe(true);
  expect(beyond.filter(told)).toEqual([]);
  expectNothingLeft(seen);
}

export function expectNothingLeft(seen: readonly TaskTable[]): void {
  const over = seen.filter(({ state }) => state !== 'loading');
  expect(over.filter((one) => told(one) || one.loadRowsPerSecond !== null)).toEqual([]);
  expect(seen.at(-1)).toMatchObject({ state: 'live', rowsLoaded: ROWS });
}
