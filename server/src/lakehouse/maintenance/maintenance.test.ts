import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LiveFile } from '../data-file.ts';
import { Engine } from '../duckdb/engine.ts';
import { writePositionDeletes } from '../duckdb/parquet-write.ts';
import { scanSql } from '../duckdb/scan-sql.ts';
import { openWarehouse, type WarehouseFixture } from '../query/warehouse-fixture.ts';
import { liveFiles } from '../scan.ts';
import { currentSchema } from '../table-metadata.ts';
import { discardCompaction, finishCompaction, prepareCompaction } from './compaction.ts';
import { finishDeleteMerge, prepareDeleteMerge } from './delete-merge.ts';
import { DeletedRows } from './deleted-rows.ts';
import { removeOrphans } from './orphans.ts';
import { finishUpkeep, prepareUpkeep, UpkeepMemory } from './upkeep.ts';

let warehouse: WarehouseFixture;
let made = 0;
const position = { 'sluice.position': '0/2A' };
const DAY = 86_400_000;

beforeAll(async () => {
  warehouse = await openWarehouse();
});
afterAll(() => warehouse.close());

interface Table {
  readonly name: { readonly schema: string; readonly table: string };
  files(): Promise<readonly LiveFile[]>;
  data(): Promise<readonly LiveFile[]>;
  ids(): Promise<number[]>;
  delete(where: string): Promise<void>;
  append(from: number, to: number): Promise<void>;
  summary(): Promise<Readonly<Record<string, string>>>;
}

async function newTable(): Promise<Table> {
  const name = { schema: 's', table: `t${++made}` };
  const { storage, connection } = warehouse;
  await warehouse.create(name, [
    { name: 'id', type: { kind: 'long' }, required: true },
    { name: 'v', type: { kind: 'string' }, required: false },
  ]);
  const files = async () => liveFiles(storage, (await warehouse.load(name)).metadata);
  const scan = async () => {
    const { fields } = currentSchema((await warehouse.load(name)).metadata);
    return scanSql(storage, await files(), fields, { positions: true });
  };
  return {
    name,
    files,
    data: async () => (await files()).filter((file) => file.content === 'data'),
    ids: async () =>
      (await connection.rows(`SELECT id FROM ${await scan()} ORDER BY id`)).map((row) => Number(row.id)),
    delete: async (where) => {
      const { metadata } = await warehouse.load(name);
      const file = await writePositionDeletes(connection, storage, {
        select: `SELECT "#file", "#pos" FROM ${await scan()} WHERE ${where}`,
        folder: storage.join(metadata.location, 'data'),
      });
      await warehouse.commit(name, { add: [file!], operation: 'delete' });
    },
    append: async (from, to) => {
      await warehouse.append(name, `SELECT range, 'v' || range FROM range(${from}, ${to})`);
    },
    summary: async () => {
      const { metadata } = await warehouse.load(name);
      return metadata.snapshots.at(-1)!.summary;
    },
  };
}

const range = (from: number, to: number, but: (id: number) => boolean = () => false): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index).filter((id) => !but(id));

