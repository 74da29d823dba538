import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LiveFile } from '../data-file.ts';
import { openWarehouse, type WarehouseFixture } from '../query/warehouse-fixture.ts';
import { liveFiles } from '../scan.ts';
import { currentSchema } from '../table-metadata.ts';
import { writePositionDeletes } from './parquet-write.ts';
import { deletedPositionsSql, scanSql } from './scan-sql.ts';
import { quoteText } from './sql-text.ts';

let warehouse: WarehouseFixture;

beforeAll(async () => {
  warehouse = await openWarehouse();
});
afterAll(() => warehouse.close());

const seed = Number(process.env.SLUICE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

function draws(): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
}

it(`finds the same rows whether they are looked for before or after the deletes (seed ${seed})`, async () => {
  const name = { schema: 's', table: 'among' };
  const { storage, connection } = warehouse;
  await warehouse.create(name, [
    { name: 'id', type: { kind: 'long' }, required: true },
    { name: 'part', type: { kind: 'string' }, required: true },
    { name: 'v', type: { kind: 'int' }, required: false },
  ]);
  const drawn = draws();
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

it(`a delete hits files that are not younger than it, and no others (seed ${seed})`, async () => {
  const name = { schema: 's', table: 'sequences' };
  const { storage, connection } = warehouse;
  await warehouse.create(name, [{ name: 'id', type: { kind: 'long' }, required: true }]);
  for (let n = 0; n < 4; n++) await warehouse.append(name, `SELECT ${n} * 20 + range FROM range(0, 20)`);
  const { metadata } = await warehouse.load(name);
  const { fields } = currentSchema(metadata);
  const written = await liveFiles(storage, metadata);
  const drawn = draws();
  for (let round = 0; round < 30; round++) {
    // A path that is in the table again, with a younger sequence, is named by deletes of before.
    const data = written.map((file) => ({ ...file, sequence: 1 + drawn(6) }));
    const deleted = new Set<string>();
    const deletes: LiveFile[] = [];
    for (let n = drawn(6); n >= 0; n--) {
      const sequence = 1 + drawn(6);
      const among = data.filter(() => drawn(3) > 0);
      const places = among.flatMap((file) =>
        Array.from({ length: 20 }, (_, pos) => ({ file, pos })).filter(() => drawn(5) === 0),
      );
      if (places.length === 0) continue;
      const values = places.map(({ file, pos }) => `(${quoteText(file.path)}, ${pos}::BIGINT)`);
      const file = await writePositionDeletes(connection, storage, {
        select: `SELECT * FROM (VALUES ${values.join(', ')}) places("#file", "#pos")`,
        folder: storage.join(metadata.location, 'data'),
      });
      deletes.push({ ...file!, sequence });
      for (const { file, pos } of places) if (sequence >= file.sequence) deleted.add(`${file.path} ${pos}`);
    }
    const live = data.flatMap(({ path }) =>
      Array.from({ length: 20 }, (_, pos) => `${path} ${pos}`).filter((place) => !deleted.has(place)),
    );
    const rows = await connection.rows(
      `SELECT "#file" || ' ' || "#pos" AS place FROM ${scanSql(storage, [...data, ...deletes], fields, { positions: true })}`,
    );
    expect(rows.map(({ place }) => place).sort()).toEqual(live.sort());
    const listed = await connection.rows(
      `SELECT DISTINCT file_path || ' ' || pos AS place FROM ${deletedPositionsSql(storage, data, deletes)}`,
    );
    expect(listed.map(({ place }) => place).sort()).toEqual([...deleted].sort());
  }
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
