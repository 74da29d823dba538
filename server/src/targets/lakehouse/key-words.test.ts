import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IcebergPrimitive } from '../../lakehouse/metadata.ts';
import { openWarehouse, type WarehouseFixture } from '../../lakehouse/query/warehouse-fixture.ts';
import { keyWords } from './key-words.ts';

describe('keyWords', () => {
  let warehouse: WarehouseFixture;
  beforeAll(async () => {
    warehouse = await openWarehouse();
  });
  afterAll(() => warehouse.close());

  type Key = readonly (readonly [type: string, values: readonly string[]])[];

  /** Of each row the words; a column's values are SQL. */
  async function wordsOf(
    key: Key,
  ): Promise<{ kind: string; found: readonly (readonly (number | null)[])[] }> {
    const columns = key.map(([type], n) => ({ id: n + 1, name: `k${n}`, type: type as IcebergPrimitive }));
    const { kind, expressions } = keyWords(columns)!;
    const lists = key.map(([, values], n) => `unnest([${values.join(', ')}]) AS k${n}`);
    const rows = await warehouse.connection.rows(
      `SELECT [${expressions.join(', ')}]::INTEGER[] AS w FROM (SELECT ${lists.join(', ')})`,
    );
    // No word may be made wider or narrower on its way.
    const [types] = await warehouse.connection.rows(
      `SELECT ${expressions.map((word, n) => `typeof(${word}) AS w${n}`).join(', ')} FROM (SELECT ${lists.join(', ')})`,
    );
    expect(new Set(Object.values(types!))).toEqual(new Set(['INTEGER']));
    return { kind, found: rows.map(({ w }) => (w as unknown as { items: number[] }).items) };
  }

  /** Values in ascending order. */
  it.each([
    ['int', ['-2147483648', '-1', '0', '2147483647']],
    [
      'long',
      [
        ...[
          '-9223372036854775808',
          '-9007199254740993',
          '-9007199254740992',
          '-4294967297',
          '-4294967296',
          '-1',
        ],
        ...[
          '0',
          '1',
          '4294967295',
          '4294967296',
          '9007199254740992',
          '9007199254740993',
          '9223372036854775807',
        ],
      ],
    ],
    ['decimal(18, 0)', ['-999999999999999999', '-1', '0', '999999999999999999']],
    ['decimal(20, 0)', ['-18446744073709551615', '0', '1', '18446744073709551614', '18446744073709551615']],
    [
      'decimal(28, 0)',
      [
        ...['-9999999999999999999999999999', '-18446744073709551616', '-4294967296', '0'],
        ...['18446744073709551615', '18446744073709551616', '9999999999999999999999999999'],
      ],
    ],
    ['date', ['-infinity', '0001-01-01', '1969-12-31', '1970-01-01', '9999-12-31', 'infinity']],
    [
      'timestamp',
      [
        ...['-infinity', '0001-01-01 00:00:00', '1969-12-31 23:59:59.999999', '1970-01-01 00:00:00'],
        ...[
          '2255-01-01 00:00:00.000001',
          '2255-01-01 00:00:00.000002',
          '9999-12-31 23:59:59.999999',
          'infinity',
        ],
      ],
    ],
    [
      'timestamptz',
      ['-infinity', '2024-01-01 00:00:00.000001+00', '2024-01-01 00:00:00.000002+00', 'infinity'],
    ],
    ['time', ['00:00:00', '00:00:00.000001', '23:59:59.999999']],
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
    ],
  ] as const)('%s: %s are told apart and in their order', async (type, values) => {
    const duck = type === 'int' ? 'INTEGER' : type === 'long' ? 'BIGINT' : type;
    const { kind, found } = await wordsOf([[type, values.map((value) => `CAST('${value}' AS ${duck})`)]]);
    expect(kind).toBe('values');
    const inOrder = [...found].sort((a, b) => {
      const n = a.findIndex((word, at) => word !== b[at]);
      return n === -1 ? 0 : a[n]! - b[n]!;
    });
    expect(found).toEqual(inOrder);
    expect(new Set(found.map(String)).size).toBe(values.length);
  });

  const texts = (values: readonly string[]): readonly string[] => values.map((value) => `'${value}'`);

  it.each<[string, Key]>([
    ['texts', [['string', texts(['', ' ', 'a', 'A', 'a ', 'ä', 'a\u0308', '\u{1f600}', 'k'.repeat(2_000)])]]],
    [
      'bytes',
      [['binary', ["''::BLOB", "'\\x00'::BLOB", "'\\x00\\x00'::BLOB", "'a'::BLOB", "'\\xFF'::BLOB"]]],
    ],
    ['bytes of one length', [['fixed[2]', ["'\\x00\\x01'::BLOB", "'\\x01\\x00'::BLOB"]]]],
    [
      'decimals',
      [['decimal(12, 2)', ['1.00::DECIMAL(12, 2)', '0.10::DECIMAL(12, 2)', '-1.00::DECIMAL(12, 2)']]],
    ],
    ['booleans', [['boolean', ['true', 'false']]]],
    [
      'columns that are the same side by side',
      [
        ['string', texts(['a', 'ab', '', 'abc', '2:a1', '1:2', '2:'])],
        ['string', texts(['bc', 'c', 'abc', '', 'b', 'a1:b', 'a1b'])],
      ],
    ],
    [
      'numbers beside texts',
      [
        ['long', ['9007199254740993', '9007199254740992', '-1', '1', '11']],
        ['string', texts(['x', 'x', '1', '-1', '1'])],
      ],
    ],
    [
      'moments beside texts, infinite ones among them',
      [
        [
          'timestamptz',
          ["'infinity'::TIMESTAMPTZ", "'-infinity'::TIMESTAMPTZ", "'2026-01-01 00:00:00+00'::TIMESTAMPTZ"],
        ],
        ['string', texts(['a', 'a', 'a'])],
      ],
    ],
  ])('%s are told apart by a digest of 96 bits', async (_, key) => {
    const { kind, found } = await wordsOf(key);
    expect(kind).toBe('digest');
    expect(new Set(found.map(String)).size).toBe(key[0]![1].length);
    for (const row of found) expect(row).toHaveLength(3);
    expect((await wordsOf(key)).found).toEqual(found);
  });

  it.each<[string, Key]>([
    [
      'values',
      [
        ['long', ['NULL::BIGINT', '1']],
        ['date', ["DATE '2026-01-01'", 'NULL']],
      ],
    ],
    [
      'digest',
      [
        ['string', ['NULL', "'a'"]],
        ['long', ['1', 'NULL::BIGINT']],
      ],
    ],
  ])('of a key with a NULL a word is NULL: %s', async (kind, key) => {
    const words = await wordsOf(key);
    expect(words.kind).toBe(kind);
    for (const row of words.found) expect(row).toContain(null);
  });

  it.each(['double', 'float'] as const)('%s has none', (type) => {
    expect(keyWords([{ id: 1, name: 'k', type }])).toBe(null);
    expect(
      keyWords([
        { id: 1, name: 'k', type: 'string' },
        { id: 2, name: 'k2', type },
      ]),
    ).toBe(null);
  });
});
