import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../tests/property/random.ts';
import { freshSeed } from '../../../tests/support/seed.ts';
import { writePositionDeletes } from './duckdb/parquet-write.ts';
import { quoteText } from './duckdb/sql-text.ts';
import { type Places, writePlaces } from './position-delete-file.ts';
import { openWarehouse, type WarehouseFixture } from './query/warehouse-fixture.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());

describe(`a position-delete file of known places, SLUICE_TEST_SEED=${SEED}`, () => {
  let warehouse: WarehouseFixture;
  let folder: string;
  beforeAll(async () => {
    warehouse = await openWarehouse("sluice-ä'b ");
    folder = warehouse.storage.join(warehouse.location, 's', 't', 'data');
  });
  afterAll(() => warehouse.close());

  /** What DuckDB writes of the same places: it shares no code with this. */
  function byDuckdb(places: Places) {
    const rows = [...places].flatMap(([path, positions]) =>
      positions.map((position) => `(${quoteText(path)}, ${position}::BIGINT)`),
    );
    const select = `SELECT * FROM (VALUES ${rows.join(', ')}) v(file, pos)`;
    return writePositionDeletes(warehouse.connection, warehouse.storage, { select, folder });
  }

  const read = (path: string, select = '*', from = 'read_parquet') =>
    warehouse.connection.rows(
      `SELECT ${select} FROM ${from}(${quoteText(warehouse.storage.localPath(path))})`,
    );

  /** Its rows as a map has them, and the same description of it as of the file that DuckDB made. */
  async function check(places: Places): Promise<void> {
    const file = await writePlaces(warehouse.storage, folder, places);
    const other = (await byDuckdb(places))!;
    expect(await read(file.path)).toEqual(await read(other.path));
    const size = (await warehouse.storage.read(file.path)).length;
    const own = { path: file.path, bytes: size, columnSizes: file.columnSizes };
    expect({ ...file, ...own }).toEqual({ ...other, ...own });
    expect(file.bytes).toBe(size);
    expect([...file.columnSizes.values()].reduce((sum, one) => sum + one, 0)).toBeLessThan(size);
  }

  it('says the same as one that DuckDB writes, of any places', async () => {
    const random = new Random(SEED);
    for (let round = 0; round < 60; round++) {
      const places = new Map<string, number[]>();
      // Of 1, 2, 3 … files: the numbers of their paths take one bit, and two, and nine.
      const files = round < 20 ? round + 1 : 1 + random.below(300);
      for (let file = 0; file < files; file++) {
        const positions = new Set(
          Array.from({ length: 1 + random.below(random.once(5) ? 300 : 4) }, () =>
            random.once(9) ? 2 ** 32 + random.below(1e6) : random.below(2 ** 31),
          ),
        );
        places.set(`${folder}/${'é'.repeat(random.below(3))}${random.below(1e9)}.parquet`, [...positions]);
      }
      await check(places);
    }
  });

  it('has what readers go by in its footer: ids, types, bounds', async () => {
    const [a, b] = [`${folder}/a.parquet`, `${folder}/b.parquet`];
    const file = await writePlaces(
      warehouse.storage,
      folder,
      new Map([
        [b, [7]],
        [a, [2 ** 40, 3, 5]],
      ]),
    );
    expect(
      await read(
        file.path,
        'name, type, repetition_type, converted_type, logical_type, field_id',
        'parquet_schema',
      ),
    ).toMatchObject([
      { name: 'position_deletes' },
      {
        ...{ name: 'file_path', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED', converted_type: 'UTF8' },
        ...{ logical_type: 'StringType()', field_id: 2_147_483_546n },
      },
      { name: 'pos', type: 'INT64', repetition_type: 'REQUIRED', field_id: 2_147_483_545n },
    ]);
    const columns =
      'path_in_schema, num_values, stats_null_count, stats_min_value, stats_max_value, compression';
    expect(await read(file.path, columns, 'parquet_metadata')).toMatchObject([
      {
        ...{ path_in_schema: 'file_path', num_values: 4n, stats_null_count: 0n },
        ...{ stats_min_value: a, stats_max_value: b, compression: 'UNCOMPRESSED' },
      },
      { path_in_schema: 'pos', num_values: 4n, stats_min_value: '3', stats_max_value: String(2 ** 40) },
    ]);
  });
});