describe('compaction', () => {
  it('puts files together in order, and drops the deleted rows and their delete files', async () => {
    const table = await newTable();
    for (let start = 0; start < 50; start += 10) await table.append(start, start + 10);
    await table.delete('id % 10 = 3');
    const { storage, connection } = warehouse;
    const { metadata } = await warehouse.load(table.name);
    const prepared = await prepareCompaction(connection, storage, metadata, await table.data());
    const done = await finishCompaction(connection, storage, prepared, metadata, position);
    await warehouse.replace(table.name, done!.metadata);
    const files = await table.files();
    expect(files.map((file) => [file.content, file.records])).toEqual([['data', 45]]);
    const rows = await connection.rows(
      `SELECT id FROM ${scanSql(storage, files, [{ id: 1, name: 'id', type: 'long' }], { positions: true })} ORDER BY "#pos"`,
    );
    expect(rows.map((row) => Number(row.id))).toEqual(range(0, 50, (id) => id % 10 === 3));
    expect(await table.summary()).toMatchObject({
      operation: 'replace',
      'sluice.position': '0/2A',
      'total-records': '45',
      'total-position-deletes': '0',
    });
  });

  it('moves the deletes that came meanwhile to the new file, and rewrites what they hold of others', async () => {
    const table = await newTable();
    await table.append(0, 100);
    await table.append(100, 200);
    await table.append(200, 300);
    await table.delete('id % 7 = 0');
    const { storage, connection } = warehouse;
    const base = await warehouse.load(table.name);
    const [a, b] = await table.data();
    const prepared = await prepareCompaction(connection, storage, base.metadata, [b!, a!]);
    await table.delete('id % 7 <> 0 AND id % 5 = 0');
    await table.append(300, 310);
    await table.delete('id IN (1, 101, 201, 301)');
    const current = await warehouse.load(table.name);
    const done = await finishCompaction(connection, storage, prepared, current.metadata, position);
    await warehouse.replace(table.name, done!.metadata);
    const isGone = (id: number): boolean =>
      (id < 300 && (id % 7 === 0 || id % 5 === 0)) || [1, 101, 201, 301].includes(id);
    expect(await table.ids()).toEqual(range(0, 310, isGone));
    const summary = await table.summary();
    expect(Number(summary['total-records']) - Number(summary['total-position-deletes'])).toBe(
      range(0, 310, isGone).length,
    );
    // And deletes that come later find the new file.
    await table.delete('id = 2');
    expect(await table.ids()).toEqual(range(0, 310, (id) => isGone(id) || id === 2));
  });

  it('keeps the order of the files and of their rows, whoever reads and writes how much of them at a time', async () => {
    const table = await newTable();
    // Several row groups each, which threads read beside each other.
    const [first, second] = [400_000, 300_000];
    await table.append(0, first);
    await table.append(first, first + second);
    const isGone = 'id % 13 = 5 OR id BETWEEN 150000 AND 290000';
    await table.delete(isGone);
    const { metadata } = await warehouse.load(table.name);
    const [a, b] = await table.data();
    const engine = await Engine.open({
      ...{ threads: 4, memoryBytes: 256 << 20 },
      ...{ tempFolder: join(warehouse.root, 'order'), maxTempBytes: 1 << 30 },
    });
    try {
      const connection = await engine.connect();
      const prepared = await prepareCompaction(connection, warehouse.storage, metadata, [b!, a!]);
      const path = warehouse.storage.localPath(prepared.output!.path);
      const expected = `SELECT id, row_number() OVER (ORDER BY id < ${first}, id) - 1 AS pos FROM range(${first + second}) r(id) WHERE NOT (${isGone})`;
      const [found] = await connection.rows(
        `SELECT count(*)::INTEGER AS rows, count(*) FILTER (e.id = g.id)::INTEGER AS same FROM (${expected}) e FULL JOIN read_parquet('${path}', file_row_number = true) g ON g.file_row_number = e.pos`,
      );
      expect(found!.rows).toBeGreaterThan(500_000);
      expect(found).toEqual({ rows: found!.rows, same: found!.rows });
      connection.close();
    } finally {
      engine.close();
    }
  });

  it('of files without a live row only takes them out', async () => {
    const table = await newTable();
    await table.append(0, 10);
    await table.append(10, 20);
    await table.delete('id < 10');
    const { storage, connection } = warehouse;
    const { metadata } = await warehouse.load(table.name);
    const [first] = await table.data();
    const prepared = await prepareCompaction(connection, storage, metadata, [first!]);
    expect(prepared.output).toBeNull();
    const done = await finishCompaction(connection, storage, prepared, metadata, position);
    await warehouse.replace(table.name, done!.metadata);
    expect((await table.files()).length).toBe(1);
    expect(await table.ids()).toEqual(range(10, 20));
  });

  it('is given up where a file was replaced meanwhile, and leaves nothing behind', async () => {
    const table = await newTable();
    await table.append(0, 10);
    await table.append(10, 20);
    const { storage, connection } = warehouse;
    const base = await warehouse.load(table.name);
    const prepared = await prepareCompaction(connection, storage, base.metadata, await table.data());
    const [first] = await table.data();
    const after = await warehouse.commit(table.name, { remove: new Set([first!.path]), operation: 'delete' });
    expect(await finishCompaction(connection, storage, prepared, after.metadata, position)).toBeNull();
    await expect(storage.read(prepared.output!.path)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    const tables = await connection.rows(
      "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'base_deletes%'",
    );
    expect(tables).toEqual([]);
  });

  it('keeps rows of an older schema readable by field id', async () => {
    const table = await newTable();
    await table.append(0, 10);
    const { storage, connection } = warehouse;
    const base = await warehouse.load(table.name);
    const prepared = await prepareCompaction(connection, storage, base.metadata, await table.data());
    const schema = currentSchema(base.metadata);
    const wider = {
      ...schema,
      'schema-id': 1,
      fields: [
        schema.fields[0]!,
        { id: 3, name: 'v', required: false, type: 'int' as const },
        { ...schema.fields[1]!, name: 'old' },
      ],
    };
    const changed = await warehouse.replace(table.name, {
      ...base.metadata,
      schemas: [schema, wider],
      'current-schema-id': 1,
      'last-column-id': 3,
    });
    const done = await finishCompaction(connection, storage, prepared, changed.metadata, position);
    await warehouse.replace(table.name, done!.metadata);
    const rows = await connection.rows(
      `SELECT * FROM ${scanSql(storage, await table.files(), wider.fields)} ORDER BY id LIMIT 1`,
    );
    expect(rows).toEqual([{ id: 0n, v: null, old: 'v0' }]);
  });

  it('refuses files that are not of the table, and stops when told', async () => {
    const table = await newTable();
    await table.append(0, 10);
    const { storage, connection } = warehouse;
    const { metadata } = await warehouse.load(table.name);
    const [file] = await table.data();
    await expect(
      prepareCompaction(connection, storage, metadata, [{ ...file!, path: `${file!.path}x` }]),
    ).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
    await expect(
      prepareCompaction(connection, storage, metadata, [file!], AbortSignal.abort(new Error('stop'))),
    ).rejects.toThrow('stop');
    const prepared = await prepareCompaction(connection, storage, metadata, [file!]);
    await discardCompaction(connection, storage, prepared);
    expect(await table.ids()).toEqual(range(0, 10));
  });
});

describe('merging deletes', () => {
  it('leaves one delete file per data file, beside those that came meanwhile', async () => {
    const table = await newTable();
    for (let start = 0; start < 30; start += 10) await table.append(start, start + 10);
    for (let digit = 0; digit < 5; digit++) await table.delete(`id % 10 = ${digit} AND id < 20`);
    const { storage, connection } = warehouse;
    const base = await warehouse.load(table.name);
    const prepared = await prepareDeleteMerge(connection, storage, base.metadata);
    expect(prepared.output.map((file) => [file.records, file.referencedDataFile !== null])).toEqual([
      [5, true],
      [5, true],
    ]);
    await table.delete('id IN (9, 29)');
    const current = await warehouse.load(table.name);
    const done = await finishDeleteMerge(storage, prepared, current.metadata, position);
    await warehouse.replace(table.name, done!.metadata);
    expect((await table.files()).filter((file) => file.content !== 'data')).toHaveLength(3);
    expect(await table.ids()).toEqual(
      range(0, 30, (id) => (id < 20 && id % 10 < 5) || id === 9 || id === 29),
    );
    const deleted = await new DeletedRows().count(connection, storage, await table.files());
    expect([...deleted.values()].sort()).toEqual([1, 5, 6]);
  });

  it('is given up where one of the files is gone', async () => {
    const table = await newTable();
    await table.append(0, 10);
    await table.delete('id = 1');
    await table.delete('id = 2');
    const { storage, connection } = warehouse;
    const base = await warehouse.load(table.name);
    const prepared = await prepareDeleteMerge(connection, storage, base.metadata);
    const after = await warehouse.commit(table.name, { replaceAll: true, operation: 'delete' });
    expect(await finishDeleteMerge(storage, prepared, after.metadata, position)).toBeNull();
    expect(await table.ids()).toEqual([]);
  });
});

describe('upkeep', () => {
  it('does what is due, one step at a time, until nothing is', async () => {
    const table = await newTable();
    for (let start = 0; start < 40; start += 10) await table.append(start, start + 10);
    for (let digit = 0; digit < 3; digit++) await table.delete(`id % 10 = ${digit}`);
    const { storage, connection } = warehouse;
    const thresholds = { targetBytes: 1 << 20, smallFiles: 5, deletedFraction: 0.5, deleteFiles: 2 };
    const steps: string[] = [];
    for (let round = 0; round < 5; round++) {
      const { metadata } = await warehouse.load(table.name);
      const prepared = await prepareUpkeep(
        connection,
        storage,
        metadata,
        round === 0 ? thresholds : { ...thresholds, smallFiles: 4, deleteFiles: 0 },
        new UpkeepMemory(),
      );
      if (!prepared) break;
      steps.push(prepared.kind);
      await warehouse.replace(
        table.name,
        (await finishUpkeep(connection, storage, prepared, metadata, position))!.metadata,
      );
    }
    expect(steps).toEqual(['delete-merge', 'compaction']);
    expect(await table.ids()).toEqual(range(0, 40, (id) => id % 10 < 3));
  });
});

describe('removeOrphans', () => {
  it('removes old files that nothing refers to, and no other', async () => {
    const table = await newTable();
    await table.append(0, 10);
    await table.delete('id = 1');
    const { storage } = warehouse;
    const loaded = await warehouse.load(table.name);
    const folder = storage.localPath(loaded.metadata.location);
    const old = new Date(Date.now() - 2 * DAY);
    const plant = async (path: string, time: Date | null): Promise<string> => {
      await writeFile(path, 'x');
      if (time) await utimes(path, time, time);
      return storage.location(path);
    };
    const orphan = await plant(join(folder, 'data', 'orphan.parquet'), old);
    const stale = await plant(join(folder, 'metadata', 'stale.avro'), old);
    const young = await plant(join(folder, 'data', 'young.parquet'), null);
    const kept = await plant(join(folder, 'data', 'chunk.parquet'), old);
    const beside = await plant(join(folder, 'other.txt'), old);
    for await (const file of storage.list(loaded.metadata.location))
      if (file.location !== young) await utimes(storage.localPath(file.location), old, old);
    const rule = { minAgeMs: DAY, nowMs: Date.now(), isKept: (location: string) => location === kept };
    expect(await removeOrphans(storage, loaded.metadata.location, async () => null, rule)).toEqual([]);
    const removed = await removeOrphans(
      storage,
      loaded.metadata.location,
      () => warehouse.load(table.name),
      rule,
    );
    expect([...removed].sort()).toEqual([orphan, stale].sort());
    for (const location of [young, kept, beside]) expect((await storage.read(location)).toString()).toBe('x');
    expect(await table.ids()).toEqual(range(0, 10, (id) => id === 1));
  });
});
