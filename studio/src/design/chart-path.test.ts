import { expect, it } from 'vitest';
import { chartPath } from './chart-path.ts';

it('draws from 0, over the whole box, with gaps where nothing is known', () => {
  const points = [0, 5, null, 10, 10].map((value, index) => ({ at: 1000 + index * 100, value }));
  const { line, area } = chartPath(points, 400, 100);
  expect(line).toBe('M0.0 98.0L100.0 51.0M300.0 4.0L400.0 4.0');
  expect(area).toBe('M0.0 100L0.0 98.0L100.0 51.0L100.0 100ZM300.0 100L300.0 4.0L400.0 4.0L400.0 100Z');
});

it('draws nothing of nothing, and no infinity of zeros', () => {
  expect(chartPath([], 400, 100)).toEqual({ line: '', area: '' });
  expect(chartPath([{ at: 5, value: 0 }], 400, 100).line).toBe('M0.0 98.0');
});
