import { describe, expect, it } from 'vitest';
import { Random } from '../../../../tests/property/random.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { SortedKeys } from './sorted-keys.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());

describe(`SortedKeys, SLUICE_TEST_SEED=${SEED}`, () => {
  it('finds every row under a key, and none under another, as a look at each would', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 2_000; round++) {
      const size = random.below(60);
      const rows = Array.from({ length: size }, (_, position) => ({
        key: [random.below(8) - 4, random.below(6)],
        position,
      }));
      if (random.once(2)) {
        rows.sort((a, b) => a.key[0]! - b.key[0]! || a.key[1]! - b.key[1]!);
        for (const [at, row] of rows.entries()) row.position = at;
      }
      const keys = SortedKeys.of([0, 1].map((n) => Int32Array.from(rows, ({ key }) => key[n]!)));
      const pairs = Array.from({ length: random.below(40) }, () => [
        random.below(11) - 5,
        random.below(9) - 1,
      ]);
      if (random.once(2)) pairs.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
      // Of the last one, which is not counted, nothing is looked for.
      const wanted = [0, 1].map((n) => Int32Array.from([...pairs, [0, 0]], (pair) => pair[n]!));
      const found: number[] = [];
      keys.find(wanted, pairs.length, (position) => found.push(position));
      const expected = pairs.flatMap(([a, b]) =>
        rows.filter(({ key }) => key[0] === a && key[1] === b).map(({ position }) => position),
      );
      expect(found.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
    }
  });

  it('are sorted where they lie in any order, equal ones as they lie', () => {
    const random = new Random(SEED);
    for (let round = 0; round < 500; round++) {
      const size = random.below(400);
      // Of one digit, of several, of all that a word has.
      const range = [2, 3_000, 5_000_000, 2 ** 32][random.below(4)]!;
      const columns = Array.from({ length: 1 + random.below(3) }, () => {
        const least = [0, -5, -(2 ** 31)][random.below(3)]!;
        return Int32Array.from({ length: size }, () => least + random.below(range));
      });
      const keys = SortedKeys.of(columns.map((column) => column.slice()));
      const isSame = (column: Int32Array): boolean => column.every((word) => word === column[0]);
      const held = columns.filter((column) => !isSame(column)).length;
      expect([size * 4 * held, size * 4 * (held + 1)]).toContain(keys.bytes);
      const found: number[] = [];
      const rows = Array.from({ length: size }, (_, row) => row).sort((a, b) => {
        const n = columns.findIndex((column) => column[a] !== column[b]);
        return n === -1 ? a - b : columns[n]![a]! - columns[n]![b]!;
      });
      // Each key once, in their order: what is found is all rows, in the order of their keys.
      const distinct = rows.filter((row, at) =>
        columns.some((column) => at === 0 || column[row] !== column[rows[at - 1]!]),
      );
      const wanted = columns.map((column) => Int32Array.from(distinct, (row) => column[row]!));
      keys.find(wanted, distinct.length, (position) => found.push(position));
      expect(found).toEqual(rows);
    }
  });

  it('a column in which all have the same takes nothing, nor do places where rows are in order', () => {
    const bytes = (...columns: number[][]) =>
      SortedKeys.of(columns.map((words) => Int32Array.from(words))).bytes;
    expect(bytes([7, 7, 7], [1, 2, 2])).toBe(12);
    expect(bytes([7, 7, 7], [1, 3, 2])).toBe(24);
    expect(bytes([7])).toBe(0);
    expect(bytes([])).toBe(0);
  });
});
