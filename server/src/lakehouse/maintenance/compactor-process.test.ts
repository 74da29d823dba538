import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { writePositionDeletes } from '../duckdb/parquet-write.ts';
import { scanSql } from '../duckdb/scan-sql.ts';
import { openWarehouse, type WarehouseFixture } from '../query/warehouse-fixture.ts';
import { liveFiles } from '../scan.ts';
import { currentSchema } from '../table-metadata.ts';
import { finishCompaction, prepareCompaction, type Rewrite, type Rewriter } from './compaction.ts';
import { CompactorProcess } from './compactor-process.ts';

const script = fileURLToPath(new URL('../../../dist/lakehouse/maintenance/compactor.js', import.meta.url));

let warehouse: WarehouseFixture;
let compactor: CompactorProcess;
let made = 0;

beforeAll(async () => {
  warehouse = await openWarehouse();
});
afterEach(() => compactor?.close());
afterAll(() => warehouse.close());

function open(options: { readonly idleMs?: number } = {}): Rewriter {
  const tempFolder = join(warehouse.root, 'compactor');
  compactor = new CompactorProcess({ script, memoryBytes: 64 << 20, tempFolder, ...options });
  return (rewrite, signal) => compactor.rewrite(rewrite, signal);
}

/** Three files of 100 rows, of which every tenth is deleted. */
async function tableWithDeletes() {
  const { storage, connection } = warehouse;
  const name = { schema: 's', table: `c${++made}` };
  await warehouse.create(name, [
    { name: 'id', type: { kind: 'long' }, required: true },
    { name: 'd', type: { kind: 'decimal', precision: 20, scale: 4 }, required: false },
    { name: 'b', type: { kind: 'binary' }, required: false },
  ]);
  for (let n = 0; n < 3; n++)
    await warehouse.append(
      name,
      `SELECT range, range / 7, encode('b' || range) FROM range(${n * 100}, ${n * 100 + 100})`,
    );
  const load = async () => (await warehouse.load(name)).metadata;
  const rows = async () => {
    const metadata = await load();
    const { fields } = currentSchema(metadata);
    const scan = scanSql(storage, await liveFiles(storage, metadata), fields, { positions: true });
    return {
      scan,
      texts: await connection.rows(`SELECT id, d::VARCHAR AS d, b::VARCHAR AS b FROM ${scan} ORDER BY id`),
    };
  };
  const file = await writePositionDeletes(connection, storage, {
    select: `SELECT "#file", "#pos" FROM ${(await rows()).scan} WHERE id % 10 = 3`,
    folder: storage.join((await load()).location, 'data'),
  });
  await warehouse.commit(name, { add: [file!], operation: 'delete' });
  return { name, load, rows };
}

async function compact(rewriter: Rewriter | undefined, signal?: AbortSignal) {
  const { storage, connection } = warehouse;
  const table = await tableWithDeletes();
  const before = (await table.rows()).texts;
  const metadata = await table.load();
  const data = (await liveFiles(storage, metadata)).filter(({ content }) => content === 'data');
  const prepared = await prepareCompaction(connection, storage, metadata, data, signal, rewriter);
  const finished = await finishCompaction(connection, storage, prepared, metadata, {});
  return { before, prepared, finished, table };
}

it('writes the file that the engine would have written', async () => {
  const [aside, here] = [await compact(open()), await compact(undefined)];
  const { path: _, bytes: __, ...output } = aside.prepared.output!;
  const { path: ___, bytes: ____, ...expected } = here.prepared.output!;
  expect(output.records).toBe(270);
  // Counts and bounds too, of which the bytes of a decimal and of binaries cross as they are.
  const plain = (one: object) =>
    JSON.stringify(one, (_key, value) => (value instanceof Map ? [...value] : value));
  expect(plain(output)).toBe(plain(expected));
  expect(aside.before).toHaveLength(270);
  const { storage, connection } = warehouse;
  const { metadata } = aside.finished!;
  const live = await liveFiles(storage, metadata);
  expect(live.map(({ content, records }) => [content, records])).toEqual([['data', 270]]);
  const scan = scanSql(storage, live, currentSchema(metadata).fields);
  expect(
    await connection.rows(`SELECT id, d::VARCHAR AS d, b::VARCHAR AS b FROM ${scan} ORDER BY id`),
  ).toEqual(aside.before);
});

