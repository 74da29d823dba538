import { describe, expect, it } from 'vitest';
import type { Column } from '../../model/table.ts';
import { keepsValues } from './types.ts';

const column = (native: string, nullable = true): Column => ({
  name: 'c',
  sourceId: 1,
  type: { kind: 'string' },
  text: { form: 'plain' },
  nullable,
  native,
});

describe('a column defined anew', () => {
  it.each([
    ['int', 'bigint'],
    ['int unsigned', 'bigint'],
    ['decimal(10,2)', 'decimal(12,2)'],
    ['datetime', 'datetime(6)'],
    ['varchar(10) character set latin1', 'varchar(20) character set utf8mb4'],
    ['varbinary(10)', 'varbinary(20)'],
    ["enum('a','b') character set utf8mb4", "enum('a','b','c') character set utf8mb4"],
  ])('keeps every value: %s to %s', (before, after) => {
    expect(keepsValues(column(before), column(after))).toBe(true);
    expect(keepsValues(column(before, false), column(after))).toBe(true);
    expect(keepsValues(column(before), column(after, false))).toBe(false);
  });

  it.each([
    ['bigint', 'int'],
    ['int', 'int unsigned'],
    ['longtext character set utf8mb4', 'tinytext character set utf8mb4'],
    ['varchar(1000) character set utf8mb4', 'tinytext character set utf8mb4'],
    ['text character set latin1', 'text character set utf8mb4'],
    ['longblob', 'tinyblob'],
    ['varbinary(1000)', 'tinyblob'],
    ['float', 'float(7,2)'],
    ['float', 'double(10,2)'],
    ['time', 'time(3)'],
    ['decimal(40,2) zerofill', 'decimal(41,2) zerofill'],
    ['binary(4)', 'binary(8)'],
    ['bit(8)', 'bit(16)'],
    ["enum('a','b') character set utf8mb4", "enum('b','a') character set utf8mb4"],
    ['int as (`a`) virtual', 'int as (`b`) virtual'],
  ])('may have other values: %s to %s', (before, after) => {
    expect(keepsValues(column(before), column(after))).toBe(false);
  });
});
