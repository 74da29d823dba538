import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWarehouse, type WarehouseFixture } from '../../lakehouse/query/warehouse-fixture.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import type { TableName } from '../../model/table.ts';
import { HeldKeys } from './held-keys.ts';
import { TableUpkeep } from './table-upkeep.ts';

let warehouse: WarehouseFixture;
let upkeep: TableUpkeep;

beforeAll(async () => {
  warehouse = await openWarehouse();
  upkeep = upkeepOf(0);
});
afterAll(async () => {
  await upkeep.stop();
  await warehouse.close();
});

function upkeepOf(restMs: number): TableUpkeep {
  const { storage, engine, catalog } = warehouse;
  return new TableUpkeep({
    ...{ storage, engine, targetBytes: 128 << 20, heldKeys: new HeldKeys(1 << 20) },
    catalog: { ...catalog, lines: async () => [] },
    log: pino({ level: 'silent' }),
    restMs,
  });
}

async function tableOf(table: string, files: number): Promise<TableName> {
  const name = { schema: 's', table };
  await warehouse.create(name, [{ name: 'id', type: { kind: 'long' }, required: true }]);
  for (let n = 0; n < files; n++) await warehouse.append(name, `SELECT ${n}`);
  return name;
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

async function append(name: TableName, files: number): Promise<void> {
  for (let n = 0; n < files; n++) await warehouse.append(name, `SELECT ${n}`);
}

async function finish(name: TableName): Promise<void> {
  await warehouse.replace(name, await upkeep.finish(name, (await warehouse.load(name)).metadata));
}

it('lets a table rest after a step, but for what is urgent', async () => {
  await upkeep.stop();
  upkeep = upkeepOf(3_600_000);
  const table = await tableOf('rests', 8);
  await committed(table);
  await expect.poll(ready).toEqual(['rests']);
  await finish(table);
  await append(table, 8);
  await committed(table);
  await committed(await tableOf('other', 8));
  await expect.poll(ready).toEqual(['other']);
  await append(table, 24);
  await committed(table);
  await expect.poll(ready).toEqual(['other', 'rests']);
});

it('looks again when the rest is over, whether or not anything comes', async () => {
  await upkeep.stop();
  upkeep = upkeepOf(300);
  const table = await tableOf('again', 8);
  await committed(table);
  await expect.poll(ready).toEqual(['again']);
  await finish(table);
  await append(table, 8);
  await committed(table);
  await expect.poll(ready, { timeout: 10_000 }).toEqual(['again']);
});
