import type { TaskTable } from '@sluice/contract';

/** How far the full loads of a task are, taken together. */
export interface LoadSoFar {
  /** Tables that load, or wait for it. */
  readonly tables: number;
  readonly done: number;
  readonly rows: number;
  /** null: of a table nobody knows how many rows it has. */
  readonly expected: number | null;
  /** From 0 to 1, by rows. */
  readonly share: number;
  readonly rowsPerSecond: number;
  readonly secondsLeft: number | null;
}

type Loading = Pick<
  TaskTable,
  'state' | 'rowsEstimated' | 'rowsLoaded' | 'loadProgress' | 'loadRowsPerSecond' | 'loadSecondsLeft'
>;
const ON_THE_WAY: ReadonlySet<string> = new Set(['pending', 'loading', 'catching_up']);

/** @returns null where nothing loads */
export function loadSoFar(tables: readonly Loading[]): LoadSoFar | null {
  const all = tables.filter(({ state }) => state !== 'dropped');
  const waiting = all.filter(({ state }) => ON_THE_WAY.has(state));
  if (waiting.length === 0) return null;
  let total = 0;
  let there = 0;
  for (const table of all) {
    // An empty table is a step of the way too.
    const weight = Math.max(table.rowsEstimated ?? 0, table.rowsLoaded, 1);
    total += weight;
    there += weight * shareOf(table);
  }
  const left = waiting.reduce(
    (sum, table) => sum + Math.max(table.rowsEstimated ?? 0, table.rowsLoaded) * (1 - shareOf(table)),
    0,
  );
  const rowsPerSecond = waiting.reduce((sum, one) => sum + (one.loadRowsPerSecond ?? 0), 0);
  const known = waiting.every(({ rowsEstimated }) => rowsEstimated !== null);
  return {
    tables: waiting.length,
    done: all.length - waiting.length,
    rows: waiting.reduce((sum, { rowsLoaded }) => sum + rowsLoaded, 0),
    expected: known
      ? waiting.reduce((sum, one) => sum + Math.max(one.rowsEstimated ?? 0, one.rowsLoaded), 0)
      : null,
    share: there / total,
    rowsPerSecond,
    secondsLeft:
      known && rowsPerSecond > 0
        ? Math.ceil(
            Math.max(left / rowsPerSecond, ...waiting.map(({ loadSecondsLeft }) => loadSecondsLeft ?? 0)),
          )
        : null,
  };
}

/** By chunks where they are planned, for those are counted and rows are guessed. */
function shareOf({ state, rowsLoaded, rowsEstimated, loadProgress }: Loading): number {
  if (state === 'pending') return 0;
  if (state !== 'loading') return 1;
  if (loadProgress !== null) return loadProgress;
  return rowsEstimated === null || rowsEstimated === 0 ? 0 : Math.min(1, rowsLoaded / rowsEstimated);
}
