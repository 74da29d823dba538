import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../tests/support/seed.ts';
import type { LiveFile } from '../../lakehouse/data-file.ts';
import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { openWarehouse, type WarehouseFixture } from '../../lakehouse/query/warehouse-fixture.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import { readFileKeys } from './file-keys.ts';
import { keyWords } from './key-words.ts';
import type { SortedKeys } from './sorted-keys.ts';
import { withSql } from './sql.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
const KEY: readonly ScanColumn[] = [
  { id: 1, name: 'c0', type: 'long' },
  { id: 2, name: 'c1', type: 'timestamp' },
];
/** Several of DuckDB's chunks, and the last one not full. */
const ROWS = 10_001;

describe(`the keys of a data file, SLUICE_TEST_SEED=${SEED}`, () => {
  let warehouse: WarehouseFixture;
  beforeAll(async () => {
    warehouse = await openWarehouse();
  });
  afterAll(() => warehouse.close());

  async function fileOf(table: string, select: string): Promise<LiveFile> {
    const name = { schema: 's', table };
    await warehouse.create(name, [
      { name: 'id', type: { kind: 'long' }, required: true },
      { name: 'at', type: { kind: 'timestamp' }, required: true },
    ]);
    await warehouse.append(name, select);
    const [file] = await liveFiles(warehouse.storage, (await warehouse.load(name)).metadata);
    return file!;
  }

  const read = (file: LiveFile): Promise<SortedKeys | null> =>
    withSql(warehouse.engine, new AbortController().signal, (sql) =>
      readFileKeys(sql, warehouse.storage, file, KEY, keyWords(KEY)!.expressions),
    );

  /** Of a number of 64 bits. */
  const wordsOf = (value: number): readonly number[] =>
    [Math.floor(value / 2 ** 32), value | 0].map((word, n) => (n === 0 ? word : word ^ (1 << 31)));

  const idOf = (row: number): number => row * 3 - 5_000;

  /** Where each key is said to be. */
  const placesOf = (keys: SortedKeys, apart = 1): readonly number[] =>
    Array.from({ length: ROWS }, (_, row) => {
      const found: number[] = [];
      const moment = (row % 11) * apart;
      const key = [...wordsOf(idOf(row)), ...wordsOf(moment)].map((word) => Int32Array.of(word));
      keys.find(key, 1, (position) => found.push(position));
      expect(found).toHaveLength(1);
      return found[0]!;
    });

  it('are told with the rows that they are in, in whatever order these lie', async () => {
    const rows = `SELECT r AS row, r * 3 - 5000 AS id, make_timestamp(r % 11) AS moment FROM range(${ROWS}) t(r)`;
    const sorted = (await read(await fileOf('sorted', `SELECT id, moment FROM (${rows}) ORDER BY row`)))!;
    expect(placesOf(sorted)).toEqual(Array.from({ length: ROWS }, (_, row) => row));
    // Half of an id, negative or not, and of a moment what changes.
    expect(sorted.bytes).toBe(ROWS * 12);

    for (const [name, far] of [
      ['mixed', 0],
      ['far', 2 ** 33],
    ] as const) {
      const mixed = `SELECT row, id, make_timestamp(row % 11 + row % 11 * ${far}) AS moment FROM (${rows}) ORDER BY hash(row + ${SEED})`;
      const keys = (await read(await fileOf(name, `SELECT id, moment FROM (${mixed})`)))!;
      const places = new Array<number>(ROWS);
      const lying = await warehouse.connection.rows(`SELECT row FROM (${mixed})`);
      for (const [place, { row }] of lying.entries()) places[Number(row)] = place;
      expect(placesOf(keys, 1 + far)).toEqual(places);
      expect(keys.bytes).toBe(ROWS * (far === 0 ? 16 : 20));
    }
  });

  it('are told of values that are far away, and not where a row has none or the rows are not as many as were said', async () => {
    const row = "SELECT 9007199254740993::BIGINT, TIMESTAMP '2026-01-01'";
    expect((await read(await fileOf('large', row)))?.rows).toBe(1);
    const infinite = "SELECT 1::BIGINT, unnest(['infinity'::TIMESTAMP, '-infinity'::TIMESTAMP])";
    expect((await read(await fileOf('infinite', infinite)))?.rows).toBe(2);
    const file = await fileOf('few', `SELECT r, make_timestamp(r) FROM range(100) t(r)`);
    expect(await read({ ...file, records: 101 })).toBe(null);
    expect(await read({ ...file, records: 99 })).toBe(null);
    expect((await read(file))?.rows).toBe(100);
    const none = await fileOf(
      'none',
      'SELECT CASE WHEN r <> 5 THEN r END, make_timestamp(r) FROM range(9) t(r)',
    );
    expect(await read(none)).toBe(null);
  });
});