it('is of low priority, in all its threads, and ends when it has had nothing to do', async () => {
  await compact(open({ idleMs: 300 }));
  const pid = compactor.pid!;
  const threads = process.platform === 'linux' ? readdirSync(`/proc/${pid}/task`).map(Number) : [pid];
  expect(threads.length).toBeGreaterThan(0);
  expect(new Set(threads.map((thread) => getPriority(thread)))).toEqual(new Set([10]));
  await expect.poll(() => compactor.pid, { timeout: 10_000 }).toBe(null);
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  // The next rewrite begins another.
  const rewrite = (await compact(compactor.rewrite.bind(compactor))).prepared;
  expect(rewrite.output?.records).toBe(270);
});

it('says what failed, and goes on', async () => {
  const rewriter = open();
  const wrong: Rewriter = (rewrite) =>
    rewriter({ ...rewrite, files: rewrite.files.map((file) => ({ ...file, path: `${file.path}.gone` })) });
  await expect(compact(wrong)).rejects.toThrow(/\.gone/);
  expect((await compact(rewriter)).prepared.output?.records).toBe(270);
});

it('says so when it is killed, and is there again for the next', async () => {
  const rewriter = open();
  await compact(rewriter);
  const killed: Rewriter = async (rewrite, signal) => {
    const result = rewriter(rewrite, signal);
    process.kill(compactor.pid!, 'SIGKILL');
    return result;
  };
  await expect(compact(killed)).rejects.toThrow(/SIGKILL/);
  expect((await compact(rewriter)).prepared.output?.records).toBe(270);
});

it('says so, each time, when it cannot be started', async () => {
  const rewriter = open();
  const { execPath } = process;
  process.execPath = join(warehouse.root, 'absent');
  try {
    await expect(compact(rewriter)).rejects.toThrow(/ENOENT/);
    await expect(compact(rewriter)).rejects.toThrow(/ENOENT/);
  } finally {
    process.execPath = execPath;
  }
  expect((await compact(rewriter)).prepared.output?.records).toBe(270);
});

it('takes back what it has written when it is given up', async () => {
  const rewriter = open();
  await compact(rewriter);
  const stop = new AbortController();
  const reason = new Error('stopped');
  const folders: string[] = [];
  // Long enough to be stopped in the middle: the same file many times over.
  const long: Rewriter = (rewrite: Rewrite, signal) => {
    folders.push(warehouse.storage.localPath(rewrite.folder));
    const files = Array.from({ length: 20_000 }, () => rewrite.files[0]!);
    const running = rewriter({ ...rewrite, files, gone: null }, signal);
    setTimeout(() => stop.abort(reason), 200);
    return running;
  };
  await expect(compact(long, stop.signal)).rejects.toBe(reason);
  // Three data files and the deletes.
  expect(readdirSync(folders[0]!)).toHaveLength(4);
  expect((await compact(rewriter)).prepared.output?.records).toBe(270);
});

it('ends with the process that began it, however that ended', async () => {
  const built = new URL('../../../dist/lakehouse/maintenance/compactor-process.js', import.meta.url);
  const options = { script, memoryBytes: 64 << 20, tempFolder: join(warehouse.root, 'orphaned') };
  const nothing = { files: [], gone: null, fields: [], folder: warehouse.location };
  const runner = spawn(
    process.execPath,
    [
      ...['--input-type=module', '-e'],
      `import { CompactorProcess } from ${JSON.stringify(built.href)};
      const compactor = new CompactorProcess(${JSON.stringify(options)});
      await compactor.rewrite(${JSON.stringify(nothing)}).catch(() => {});
      process.stdout.write(String(compactor.pid));
      setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [said] = await once(runner.stdout, 'data');
  const pid = Number(said);
  expect(isAlive(pid)).toBe(true);
  runner.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
