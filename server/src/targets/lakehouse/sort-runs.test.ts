import { describe, expect, it } from 'vitest';
import { Random } from '../../../../tests/property/random.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { sortRuns } from './sort-runs.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());

/** Rows as [key …, position], in the order of their keys and then of their positions. */
function inOrder(rows: readonly (readonly number[])[]): readonly (readonly number[])[] {
  return [...rows].sort((a, b) => {
    const n = a.findIndex((value, index) => value !== b[index]);
    return n === -1 ? 0 : a[n]! - b[n]!;
  });
}

describe(`rows in runs, SLUICE_TEST_SEED=${SEED}`, () => {
  it('come into the order of their keys, equal ones as they lay', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 1_500; round++) {
      const keys = 1 + random.below(3);
      // One long run and short ones, in any order, or runs of any length.
      const lengths = Array.from({ length: random.below(12) }, () => random.below(random.once(4) ? 300 : 9));
      const runs = lengths.map((length) =>
        inOrder(Array.from({ length }, () => Array.from({ length: keys }, () => random.below(40) - 20))),
      );
      const rows = runs.flat().map((key, position) => [...key, position]);
      const columns = Array.from({ length: keys }, (_, n) => Float64Array.from(rows, (row) => row[n]!));
      const positions = Int32Array.from(rows, (_, position) => position);
      expect(sortRuns({ columns, positions }, 12)).toBe(true);
      const sorted = rows.map((_, at) => [...columns.map((column) => column[at]!), positions[at]!]);
      expect(sorted).toEqual(inOrder(rows));
    }
  });

  it('are left as they lie where they are too many runs', () => {
    const column = Float64Array.of(5, 4, 3, 2);
    const positions = Int32Array.of(0, 1, 2, 3);
    expect(sortRuns({ columns: [column], positions }, 3)).toBe(false);
    expect([...column]).toEqual([5, 4, 3, 2]);
    expect(sortRuns({ columns: [column], positions }, 4)).toBe(true);
    expect([...column, ...positions]).toEqual([2, 3, 4, 5, 3, 2, 1, 0]);
  });
});
