import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../tests/property/random.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { openWarehouse, type WarehouseFixture } from '../../lakehouse/query/warehouse-fixture.ts';
import { keyNumbers } from './key-numbers.ts';
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
      })).sort((a, b) => a.key[0]! - b.key[0]! || a.key[1]! - b.key[1]!);
      const columns = [0, 1].map((n) => Float64Array.from(rows, ({ key }) => key[n]!));
      const keys = SortedKeys.of(
        columns,
        Int32Array.from(rows, ({ position }) => position),
      )!;
      const pairs = Array.from({ length: random.below(40) }, () => [
        random.below(11) - 5,
        random.below(9) - 1,
      ]);
      if (random.once(2)) pairs.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
      // Of the last one, which is not counted, nothing is looked for.
      const wanted = [0, 1].map((n) => Float64Array.from([...pairs, [0, 0]], (pair) => pair[n]!));
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
      const bases = [0, -(2 ** 31), 2 ** 52].map((base) => base - random.below(9));
      const columns = Array.from({ length: 1 + random.below(3) }, (_, n) =>
        Float64Array.from({ length: size }, () => bases[n]! + random.below(range)),
      );
      const keys = SortedKeys.sorted(columns)!;
      expect(keys.bytes).toBe(size * 4 * (columns.length + 1));
      const found: number[] = [];
      const rows = Array.from({ length: size }, (_, row) => row).sort((a, b) => {
        const n = columns.findIndex((column) => column[a] !== column[b]);
        return n === -1 ? a - b : columns[n]![a]! - columns[n]![b]!;
      });
      // Each key once, in their order: what is found is all rows, in the order of their keys.
      const distinct = rows.filter((row, at) =>
        columns.some((column) => at === 0 || column[row] !== column[rows[at - 1]!]),
      );
      const wanted = columns.map((column) => Float64Array.from(distinct, (row) => column[row]!));
      keys.find(wanted, distinct.length, (position) => found.push(position));
      expect(found).toEqual(rows);
    }
    expect(SortedKeys.sorted([Float64Array.of(2 ** 32, 0)])).toBe(null);
    expect(SortedKeys.of([Float64Array.of(0, 2 ** 32)], null)!.bytes).toBe(16);
    expect(SortedKeys.of([Float64Array.of(1, 2 ** 32)], null)!.bytes).toBe(8);
  });

  it('takes no keys that are not in order, and none that a number does not tell apart', () => {
    const are = (...numbers: number[]) => SortedKeys.areExact([Float64Array.from(numbers)]);
    const of = (...numbers: number[]) => SortedKeys.of([Float64Array.from(numbers)], null);
    expect(of(1, 3, 2)).toBe(null);
    expect([are(1, 2 ** 53), are(-(2 ** 53), 1), are(1, Number.NaN), are(1, 2 ** 53 - 1)]).toEqual([
      ...[false, false, false],
      true,
    ]);
    const keys = of(1, 2, 2 ** 53 - 1)!;
    for (const wanted of [Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])
      keys.find([Float64Array.of(wanted)], 1, () => expect.unreachable());
  });
});

describe('keyNumbers', () => {
  let warehouse: WarehouseFixture;
  beforeAll(async () => {
    warehouse = await openWarehouse();
  });
  afterAll(() => warehouse.close());

  /** Of each value the numbers, and that another value has others. */
  it.each([
    ['int', ['-2147483648', '0', '2147483647'], true],
    ['long', ['-9007199254740991', '0', '9007199254740991'], true],
    ['long', ['9007199254740992', '9007199254740993', '-9223372036854775808'], false],
    ['decimal(20, 0)', ['0', '1', '9007199254740991'], true],
    ['decimal(20, 0)', ['18446744073709551615', '18446744073709551614'], false],
    ['date', ['0001-01-01', '1969-12-31', '1970-01-01', '9999-12-31'], true],
    ['date', ['infinity', '-infinity'], false],
    [
      'timestamp',
      ['1969-12-31 23:59:59.999999', '2255-01-01 00:00:00.000001', '2255-01-01 00:00:00.000002'],
      true,
    ],
    ['timestamp', ['9999-12-31 23:59:59.999999', 'infinity'], false],
    ['timestamptz', ['2024-01-01 00:00:00.000001+00', '2024-01-01 00:00:00.000002+00'], true],
    ['time', ['00:00:00', '23:59:59.999999'], true],
    [
      'uuid',
      [
        '00000000-0000-0000-0000-000000000000',
        '00000000-0000-0000-0000-000000000001',
        '00000000-0000-0000-0000-000001000000',
        '00000000-0010-0000-0000-000000000000',
        '10000000-0000-0000-0000-000000000000',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
      ],
      true,
    ],
  ] as const)('%s: %s are told apart, exact: %s', async (type, values, exact) => {
    const numbers = keyNumbers([{ id: 1, name: 'k', type }])!;
    const duck = type === 'int' || type === 'long' ? 'BIGINT' : type;
    const list = values.map((value) => `CAST('${value}' AS ${duck})`).join(', ');
    const rows = await warehouse.connection.rows(
      `SELECT [${numbers.join(', ')}]::DOUBLE[] AS n FROM (SELECT unnest([${list}]) AS k)`,
    );
    const found = rows.map(({ n }) => (n as unknown as { items: number[] }).items);
    const isExact = found.every((of) => of.every((number) => Math.abs(number) < 2 ** 53));
    expect(isExact).toBe(exact);
    if (!exact) for (const of of found) expect(of.some((number) => !(Math.abs(number) < 2 ** 53))).toBe(true);
    else expect(new Set(found.map(String)).size).toBe(values.length);
  });

  it.each(['string', 'double', 'decimal(12, 2)', 'boolean', 'binary', 'fixed[4]'] as const)(
    '%s has none',
    (type) => {
      expect(keyNumbers([{ id: 1, name: 'k', type }])).toBe(null);
    },
  );
});
