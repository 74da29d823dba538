import { describe, expect, it } from 'vitest';
import { bytesBetween } from './remaining.ts';

const FILES = [
  { name: 'binlog.000007', bytes: 1000 },
  { name: 'binlog.000008', bytes: 500 },
  { name: 'binlog.000009', bytes: 300 },
];
const place = (name: string, offset: number) => ({ name, offset });

describe('the bytes between two places of the log', () => {
  it('are those of the rest of the first file, of the files between, and of the last one so far', () => {
    expect(bytesBetween(FILES, place('binlog.000007', 400), place('binlog.000009', 300))).toBe(1400);
    expect(bytesBetween(FILES, place('binlog.000008', 4), place('binlog.000009', 4))).toBe(500);
    expect(bytesBetween(FILES, place('binlog.000009', 4), place('binlog.000009', 300))).toBe(296);
  });

  it('are not known where a file is gone', () => {
    expect(bytesBetween(FILES, place('binlog.000006', 4), place('binlog.000009', 4))).toBeNull();
    expect(bytesBetween(FILES, place('binlog.000007', 4), place('binlog.000010', 4))).toBeNull();
  });

  it('are none where the reader is already further', () => {
    expect(bytesBetween(FILES, place('binlog.000009', 400), place('binlog.000009', 300))).toBe(0);
  });
});
