import type { Flavour } from '../support/mysql.ts';
import {
  type ColumnKind,
  day,
  digits,
  FEW,
  type KeyKind,
  large,
  numeric,
  pad,
  text,
  timeOfDay,
} from './columns.ts';
import type { Random } from './random.ts';

const LATIN = ['a', 'é', 'ÿ', '"', "'", ',', '\n', '\\', '€', ' '];
const HAN = ['漢', '字', 'a', '"', '\\', ',', '\n'];

const of = (random: Random, letters: readonly string[], longest: number): string =>
  Array.from({ length: random.below(longest + 1) }, () => random.pick(letters)).join('');

const NO_DATES = ['0000-00-00', '2024-00-00', '2024-02-00'];

function date(random: Random): string {
  if (random.once(6)) return random.pick(NO_DATES);
  return random.once(4) ? random.pick(['1970-01-01', '1969-12-31', '2024-02-29', '9999-12-31']) : day(random);
}

/** Of the years that a TIMESTAMP has, whatever the session's zone. */
function stamp(random: Random): string {
  if (random.once(6)) return '0000-00-00 00:00:00';
  return `${random.between(1971, 2037)}-${pad(random.between(1, 12))}-${pad(random.between(1, 28))} ${timeOfDay(random)}`;
}

function double(random: Random): string {
  if (random.once(2)) return random.pick(['0', '-0e0', '5e-324', '1.7976931348623157e308', '0.1', '1e23']);
  return String((random.bits() / 2 ** 32 - 0.5) * 10 ** random.between(-20, 20));
}

const json = (random: Random, size: number): string =>
  JSON.stringify({
    v: random.hex(size),
    n: [random.below(9), '"', 1.5, null],
    d: { e: random.below(3) === 0 },
  });

export const columnKinds = (flavour: Flavour): readonly ColumnKind[] => [
  { type: 'int', value: (r) => String(r.pick([0, 1, -1, 2147483647, -2147483648, r.bits() >> 3])) },
  { type: 'int unsigned', value: (r) => String(r.pick([0, 4294967295, r.bits()])) },
  {
    type: 'bigint',
    value: (r) => r.pick(['9223372036854775807', '-9223372036854775808', '9007199254740993', digits(r, 17)]),
  },
  {
    type: 'bigint unsigned',
    value: (r) => r.pick(['18446744073709551615', '9223372036854775808', digits(r, 17)]),
  },
  { type: 'smallint', value: (r) => String(r.between(-32768, 32767)) },
  { type: 'mediumint', value: (r) => String(r.between(-8388608, 8388607)) },
  { type: 'tinyint unsigned', value: (r) => String(r.below(256)) },
  { type: 'tinyint(1)', value: (r) => r.pick(['0', '1']) },
  { type: 'year', value: (r) => String(r.between(1901, 2155)) },
  { type: 'bit(1)', value: (r) => r.below(2) },
  { type: 'bit(12)', value: (r) => r.below(4096) },
  { type: 'text', value: (r) => text(r, 12) },
  { type: 'varchar(40)', value: (r) => r.pick(FEW) },
  { type: 'varchar(300)', value: (r) => text(r, 60) },
  { type: 'char(5)', value: (r) => r.pick(['', 'a', 'ab ', 'abcde', '日本']) },
  { type: 'varchar(20) CHARACTER SET latin1', value: (r) => of(r, LATIN, 12) },
  { type: 'varchar(20) CHARACTER SET gbk', value: (r) => of(r, HAN, 12) },
  { type: 'varchar(20) CHARACTER SET utf16', value: (r) => text(r, 8) },
  { type: 'text CHARACTER SET sjis', value: (r) => of(r, HAN, 12) },
  { type: "enum('x','b,c','it''s','')", value: (r) => r.pick(['x', 'b,c', "it's", '']) },
  { type: "set('x','y\"y','é')", value: (r) => r.pick(['', 'x', 'x,é', 'x,y"y,é']) },
  { type: 'double', value: double },
  {
    type: 'float',
    value: (r) => r.pick(['0', '-0e0', '1e-45', '3.4028234e38', '0.1', String(Math.fround(r.bits() / 7))]),
  },
  { type: 'decimal(12,3)', value: (r) => numeric(r, 9, 3) },
  { type: 'decimal(38,10)', value: (r) => numeric(r, 28, 10) },
  { type: 'decimal(65,30)', value: (r) => numeric(r, 35, 30) },
  { type: 'varbinary(20)', value: (r) => Buffer.from(r.hex(2 * r.below(20)), 'hex') },
  { type: 'binary(6)', value: (r) => Buffer.from(r.hex(2 * r.below(6)), 'hex') },
  { type: 'date', value: date },
  { type: 'datetime', value: (r) => `${date(r)} 12:00:00` },
  { type: 'datetime(6)', value: (r) => `${date(r)} ${timeOfDay(r)}` },
  { type: 'timestamp(3) NULL', value: stamp },
  { type: 'time(6)', value: timeOfDay },
  { type: 'json', value: (r) => (r.once(3) ? `{"n": 1${digits(r, 18)}, "u": null}` : json(r, 30)) },
  {
    type: 'point',
    value: (r) =>
      Buffer.concat([
        Buffer.alloc(4),
        Buffer.from('0101000000', 'hex'),
        float64(r.below(100)),
        // No -0, which MariaDB writes as 0.
        float64(-(1 + r.below(9)) / 4),
      ]),
  },
  ...(flavour === 'mariadb'
    ? ([
        { type: 'uuid', value: (r) => uuid(r.hex(32)) },
        { type: 'inet6', value: (r) => `2001:db8::${r.below(65536).toString(16)}` },
        { type: 'varchar(200) COMPRESSED', value: (r) => text(r, 60) },
      ] satisfies readonly ColumnKind[])
    : []),
];

function float64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

const uuid = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

export const LARGE_KINDS: readonly ColumnKind[] = [
  { type: 'mediumtext', large: true, value: large },
  { type: 'longtext CHARACTER SET latin1', large: true, value: large },
  { type: 'json', large: true, value: (r) => json(r, 12_000) },
  { type: 'mediumblob', large: true, value: (r) => Buffer.from(r.hex(2 * r.between(5_000, 12_000)), 'hex') },
];

export const keyKinds = (flavour: Flavour): readonly KeyKind[] => [
  { type: 'int', value: (n) => n },
  { type: 'bigint unsigned', value: (n) => String(18446744073709551000n + BigInt(n)) },
  { type: 'varchar(40)', value: (n) => `k"${n}',\n${n % 3}` },
  { type: 'binary(16)', value: (n) => Buffer.from(`${pad(n, 8)}000040008000000000000000`, 'hex') },
  { type: 'decimal(20,2)', value: (n) => `-${n}.25` },
  { type: 'datetime(6)', value: (n) => `2024-01-01 00:00:00.${pad(n, 6)}` },
  { type: 'date', value: (n) => `2024-${pad((n % 12) + 1)}-${pad((Math.floor(n / 12) % 28) + 1)}` },
  { type: 'double', value: (n) => String(n / 8) },
  { type: 'char(6) CHARACTER SET latin1', value: (n) => `é${n}` },
  { type: 'varbinary(5)', value: (n) => Buffer.from(`00${pad(n % 100)}${pad(Math.floor(n / 100))}`, 'hex') },
  { type: 'bit(20)', value: (n) => n },
  { type: 'mediumint', value: (n) => -n },
  ...(flavour === 'mariadb'
    ? ([
        { type: 'uuid', value: (n) => `${pad(n, 8)}-0000-4000-8000-00000000abcd` },
      ] satisfies readonly KeyKind[])
    : []),
];
