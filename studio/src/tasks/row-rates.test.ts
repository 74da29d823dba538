import { describe, expect, it } from 'vitest';
import { type RowSums, rowRates, withSums } from './row-rates.ts';

const sums = (...all: (readonly [number, number, number])[]): readonly RowSums[] =>
  all.reduce<readonly RowSums[]>(
    (before, [at, read, written]) => withSums(before, { at, read, written }),
    [],
  );

describe('rows a second', () => {
  it('are those of the last minute', () => {
    expect(rowRates(sums([0, 5, 5]))).toBeNull();
    expect(rowRates(sums([0, 0, 0], [2000, 100, 50]))).toEqual({ read: 50, written: 25 });
    expect(rowRates(sums([0, 0, 0], [30_000, 9000, 0], [90_000, 9600, 60]))).toEqual({
      read: 10,
      written: 1,
    });
  });

  it('begin again where the task does', () => {
    expect(rowRates(sums([0, 900, 900], [1000, 10, 10], [2000, 30, 20]))).toEqual({ read: 20, written: 10 });
  });
});
