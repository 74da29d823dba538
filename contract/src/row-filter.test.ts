import { describe, expect, it } from 'vitest';
import { parseRowFilter } from './row-filter.ts';

describe('a filter of rows', () => {
  it.each([
    ['1=1', '1=1'],
    [' WHERE id > 5', 'id > 5'],
    [
      "name = 'it''s; -- no comment' AND (a = 1 OR b IN (2, 3))",
      "name = 'it''s; -- no comment' AND (a = 1 OR b IN (2, 3))",
    ],
    [`"from" = 'select'`, `"from" = 'select'`],
    ["at >= '2026-01-01 00:00:00'", "at >= '2026-01-01 00:00:00'"],
    ["wherever = 'x'", "wherever = 'x'"],
    ['a % 2 = 0 AND NOT b IS NULL', 'a % 2 = 0 AND NOT b IS NULL'],
  ])('%s', (text, filter) => {
    expect(parseRowFilter(text)).toBe(filter);
  });

  it.each([
    ['', 'is empty'],
    ['where ', 'is empty'],
    ["a = 'x", 'ends within a quote'],
    ['a = 1; DROP TABLE t', 'semicolon'],
    ['a = 1 -- rest', 'comment'],
    ['a = 1 # rest', 'comment'],
    ['a /* x */ = 1', 'comment'],
    ['a = 1) OR (b = 2', 'parentheses'],
    ['(a = 1', 'parentheses'],
    ['id IN (SELECT id FROM other)', 'SELECT'],
    ['id IN (TABLE other)', 'TABLE'],
    ['id IN (FROM other)', 'FROM'],
    ["a = 'x\\' OR 1=1'", 'characters'],
    ['a = $$x$$', 'characters'],
    ['`a` = 1', 'characters'],
    [`a = '${'x'.repeat(10_000)}'`, 'longer'],
  ])('%s is refused', (text, why) => {
    expect(() => parseRowFilter(text)).toThrow(why);
  });
});
