import { describe, expect, it } from 'vitest';
import { type NativeType, parseNative } from './native-type.ts';

const cases: readonly (readonly [string, NativeType])[] = [
  ['tinyint(1)', { kind: 'integer', bytes: 1, unsigned: false, width: 1 }],
  ['int', { kind: 'integer', bytes: 4, unsigned: false, width: null }],
  ['int(10) unsigned zerofill', { kind: 'integer', bytes: 4, unsigned: true, width: 10 }],
  ['bigint unsigned', { kind: 'integer', bytes: 8, unsigned: true, width: null }],
  ['decimal(65,30)', { kind: 'decimal', precision: 65, scale: 30, unsigned: false, zerofill: false }],
  [
    'decimal(10,0) unsigned zerofill',
    { kind: 'decimal', precision: 10, scale: 0, unsigned: true, zerofill: true },
  ],
  ['float', { kind: 'float' }],
  ['double(10,2) unsigned', { kind: 'double' }],
  ['bit(64)', { kind: 'bit', length: 64 }],
  ['year', { kind: 'year' }],
  ['year(4)', { kind: 'year' }],
  ['datetime(3)', { kind: 'datetime', digits: 3 }],
  ['timestamp', { kind: 'timestamp', digits: 0 }],
  ['time(6)', { kind: 'time', digits: 6 }],
  [
    'varchar(20) character set latin1',
    { kind: 'text', fixed: false, length: 20, charset: 'latin1', compressed: false },
  ],
  [
    'char(5) character set utf8mb4',
    { kind: 'text', fixed: true, length: 5, charset: 'utf8mb4', compressed: false },
  ],
  [
    'mediumtext character set gbk',
    { kind: 'text', fixed: false, length: null, charset: 'gbk', compressed: false },
  ],
  [
    'varchar(10) /*M!100301 COMPRESSED*/ character set utf8mb4',
    { kind: 'text', fixed: false, length: 10, charset: 'utf8mb4', compressed: true },
  ],
  ['binary(16)', { kind: 'bytes', fixed: true, length: 16, compressed: false }],
  ['longblob', { kind: 'bytes', fixed: false, length: null, compressed: false }],
  [
    "set('b\\\\s','n\\nl','\\r','\\0','\\\\n') character set latin1",
    { kind: 'set', values: ['b\\s', 'n\nl', '\r', '\0', '\\n'], charset: 'latin1' },
  ],
  [
    "enum('a','b,c','it''s','') character set utf8mb4",
    { kind: 'enum', values: ['a', 'b,c', "it's", ''], charset: 'utf8mb4' },
  ],
  [
    "set(' character set x',' as (y)') character set latin1",
    { kind: 'set', values: [' character set x', ' as (y)'], charset: 'latin1' },
  ],
  ['int as (`a` + 1) virtual', { kind: 'integer', bytes: 4, unsigned: false, width: null }],
  [
    "varchar(9) character set ascii as (concat(`a`,' character set latin1')) stored",
    { kind: 'text', fixed: false, length: 9, charset: 'ascii', compressed: false },
  ],
  ['uuid', { kind: 'uuid' }],
  ['point', { kind: 'geometry' }],
  ['geomcollection', { kind: 'geometry' }],
];

describe('a native type', () => {
  it.each(cases)('%s', (text, type) => {
    expect(parseNative(text)).toEqual(type);
  });

  it('that is not known is refused, and so is text without its character set', () => {
    for (const text of ['uuid /* old */', 'year(2)', 'rowid', 'varchar(10)', "enum('a)", ''])
      expect(() => parseNative(text)).toThrow(expect.objectContaining({ code: 'TABLE_SCHEMA' }));
  });
});
