import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedPostgres, type TestDatabase } from '../../../tests/support/postgres.ts';
import { type RunningServer, startServer } from '../serve.ts';
import { dataDirLayout, openToken } from '../store/data-dir.ts';

const runnerScript = fileURLToPath(new URL('../../dist/sync/runner.js', import.meta.url));

let folder: string;
let database: TestDatabase;
let server: RunningServer;
let token: string;

beforeAll(async () => {
  expect(existsSync(runnerScript), 'needs the build: npm run build').toBe(true);
  folder = await mkdtemp(join(tmpdir(), 'sluice-life-'));
  database = await sharedPostgres().createDatabase();
  await database.query('CREATE TABLE orders (id int PRIMARY KEY, note text)');
  await database.query("INSERT INTO orders SELECT i, 'n' || i FROM generate_series(1, 1000) i");
  server = await startServer({
    dataDir: join(folder, 'data'),
    port: 0,
    log: pino({ level: 'silent' }),
    runnerScript,
  });
  token = await openToken(dataDirLayout(server.dataDir));
}, 60_000);
afterAll(async () => {
  await server?.close();
  await database?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function call(method: string, path: string, body?: unknown): Promise<Record<string, never>> {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { data, error } = (await answer.json()) as {
    data: Record<string, never>;
    error?: { code: string; message: string };
  };
  if (error !== undefined) throw new Error(`${error.code}: ${error.message}`);
  return data;
}
const slots = async () =>
  (await database.query('SELECT slot_name FROM pg_replication_slots WHERE database = current_database()'))
    .rows;
const count = async () => (await call('POST', '/sql', { sql: 'SELECT count(*) FROM public.orders' })).rows;

describe('the life of a task, with a real database', () => {
  it('goes from create to delete', async () => {
    await call('POST', '/data-sources', { name: 's', type: 'postgres', ...database.connection });
    expect(await call('POST', '/data-sources/s/test')).toMatchObject({ version: expect.any(String) });
    await call('POST', '/folders', { name: 'f' });
    const spec = { dataSource: 's', database: database.name, parameters: { commit_interval: '200ms' } };
    await call('POST', '/tasks', { name: 't', folder: 'f', spec });
    await expect(call('POST', '/tasks/t/start')).rejects.toThrow('CONFLICT');
    expect(await call('POST', '/tasks/t/publish')).toMatchObject({ version: 1 });
    for (const [start, refusal] of [
      [{ from: 'custom', position: 'x' }, /^POSITION_INVALID.*not a position/],
      // Before the first run the server has kept nothing for the task.
      [{ from: 'custom', position: '0/1' }, /^PG_SLOT_MISSING/],
      [{ from: 'custom' }, /^INVALID_REQUEST/],
      [{ from: 'resume', time: '2026-01-01T00:00:00Z' }, /^INVALID_REQUEST/],
      [{ from: 'custom', time: 'yesterday' }, /^INVALID_REQUEST/],
    ] as const)
      await expect(call('POST', '/tasks/t/start', start)).rejects.toThrow(refusal);
    const run = await call('POST', '/tasks/t/start');
    await expect(call('POST', '/tasks/t/undeploy', { confirm: true })).rejects.toThrow('CONFLICT');

    expect(await call('GET', '/tasks/t/wait?for=incremental&timeout=60')).toMatchObject({ reached: true });
    await database.query("INSERT INTO orders VALUES (1001, 'live')");
    expect(await call('GET', '/tasks/t/wait?for=caught-up&timeout=60')).toMatchObject({ reached: true });
    expect(await count()).toEqual([[1001]]);
    expect(await call('GET', '/tasks/t/tables')).toMatchObject([
      { source: { schema: 'public', table: 'orders' }, state: 'live', phase: 'incremental', error: null },
    ]);
    // A table that is made now is part of what "caught up" means.
    await database.query('CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1), (2)');
    expect(await call('GET', '/tasks/t/wait?for=caught-up&timeout=60')).toMatchObject({ reached: true });
    expect((await call('POST', '/sql', { sql: 'SELECT count(*) FROM public.later' })).rows).toEqual([[2]]);

    expect(await call('POST', '/tasks/t/stop')).toMatchObject({
      id: run.id,
      state: 'stopped',
      failovers: 0,
      error: null,
    });
    await database.query('DELETE FROM orders WHERE id <= 500');
    await call('POST', '/tasks/t/start');
    expect(await call('GET', '/tasks/t/wait?for=caught-up&timeout=60')).toMatchObject({ reached: true });
    expect(await count()).toEqual([[501]]);
    await call('POST', '/tasks/t/stop');

    expect(await slots()).toHaveLength(1);
    await expect(call('POST', '/tasks/t/undeploy')).rejects.toThrow(
      /CONFIRMATION_REQUIRED.*2 target tables stay/,
    );
    expect(await call('POST', '/tasks/t/undeploy', { confirm: true })).toMatchObject({
      keptTables: [{}, {}],
    });
    expect(await slots()).toEqual([]);
    expect(await count()).toEqual([[501]]);
    await call('DELETE', '/tasks/t?confirm=true');
    expect(await call('GET', '/tasks')).toEqual([]);
  }, 180_000);
});
