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

const ENDLESS = ['infinity', '-infinity'];
const EDGES = ['0044-03-15', '0001-01-01', '4713-01-01'];

function date(random: Random): string {
  if (random.once(6)) return random.pick(ENDLESS);
  if (random.once(6)) return `${random.pick(EDGES)} BC`;
  return random.once(4)
    ? random.pick(['1970-01-01', '1969-12-31', '2024-02-29', '20000-01-01'])
    : day(random);
}

function timestamp(random: Random): string {
  if (random.once(6)) return random.pick(ENDLESS);
  if (random.once(6)) return `${random.pick(EDGES)} ${timeOfDay(random)} BC`;
  return `${day(random)} ${timeOfDay(random)}`;
}

function double(random: Random): string {
  const edges = [
    'NaN',
    'Infinity',
    '-Infinity',
    '-0',
    '0',
    '5e-324',
    '1.7976931348623157e308',
    '0.1',
    '1e23',
  ];
  if (random.once(2)) return random.pick(edges);
  return String((random.bits() / 2 ** 32 - 0.5) * 10 ** random.between(-20, 20));
}

function real(random: Random): string {
  if (random.once(2)) return random.pick(['NaN', 'Infinity', '-0', '0', '1e-45', '3.4028235e38', '0.1']);
  return String(Math.fround(random.bits() / 7));
}

function quotedElement(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&')}"`;
}

function array(random: Random, element: () => string): string {
  const items = Array.from({ length: random.below(5) }, () =>
    random.once(5) ? 'NULL' : quotedElement(element()),
  );
  return `{${items.join(',')}}`;
}

export const COLUMN_KINDS: readonly ColumnKind[] = [
  { type: 'int', value: (r) => String(r.pick([0, 1, -1, 2147483647, -2147483648, r.bits() >> 3])) },
  {
    type: 'bigint',
    value: (r) => r.pick(['9223372036854775807', '-9223372036854775808', '9007199254740993', digits(r, 17)]),
  },
  { type: 'smallint', value: (r) => String(r.between(-32768, 32767)) },
  { type: 'boolean', value: (r) => r.pick(['true', 'false']) },
  { type: 'text', value: (r) => text(r, 12) },
  { type: 'text', value: (r) => r.pick(FEW) },
  { type: 'varchar(40)', value: (r) => text(r, 8) },
  { type: 'char(5)', value: (r) => r.pick(['', 'a', 'ab ', 'abcde']) },
  { type: 'double precision', value: double },
  { type: 'real', value: real },
  { type: 'numeric(12,3)', value: (r) => numeric(r, 9, 3) },
  { type: 'numeric(38,10)', value: (r) => numeric(r, 28, 10) },
  { type: 'numeric', value: (r) => r.pick(['NaN', '1.10', '1.1', '0.00', numeric(r, 60, 20), 'Infinity']) },
  { type: 'bytea', value: (r) => `\\x${r.hex(2 * r.below(20))}` },
  { type: 'date', value: date },
  { type: 'timestamp', value: timestamp },
  {
    type: 'timestamptz',
    value: (r) =>
      timestamp(r)
        .replace(/( BC)?$/, (era) => (r.once(3) ? `+05:30${era}` : era))
        .replace(/^(-?infinity).*/, '$1'),
  },
  { type: 'time', value: timeOfDay },
  { type: 'timetz', value: (r) => `${timeOfDay(r)}+02` },
  {
    type: 'interval',
    value: (r) => `${r.below(100)} months ${r.below(1000)} days ${r.below(90000)}.25 seconds`,
  },
  { type: 'uuid', value: (r) => r.hex(32) },
  { type: 'bit(1)', value: (r) => r.pick(['0', '1']) },
  { type: 'varbit(20)', value: (r) => r.bits().toString(2).slice(0, 12) },
  { type: 'inet', value: (r) => `10.0.${r.below(256)}.${r.below(256)}/16` },
  { type: 'int4range', value: (r) => `[${r.below(10)},${r.between(10, 20)})` },
  { type: 'int[]', value: (r) => array(r, () => String(r.bits() >> 4)) },
  { type: 'text[]', value: (r) => array(r, () => text(r, 5)) },
  { type: 'double precision[]', value: (r) => array(r, () => double(r)) },
  { type: 'jsonb', value: (r) => `{"n": 1${digits(r, 25)}.10, "t": "q\\"uo,te", "u": null}` },
  { type: 'json', value: () => '{"b" : 1.10,  "b": [ ] }' },
];

export const LARGE_KINDS: readonly ColumnKind[] = [
  { type: 'text', large: true, storage: 'EXTERNAL', value: large },
  { type: 'text', large: true, value: large },
  { type: 'jsonb', large: true, value: (r) => JSON.stringify({ v: r.hex(12_000), n: [r.below(9), '"'] }) },
  { type: 'bytea', large: true, value: (r) => `\\x${r.hex(2 * r.between(5_000, 12_000))}` },
];

export const KEY_KINDS: readonly KeyKind[] = [
  { type: 'int', value: (n) => String(n) },
  { type: 'bigint', value: (n) => String(9007199254740990n + BigInt(n)) },
  { type: 'text', value: (n) => `k"${n}',\n${n % 3}` },
  { type: 'uuid', value: (n) => `${String(n).padStart(8, '0')}-0000-4000-8000-00000000abcd` },
  { type: 'numeric', value: (n) => `${n}${n % 2 === 0 ? '.50' : ''}` },
  { type: 'numeric(20,2)', value: (n) => `-${n}.25` },
  { type: 'timestamptz', value: (n) => `2024-01-01 00:00:00.${String(n).padStart(6, '0')}+00` },
  {
    type: 'date',
    value: (n) => `2024-01-01`.replace('01-01', `${pad((n % 12) + 1)}-${pad((Math.floor(n / 12) % 28) + 1)}`),
  },
  { type: 'double precision', value: (n) => String(n / 8) },
  { type: 'char(6)', value: (n) => `c${n}` },
  { type: 'bytea', value: (n) => `\\x00${pad(n % 100)}${pad(Math.floor(n / 100))}` },
];
