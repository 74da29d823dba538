import { describe, expect, it } from 'vitest';
import { deletedShare, fileHealth } from './file-health.ts';

const files = (over: Partial<Parameters<typeof fileHealth>[0]> = {}) => ({
  rows: 900,
  dataFiles: 4,
  deletedRows: 100,
  largestFileBytes: 1000,
  ...over,
});

describe('the health of files', () => {
  it('is good where readers open little for nothing', () => {
    expect(deletedShare(files())).toBe(0.1);
    expect(fileHealth(files())).toMatchObject({ tone: 'good' });
    expect(fileHealth(files({ dataFiles: 90, largestFileBytes: 2 ** 27 }))).toMatchObject({ tone: 'good' });
    expect(fileHealth(files({ rows: null, deletedRows: 0, dataFiles: null }))).toMatchObject({
      tone: 'good',
    });
  });

  it('is not where compaction should have been at work', () => {
    expect(fileHealth(files({ deletedRows: 900 })).title).toBe('50.0 % of the rows in its files are deleted');
    expect(fileHealth(files({ dataFiles: 17 })).title).toContain('17 small files');
  });
});
