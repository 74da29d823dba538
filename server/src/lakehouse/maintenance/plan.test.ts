import { describe, expect, it } from 'vitest';
import type { LiveFile } from '../data-file.ts';
import { besideBacklog, mayBeDue, planMaintenance } from './plan.ts';

describe('planMaintenance', () => {
  const file = (
    path: string,
    bytes: number,
    sequence: number,
    content: LiveFile['content'] = 'data',
  ): LiveFile => ({
    content,
    path,
    records: 100,
    bytes,
    columnSizes: new Map(),
    valueCounts: new Map(),
    nullCounts: new Map(),
    nanCounts: new Map(),
    lowerBounds: new Map(),
    upperBounds: new Map(),
    referencedDataFile: null,
    sequence,
  });
  const thresholds = { targetBytes: 1000, smallFiles: 3, deletedFraction: 0.3, deleteFiles: 2 };
  const groups = (files: LiveFile[], deleted: Record<string, number> = {}): string[] =>
    planMaintenance(files, new Map(Object.entries(deleted)), thresholds).compactions.map((group) =>
      group.map((one) => one.path).join(''),
    );

  it('groups small files in the order of their age up to the target, and leaves too few alone', () => {
    expect(groups([file('b', 200, 2), file('a', 200, 1), file('L', 900, 3), file('c', 200, 4)])).toEqual([
      'abc',
    ]);
    expect(groups([file('a', 200, 1), file('b', 200, 2)])).toEqual([]);
    expect(groups('abcdefgh'.split('').map((path, index) => file(path, 240, index)))).toEqual([
      'abcd',
      'efgh',
    ]);
    expect(groups('abcde'.split('').map((path, index) => file(path, 240, index)))).toEqual(['abcd']);
  });

  it('puts no more than 64 files into one, however small they are', () => {
    const files = Array.from({ length: 150 }, (_, index) => file(`${index} `, 1, index));
    expect(groups(files).map((group) => group.trim().split(' ').length)).toEqual([64, 64, 22]);
    expect(groups(files).join('')).toBe(files.map(({ path }) => path).join(''));
  });

  it('leaves a file that has grown alone until as much has come beside it', () => {
    const few = 'abc'.split('').map((path, index) => file(path, 5, 2 + index));
    expect(groups([file('G', 200, 1), ...few])).toEqual(['abc']);
    expect(groups([file('G', 200, 1), ...few.slice(1)])).toEqual([]);
    expect(groups([file('G', 200, 1), file('H', 200, 2), few[0]!])).toEqual([]);
    expect(groups([file('G', 15, 1), ...few])).toEqual(['Gabc']);
    const many = 'GHI'.split('').map((path, index) => file(path, 200, index));
    expect(groups([...many, ...few.slice(1)])).toEqual(['GHI']);
  });

  it('writes a row anew about as often as its file can double', () => {
    let files: LiveFile[] = [];
    let rewritten = 0;
    const commits = 3000;
    for (let n = 1; n <= commits; n++) {
      files.push(file(`f${n}`, 1, n));
      const { compactions } = planMaintenance(files, new Map(), { ...thresholds, targetBytes: 16_000 });
      for (const group of compactions) {
        const bytes = group.reduce((sum, one) => sum + one.bytes, 0);
        rewritten += bytes;
        files = [...files.filter((one) => !group.includes(one)), file(`g${n}`, bytes, n)];
      }
      expect(files.length).toBeLessThan(3 + Math.log2(commits));
    }
    expect(rewritten / commits).toBeLessThan(Math.log2(commits));
  });

  it('rewrites small files of whose rows many are deleted, where that frees something', () => {
    expect(groups([file('a', 200, 1), file('b', 200, 2)], { a: 50, b: 20 })).toEqual(['ab']);
    expect(groups([file('a', 200, 1), file('b', 200, 2)], { a: 50, b: 5 })).toEqual([]);
    expect(groups([file('a', 20, 1)], { a: 70 })).toEqual([]);
  });

  it('reads the delete files to plan where they may call for something, and not otherwise', () => {
    const deletes = (records: number): LiveFile => ({ ...file('d', 5, 9, 'position-deletes'), records });
    const due = (...some: LiveFile[]): boolean => mayBeDue(some, thresholds);
    expect(due(file('L', 900, 1))).toBe(false);
    expect(due(file('L', 900, 1), deletes(30))).toBe(false);
    expect(due(file('L', 900, 1), deletes(31))).toBe(true);
    expect(due(file('a', 200, 1), file('b', 200, 2), deletes(60))).toBe(false);
    expect(due(file('a', 200, 1), file('b', 200, 2), deletes(61))).toBe(true);
    expect(due(...'abc'.split('').map((path, index) => file(path, 200, index)))).toBe(true);
    expect(due(file('L', 900, 1), deletes(1), deletes(1), deletes(1))).toBe(true);
  });

  it('reads them again where what they said calls for something, or a tenth more has come', () => {
    const deletes = (records: number): LiveFile => ({ ...file('d', 5, 9, 'position-deletes'), records });
    const due = (records: number, of: Record<string, number>, ...some: LiveFile[]): boolean =>
      mayBeDue(some, thresholds, { records, deleted: new Map(Object.entries(of)) });
    const both = [file('L', 900, 1), file('M', 900, 2)];
    expect(due(40, { L: 20, M: 20 }, ...both, deletes(44))).toBe(false);
    expect(due(40, { L: 20, M: 20 }, ...both, deletes(45))).toBe(true);
    expect(due(40, { L: 31, M: 9 }, ...both, deletes(40))).toBe(true);
    expect(due(60, {}, ...'abc'.split('').map((path, index) => file(path, 200, index)))).toBe(true);
  });

  it('finds worth a look whatever is rewritten for its deleted rows (seed 20261129)', () => {
    let seed = 20261129;
    const drawn = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    let planned = 0;
    for (let round = 0; round < 3000; round++) {
      const deleted = new Map<string, number>();
      const some = Array.from({ length: 1 + drawn(6) }, (_, index) => {
        const one = {
          ...file(`f${index}`, 1 + drawn(drawn(2) === 0 ? 40 : 900), index),
          records: 1 + drawn(100),
        };
        if (drawn(2) === 0) deleted.set(one.path, drawn(one.records + 1));
        return one;
      });
      const rows = [...deleted.values()].reduce((sum, one) => sum + one, 0);
      const all = rows === 0 ? some : [...some, { ...file('d', 5, 9, 'position-deletes'), records: rows }];
      const plan = planMaintenance(all, deleted, thresholds);
      // Fewer files than a tier has are rewritten for their deleted rows alone.
      if (plan.compactions.every((group) => group.length >= thresholds.smallFiles)) continue;
      planned++;
      expect(mayBeDue(all, thresholds)).toBe(true);
    }
    expect(planned).toBeGreaterThan(300);
  });

  it('rewrites a file with many deleted rows, with small neighbours where there are any', () => {
    expect(groups([file('L', 900, 1)], { L: 30 })).toEqual([]);
    expect(groups([file('L', 900, 1)], { L: 31 })).toEqual(['L']);
    expect(groups([file('L', 900, 1), file('a', 200, 2)], { L: 90 })).toEqual(['La']);
    expect(groups([file('L', 900, 1), file('M', 900, 2)], { L: 40, M: 40 })).toEqual(['L', 'M']);
  });

  it('waits beside a backlog, but not for ever', () => {
    const planned = (files: LiveFile[], deleted: Record<string, number> = {}): [number, boolean] => {
      const rows = new Map(Object.entries(deleted));
      const plan = planMaintenance(files, rows, besideBacklog(thresholds));
      expect(mayBeDue(files, besideBacklog(thresholds), { records: 0, deleted: rows })).toBe(
        plan.mergeDeletes || plan.compactions.length > 0,
      );
      return [plan.compactions.length, plan.mergeDeletes];
    };
    const small = Array.from({ length: 12 }, (_, index) => file(`${index}`, 1, index));
    expect(planned(small.slice(1))).toEqual([0, false]);
    expect(planned(small)).toEqual([1, false]);
    const deletes = small.map((one) => ({ ...one, content: 'position-deletes' as const })).slice(0, 9);
    expect(planned(deletes.slice(1))).toEqual([0, false]);
    expect(planned(deletes)).toEqual([0, true]);
    expect(planned([file('L', 900, 1)], { L: 50 })).toEqual([0, false]);
    expect(planned([file('L', 900, 1)], { L: 51 })).toEqual([1, false]);
  });

  it('merges delete files when they pile up, and does nothing where there are equality deletes', () => {
    const deletes = [
      file('x', 1, 1, 'position-deletes'),
      file('y', 1, 2, 'position-deletes'),
      file('z', 1, 3, 'position-deletes'),
    ];
    expect(planMaintenance(deletes.slice(1), new Map(), thresholds).mergeDeletes).toBe(false);
    expect(planMaintenance(deletes, new Map(), thresholds).mergeDeletes).toBe(true);
    const equality = [
      ...deletes,
      file('e', 1, 4, 'equality-deletes'),
      file('a', 1, 1),
      file('b', 1, 1),
      file('c', 1, 1),
    ];
    expect(planMaintenance(equality, new Map(), thresholds)).toEqual({
      compactions: [],
      mergeDeletes: false,
    });
  });
});
