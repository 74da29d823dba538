import { expect, it } from 'vitest';
import { type LoadSoFar, loadEstimate } from './load-estimate.ts';

const pace = { rowsPerSecond: 100.4, chunksPerSecond: 0.5 };
const half: LoadSoFar = { rowsLoaded: 1000, rowsEstimated: 2004, chunks: { total: 10, loaded: 5 }, pace };

it.each<[string, LoadSoFar, number | null, number | null]>([
  ['rows and chunks agree', half, 100, 10],
  ['more chunks are left than rows', { ...half, chunks: { total: 20, loaded: 5 } }, 100, 30],
  ['more rows are left than chunks', { ...half, rowsEstimated: 3008 }, 100, 20],
  ['the source estimates nothing: chunks tell', { ...half, rowsEstimated: null }, 100, 10],
  ['more rows came than were estimated', { ...half, rowsEstimated: 999 }, 100, null],
  ['all that was estimated came, and chunks are left', { ...half, rowsEstimated: 1000 }, 100, 10],
  ['no chunk is there yet, or no process at work', { ...half, pace: null }, null, null],
  ['chunks without a row', { ...half, pace: { rowsPerSecond: 0, chunksPerSecond: 1 } }, 0, null],
  ['nothing to go by', { ...half, rowsEstimated: null, chunks: null }, 100, null],
])('%s', (_, load, rowsPerSecond, secondsLeft) => {
  expect(loadEstimate(load)).toEqual({ rowsPerSecond, secondsLeft });
});
