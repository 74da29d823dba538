import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../tests/property/random.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import type { LiveFile } from '../../lakehouse/data-file.ts';
import { writePositionDeletes } from '../../lakehouse/duckdb/parquet-write.ts';
import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { openWarehouse, type WarehouseFixture } from '../../lakehouse/query/warehouse-fixture.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import { findOld } from './find-old.ts';
import { HeldKeys, type KeyFiles } from './held-keys.ts';
import { type Sql, withSql } from './sql.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
const TABLE = { schema: 's', table: 't' };
const KEY: readonly ScanColumn[] = [
  { id: 1, name: 'c0', type: 'long' },
  { id: 2, name: 'c1', type: 'date' },
];
const LARGE = 60_000;
/** Of one group of rows: the blocks of longs and of dates, and of their nulls. */
const BYTES = (4 + 1 + 2 + 1) * 262_144;

let warehouse: WarehouseFixture;
const never = new AbortController().signal;
const connected = <T>(work: (sql: Sql) => Promise<T>): Promise<T> => withSql(warehouse.engine, never, work);

beforeAll(async () => {
  warehouse = await openWarehouse();
});
afterAll(() => warehouse.close());

async function keyFiles(): Promise<{ readonly all: readonly LiveFile[]; readonly files: KeyFiles }> {
  const all = await liveFiles(warehouse.storage, (await warehouse.load(TABLE)).metadata);
  const data = all.filter((file) => file.content === 'data');
  return { all, files: { owner: 't', live: data, data, key: KEY } };
}

/** Places of the rows under the keys, as `file position`. */
async function places(heldKeys: HeldKeys, keys: readonly number[]): Promise<readonly string[]> {
  const { all, files } = await keyFiles();
  return connected(async (sql) => {
    await sql.run(
      `CREATE TEMP TABLE touched AS SELECT id AS c0, DATE '2020-01-01' + CAST(id % 7 AS INTEGER) AS c1 FROM (SELECT unnest([${keys.join(', ')}]::BIGINT[]) AS id)`,
    );
    const found = await findOld({ sql, storage: warehouse.storage, heldKeys }, all, files);
    return (await sql.rows(found)).map(([file, pos]) => `${file} ${pos}`).sort();
  });
}

describe(`old rows by their keys, SLUICE_TEST_SEED=${SEED}`, () => {
  it('are found in held files and in others, whatever was deleted before; each once', async () => {
    const random = new Random(SEED);
    await warehouse.create(TABLE, [
      { name: 'id', type: { kind: 'long' }, required: true },
      { name: 'day', type: { kind: 'date' }, required: true },
    ]);
    // The model: which row of which file a key is, and which rows are gone.
    const model = new Map<number, string>();
    const add = async (first: number, count: number, step: number): Promise<void> => {
      const [file] = await warehouse.append(
        TABLE,
        `SELECT id, DATE '2020-01-01' + CAST(id % 7 AS INTEGER) FROM (SELECT ${first} + i * ${step} AS id FROM range(${count}) r(i))`,
      );
      for (let at = 0; at < count; at++) model.set(first + at * step, `${file!.path} ${at}`);
    };
    await add(0, LARGE, 2);
    await add(1_000_000, LARGE, -3);
    await add(2_000_000, 500, 1);
    const heldKeys = new HeldKeys(warehouse.engine, 100 << 20);
    for (let round = 0; round < 12; round++) {
      const keys = [...model.keys()].filter(() => random.once(600));
      const strangers = [3, -5, 5_000_000];
      const expected = keys.map((key) => model.get(key)!).sort();
      expect(await places(heldKeys, [...keys, ...strangers])).toEqual(expected);
      expect(await places(new HeldKeys(warehouse.engine, 0), [...keys, ...strangers])).toEqual(expected);
      expect(heldKeys.bytes).toBe(round === 0 ? 0 : 2 * BYTES);
      const { metadata } = await warehouse.load(TABLE);
      const gone = keys.filter(() => random.once(2));
      const listed = gone.map((key) => model.get(key)!.split(' '));
      const deletes = await writePositionDeletes(warehouse.connection, warehouse.storage, {
        select: `SELECT * FROM (VALUES ${listed.map(([path, pos]) => `('${path}', ${pos}::BIGINT)`).join(', ')}) v(file_path, pos)`,
        folder: warehouse.storage.join(metadata.location, 'data'),
      });
      await warehouse.commit(TABLE, { add: [deletes!], operation: 'delete' });
      for (const key of gone) model.delete(key);
      // A key that was deleted comes again, in a younger file.
      if (gone[0] !== undefined) await add(gone[0], 1, 1);
    }
    await heldKeys.dropAll();
  });

  it('what is held of a file goes with it, when it is idle, and when the memory is needed; but not while it is read', async () => {
    let now = 0;
    const heldKeys = new HeldKeys(warehouse.engine, BYTES, () => now);
    const { files } = await keyFiles();
    const [one, other] = files.data;
    const look = (data: readonly LiveFile[], live = files.live) =>
      connected((sql) =>
        heldKeys.look(sql, warehouse.storage, { ...files, live, data }, async (relations) => {
          if (relations.size > 0) await heldKeys.dropAll();
          for (const relation of relations.values())
            expect(await sql.rows(`SELECT count(*) FROM ${relation}`)).toEqual([[BigInt(LARGE)]]);
          return relations.size;
        }),
      );
    expect([await look([one!]), await look([one!]), await look([one!])]).toEqual([0, 1, 1]);
    // There is room for one.
    expect([await look([other!]), await look([other!])]).toEqual([0, 0]);
    now += 6 * 60_000;
    expect([await look([other!]), await look([other!])]).toEqual([0, 1]);
    expect([await look([one!]), await look([one!])]).toEqual([0, 0]);
    expect(await look([], [one!])).toBe(0);
    expect(heldKeys.bytes).toBe(0);
    expect([await look([one!]), await look([one!])]).toEqual([0, 1]);
    await heldKeys.dropAll();
    expect(heldKeys.bytes).toBe(0);
    const left = await connected((sql) =>
      sql.rows("SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'held_keys')"),
    );
    expect(left).toEqual([]);
  });
});
