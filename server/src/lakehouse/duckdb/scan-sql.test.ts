import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWarehouse, type WarehouseFixture } from '../query/warehouse-fixture.ts';
import { liveFiles } from '../scan.ts';
import { currentSchema } from '../table-metadata.ts';
import { writePositionDeletes } from './parquet-write.ts';
import { scanSql } from './scan-sql.ts';

let warehouse: WarehouseFixture;

beforeAll(async () => {
  warehouse = await openWarehouse();
});
afterAll(() => warehouse.close());

const seed = Number(process.env.SLUICE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

it(`finds the same rows whether they are looked for before or after the deletes (seed ${seed})`, async () => {
  const name = { schema: 's', table: 'among' };
  const { storage, connection } = warehouse;
  await warehouse.create(name, [
    { name: 'id', type: { kind: 'long' }, required: true },
    { name: 'part', type: { kind: 'string' }, required: true },
    { name: 'v', type: { kind: 'int' }, required: false },
  ]);
  let state = seed;
  const drawn = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  const scan = async (options: Parameters<typeof scanSql>[3] = {}): Promise<string> => {
    const { metadata } = await warehouse.load(name);
    const { fields } = currentSchema(metadata);
    return scanSql(storage, await liveFiles(storage, metadata), fields, { positions: true, ...options });
  };
  let found = 0;
  for (let round = 0; round < 8; round++) {
    // Keys lie in several files, some of them twice, as a chunk's row that moved does.
    const from = drawn(400);
    await warehouse.append(
      name,
      `SELECT ${from} + range // 2, 'p' || range % 2, range::INTEGER FROM range(0, ${50 + drawn(300)})`,
    );
    if (round > 0) {
      const { metadata } = await warehouse.load(name);
      const file = await writePositionDeletes(connection, storage, {
        select: `SELECT "#file", "#pos" FROM ${await scan()} WHERE (id * 7 + v) % ${3 + drawn(5)} = 0`,
        folder: storage.join(metadata.location, 'data'),
      });
      if (file !== null) await warehouse.commit(name, { add: [file], operation: 'delete' });
    }
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE wanted AS SELECT DISTINCT (hash(range * ${1 + drawn(1000)}) % 600)::BIGINT AS id, 'p' || range % 3 AS part FROM range(0, ${drawn(120)})`,
    );
    const order = 'ORDER BY "#file", "#pos"';
    const before = await connection.rows(
      `SELECT * FROM ${await scan({ among: { relation: 'wanted', columns: ['id', 'part'] } })} ${order}`,
    );
    const after = await connection.rows(
      `SELECT * FROM ${await scan()} o SEMI JOIN wanted w ON o.id = w.id AND o.part = w.part ${order}`,
    );
    expect(before).toEqual(after);
    found += after.length;
  }
  expect(found).toBeGreaterThan(0);
});

it('reads a table with deletes of many ages in little memory', async () => {
  const name = { schema: 's', table: 'ages' };
  const { storage, connection } = warehouse;
  await warehouse.create(name, [{ name: 'id', type: { kind: 'long' }, required: true }]);
  const scan = async (): Promise<string> => {
    const { metadata } = await warehouse.load(name);
    const { fields } = currentSchema(metadata);
    return scanSql(storage, await liveFiles(storage, metadata), fields, { positions: true });
  };
  // Every delete file names all files of before, and could name, by its bounds, those that come after it.
  for (let round = 0; round < 40; round++) {
    await warehouse.append(name, `SELECT ${round} * 100 + range FROM range(0, 100)`);
    const { metadata } = await warehouse.load(name);
    const file = await writePositionDeletes(connection, storage, {
      select: `SELECT "#file", "#pos" FROM ${await scan()} WHERE id % 100 = ${round}`,
      folder: storage.join(metadata.location, 'data'),
    });
    await warehouse.commit(name, { add: [file!], operation: 'delete' });
  }
  await connection.run("SET memory_limit = '100MiB'");
  try {
    const rows = await connection.rows(`SELECT id FROM ${await scan()} ORDER BY id`);
    const left = Array.from({ length: 4000 }, (_, id) => BigInt(id)).filter(
      (id) => id % 100n >= 40n || id % 100n < id / 100n,
    );
    expect(rows.map((row) => row.id)).toEqual(left);
  } finally {
    await connection.run('RESET memory_limit');
  }
});
