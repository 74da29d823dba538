import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CompactorProcess } from '../../lakehouse/maintenance/compactor-process.ts';
import { openWarehouse, type WarehouseFixture } from '../../lakehouse/query/warehouse-fixture.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import type { TableName } from '../../model/table.ts';
import { type MetastoreDb, openMetastore } from '../../store/open-metastore.ts';
import { HeldKeys } from './held-keys.ts';
import { TableUpkeep } from './table-upkeep.ts';

let warehouse: WarehouseFixture;
let metastore: MetastoreDb;
let upkeep: TableUpkeep;

beforeAll(async () => {
  warehouse = await openWarehouse();
  metastore = await openMetastore(join(warehouse.root, 'metastore.db'));
  upkeep = upkeepOf(0);
});
afterAll(async () => {
  await upkeep.stop();
  await metastore.destroy();
  await warehouse.close();
});

function upkeepOf(restMs: number, compactor?: CompactorProcess): TableUpkeep {
  const { storage, engine, catalog } = warehouse;
  return new TableUpkeep({
    ...{ storage, engine, metastore, targetBytes: 128 << 20, heldKeys: new HeldKeys(1 << 20) },
    catalog: { ...catalog, lines: async () => [] },
    log: pino({ level: 'silent' }),
    restMs,
    ...(compactor && { compactor }),
  });
}

async function tableOf(table: string, files: number): Promise<TableName> {
  const name = { schema: 's', table };
  await warehouse.create(name, [{ name: 'id', type: { kind: 'long' }, required: true }]);
  await append(name, files);
  return name;
}

async function append(name: TableName, files: number): Promise<void> {
  for (let n = 0; n < files; n++) await warehouse.append(name, `SELECT ${n}`);
}

const committed = async (name: TableName): Promise<void> =>
  upkeep.committed(name, (await warehouse.load(name)).metadata, 'alone');
const ready = (): string[] => upkeep.ready().map(({ table }) => table);

it('does what is urgent beside a backlog, and what waited when it is over', async () => {
  const few = await tableOf('few', 8);
  const many = await tableOf('many', 32);
  upkeep.besideBacklog(true);
  await committed(few);
  await committed(many);
  // One table at a time: by now it has looked at the other one.
  await expect.poll(ready).toEqual(['many']);
  upkeep.besideBacklog(false);
  await expect.poll(ready).toEqual(['many', 'few']);
  const rewritten = await upkeep.finish(few, (await warehouse.load(few)).metadata);
  expect((await liveFiles(warehouse.storage, rewritten)).map(({ records }) => records)).toEqual([8]);
});

it('looks at the newer state of a table that has one by then', async () => {
  const late = await tableOf('late', 7);
  upkeep.besideBacklog(true);
  await committed(late);
  await warehouse.append(late, 'SELECT 7');
  upkeep.besideBacklog(false);
  await committed(late);
  await expect.poll(ready).toContain('late');
});

async function finish(name: TableName): Promise<void> {
  await warehouse.replace(name, await upkeep.finish(name, (await warehouse.load(name)).metadata));
}

/** A table of which something was just done, and that has as many small files again. */
async function againDue(table: string, restMs: number): Promise<TableName> {
  await upkeep.stop();
  upkeep = upkeepOf(restMs);
  const name = await tableOf(table, 8);
  await committed(name);
  await expect.poll(ready).toEqual([table]);
  await finish(name);
  await append(name, 8);
  await committed(name);
  return name;
}

it('lets a table rest after a step, but for what is urgent', async () => {
  const table = await againDue('rests', 3_600_000);
  await committed(await tableOf('other', 8));
  await expect.poll(ready).toEqual(['other']);
  await append(table, 24);
  await committed(table);
  await expect.poll(ready).toEqual(['other', 'rests']);
});

it('looks again when the rest is over, whether or not anything comes', async () => {
  await againDue('again', 300);
  await expect.poll(ready, { timeout: 10_000 }).toEqual(['again']);
});

it('rewrites by itself what the process for it fails at', async () => {
  const name = { schema: 's', table: 'large' };
  await warehouse.create(name, [{ name: 'text', type: { kind: 'string' }, required: false }]);
  for (let n = 0; n < 8; n++)
    await warehouse.append(name, `SELECT md5((${n} * 40000 + range)::VARCHAR) FROM range(40000)`);
  const compactor = new CompactorProcess({
    ...{ script: '/nowhere/compactor.js', memoryBytes: 64 << 20, tempFolder: warehouse.root },
  });
  const own = upkeepOf(0, compactor);
  try {
    own.committed(name, (await warehouse.load(name)).metadata, 'alone');
    await expect.poll(() => own.ready().length, { timeout: 20_000 }).toBe(1);
    const rewritten = await own.finish(name, (await warehouse.load(name)).metadata);
    const files = await liveFiles(warehouse.storage, rewritten);
    expect(files.map(({ records }) => records)).toEqual([320_000]);
    // Large enough to be asked of the process.
    expect(files[0]!.bytes).toBeGreaterThan(4 << 20);
  } finally {
    await own.stop();
  }
});
