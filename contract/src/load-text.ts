import type { TaskTable } from './task.ts';

type Loading = Pick<TaskTable, 'phase' | 'rowsLoaded' | 'rowsEstimated'>;

const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/**
 * How far the rows of a table's full load are, for people; once it is over, how many came. The estimate is the source's,
 * and may be wrong: what is beyond it is said to be.
 */
export function loadedText(
  { phase, rowsLoaded, rowsEstimated }: Loading,
  number: (value: number) => string = grouped,
): string {
  const loaded = number(rowsLoaded);
  if (phase !== 'full_load' || rowsEstimated === null) return loaded;
  if (rowsLoaded > rowsEstimated) return `${loaded}, more than estimated (${number(rowsEstimated)})`;
  return `${loaded} of about ${number(rowsEstimated)}`;
}
