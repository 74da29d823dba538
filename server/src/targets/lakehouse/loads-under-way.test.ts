import { access, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { embeddedCatalog } from '../../lakehouse/embedded-catalog.ts';
import { fileStorage } from '../../lakehouse/file-storage.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import { type TableName, type TableSchema, tableKey } from '../../model/table.ts';
import type { Lane } from '../../sync/lane.ts';
import { keptColumns, type TestStore, testStore } from '../../sync/testing/store.ts';
import type { MergedStep, TableStep } from '../target.ts';
import { parseFiles } from './content-file-json.ts';
import { HeldKeys } from './held-keys.ts';
import { LakehouseTarget } from './lakehouse-target.ts';
import { TableUpkeep } from './table-upkeep.ts';
import { Bench } from './testing/change-batches.ts';

const MERGED: TableName = { schema: 's', table: 'merged' };
const OTHER: TableName = { schema: 's', table: 'other' };
const shard = (name: string): TableName => ({ ...MERGED, shard: name });
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RULES = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' } as const;
const never = new AbortController().signal;
const KEPT = keptColumns('id', 'v');
const schemaOf = (name: TableName): TableSchema => ({ ...KEPT.schema, name });

const storage = fileStorage();
let bench: Bench;
let metastore: TestStore;
let warehouse: string;
let target: LakehouseTarget;
let lanes: Map<string, Lane>;
let ord = 0;

beforeEach(async () => {
  bench = await Bench.open();
  metastore = await testStore();
  warehouse = storage.location(join(bench.folder, 'warehouse'));
  lanes = new Map();
  target = open();
});
afterEach(async () => {
  vi.useRealTimers();
  await target[Symbol.asyncDispose]();
  await metastore[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

function open(): LakehouseTarget {
  const options = {
    ...{ storage, metastore: metastore.db, engine: bench.engine, warehouse, targetBytes: 128 << 20 },
    catalog: embeddedCatalog(metastore.db, storage),
    heldKeys: new HeldKeys(1 << 20),
  };
  return new LakehouseTarget({
    ...options,
    rules: RULES,
    keyLimit: () => 1024,
    scratchFolder: bench.folder,
    upkeep: new TableUpkeep({ ...options, log: pino({ level: 'silent' }) }),
  });
}

async function restart(): Promise<void> {
  await target[Symbol.asyncDispose]();
  target = open();
}

const later = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);

const exists = (location: string): Promise<boolean> =>
  access(storage.localPath(location)).then(
    () => true,
    () => false,
  );

/** As if the load and all before it had been made two days ago. */
async function age(): Promise<void> {
  const then = (Date.now() - 48 * HOUR) / 1000;
  for await (const { location } of storage.list(warehouse))
    await utimes(storage.localPath(location), then, then);
}

async function folderOf(name: TableName): Promise<string> {
  return (await embeddedCatalog(metastore.db, storage).load(name))!.metadata.location;
}

async function stray(name: TableName): Promise<string> {
  const file = storage.join(await folderOf(name), 'data', `stray-${++ord}.parquet`);
  await storage.create(file, Buffer.from('of a writer that crashed'));
  const then = (Date.now() - 48 * HOUR) / 1000;
  await utimes(storage.localPath(file), then, then);
  return file;
}

async function laneOf(name: TableName): Promise<Lane> {
  const known = lanes.get(tableKey(name));
  if (known !== undefined) return known;
  const lane = await metastore.store.addLane(
    { source: name, target: name, objectId: tableKey(name), state: 'live', kept: KEPT, rowsEstimated: null },
    null,
  );
  lanes.set(tableKey(name), lane);
  return lane;
}

const record = async (lane: Lane, load: Lane['load']): Promise<void> => {
  lane.load = load;
  await metastore.store.write((transaction) => metastore.store.saveLane(transaction, lane));
};

/** Begins a load as the loader does, and loads its one chunk. @returns its data file */
async function begin(name: TableName, id: number): Promise<string> {
  const lane = await laneOf(name);
  const { location } = await target.stageEmpty(name, schemaOf(name));
  const visibility = { kind: 'none' } as const;
  const moment = { storage: '', consistentFrom: null, takenAt: '0', oneSnapshot: false, keptFrom: null };
  await record(lane, { staged: location, visibility, ...moment });
  const line = `"${id}","1"\n`;
  const loaded = await target.loadChunk(
    { kind: 'staged', location },
    {
      file: await bench.scratch(line),
      columns: KEPT.schema.columns,
      ...{ typed: null, constants: null, key: [0], longestLine: line.length, lossy: true, takenAt: 0n },
    },
    name,
    never,
  );
  return loaded.files;
}

/** What the load has made so far becomes the table. */
async function finish(name: TableName, files: string): Promise<void> {
  const lane = await laneOf(name);
  const base = { kind: 'staged', location: lane.load!.staged } as const;
  const staged = await target.stageLoaded(name, base, [files], '0/1');
  await commit({ table: name, staged, kind: 'replace' }, () => {
    lane.load = null;
  });
}

async function commit(step: TableStep, becomes: () => void = () => {}): Promise<void> {
  const merged: MergedStep[] = step.table.shard ? [{ table: MERGED, position: '0/1' }] : [];
  await target.commit(
    [step],
    async (transaction) => {
      becomes();
      const lane = lanes.get(tableKey(step.table));
      if (lane !== undefined) await metastore.store.saveLane(transaction, lane);
    },
    merged,
  );
}

async function change(name: TableName): Promise<void> {
  const line = { ord: ++ord, op: 'I', values: [String(1000 + ord), '1'] };
  const part = await bench.part(KEPT.schema.columns, [line]);
  const batch = bench.batch(schemaOf(name), [part]);
  const staged = await target.stageChanges(name, { kind: 'visible' }, batch, never);
  await commit({ table: name, staged, kind: 'advance' });
}

/** Waits until maintenance has looked at all that was committed: tables are looked at in the order of their commits. */
async function lookedAt(wake = () => change(OTHER)): Promise<void> {
  const orphan = await stray(OTHER);
  await wake();
  await expect.poll(() => exists(orphan), { timeout: 10_000 }).toBe(false);
}

async function load(name: TableName, id: number): Promise<void> {
  await finish(name, await begin(name, id));
}

const pathOf = (files: string): string => parseFiles(files)[0]!.path;

/** @returns the rows of the files that the table lists, each of which is there */
async function rowsOf(name: TableName): Promise<number> {
  const { metadata } = (await embeddedCatalog(metastore.db, storage).load(name))!;
  const files = await liveFiles(storage, metadata);
  for (const file of files) expect([file.path, await exists(file.path)]).toEqual([file.path, true]);
  return files.reduce((sum, file) => sum + file.records, 0);
}

it('leaves the files of the load of a shard, however old, also after a restart', async () => {
  const root = await target.stageRoot(MERGED, schemaOf(MERGED), { replace: true });
  await commit({ table: shard(''), staged: root, kind: 'advance' });
  await load(OTHER, 0);
  await load(shard('a'), 1);
  await load(shard('b'), 2);
  // The first of two loads that is done leaves the other one.
  const [c, d] = [await begin(shard('c'), 3), await begin(shard('d'), 4)];
  await age();
  await finish(shard('c'), c);
  later(11 * MINUTE);
  await change(shard('a'));
  await lookedAt();
  expect(await exists(pathOf(d))).toBe(true);

  await restart();
  later(11 * MINUTE);
  await change(shard('a'));
  await lookedAt();
  expect(await exists(pathOf(d))).toBe(true);
  await finish(shard('d'), d);
  expect(await rowsOf(MERGED)).toBe(6);

  later(7 * HOUR);
  const orphan = await stray(MERGED);
  await change(shard('a'));
  await lookedAt();
  expect(await exists(orphan)).toBe(false);
  expect(await rowsOf(MERGED)).toBe(7);
});

it('leaves the files of a load that began after the look was put off', async () => {
  const table = { schema: 's', table: 'single' };
  target.besideBacklog(true);
  await load(table, 1);
  await load(OTHER, 0);
  const again = await begin(table, 2);
  await age();
  later(11 * MINUTE);
  await lookedAt(async () => target.besideBacklog(false));
  expect(await exists(pathOf(again))).toBe(true);
  await finish(table, again);
  expect(await rowsOf(table)).toBe(1);
  later(7 * HOUR);
  const orphan = await stray(table);
  await change(table);
  await lookedAt();
  expect(await exists(orphan)).toBe(false);
});
