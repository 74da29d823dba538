import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, startPostgres, type TestDatabase } from '../support/postgres.ts';
import {
  backingOff,
  createRole,
  expectEqual,
  failure,
  logs,
  openLine,
  reconnected,
  run,
  slotName,
  table,
} from './source-support.ts';

const MINUTES = 300_000;
const AWAY = ['SOURCE_UNREACHABLE', 'SOURCE_INTERRUPTED'];

async function fill(database: TestDatabase): Promise<void> {
  await database.query(`CREATE TABLE t (id int PRIMARY KEY, note text);
    INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 500) i`);
}

/** About 40 MB: 40 chunks of the smallest size. */
async function fillLarge(database: TestDatabase): Promise<void> {
  await database.query(`CREATE TABLE big (id int PRIMARY KEY, pad text);
    INSERT INTO big SELECT i, repeat(md5(i::text), 6) FROM generate_series(1, 170000) i`);
}

const CHUNKS = { chunk_size: '1MB', full_load_concurrency: '1', failover_limit: '0' };

/** Waits until some chunks are loaded and many are not. */
async function midLoad(lake: TestLake): Promise<void> {
  await lake.until(async () => {
    const progress = (await table(lake, 'm', 'big'))?.loadProgress ?? 0;
    if (progress > 0.8) throw new Error('the load was over too soon for this test');
    return progress > 0.1;
  });
}

/** What the attempts that began to load found loaded by then, and of how many chunks. */
async function begins(
  lake: TestLake,
): Promise<readonly { readonly chunks: number; readonly left: number }[]> {
  return (await logs(lake, 'm'))
    .flat()
    .filter((entry) => entry.msg === 'full load begins')
    .map((entry) => ({ chunks: Number(entry.chunks), left: Number(entry.left) }));
}

describe('the account', () => {
  it(
    'says a wrong password at the test of the data source and at the start, and does not try for ever',
    async () => {
      const server = sharedPostgres();
      await using role = await createRole(server, 'SUPERUSER');
      await using database = await server.createDatabase();
      await fill(database);
      await using lake = await TestLake.start();
      const api = await lake.api();
      await lake.createMirror('m', role.at(database.connection));
      await api.call('PATCH', '/data-sources/m', { password: 'surely-wrong' });
      const refused = await api.post('/data-sources/m/test').catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'SOURCE_AUTH', message: expect.stringContaining(role.name) });
      expect((refused as Error).message).toContain('Mend the user name or the password');
      expect((refused as Error).message).not.toContain('surely-wrong');

      await lake.start('m');
      const problem = await failure(lake, 'm');
      expect(problem).toMatchObject({ code: 'SOURCE_AUTH', remedy: expect.stringContaining('password') });
      expect(problem.message).not.toContain('surely-wrong');
      const { attempts } = await run(lake, 'm');
      expect(attempts).toMatchObject([{ state: 'failed', error: { code: 'SOURCE_AUTH' } }]);

      await api.call('PATCH', '/data-sources/m', { password: role.password });
      await lake.start('m');
      await expectEqual(lake, 'm', database);
    },
    MINUTES,
  );

  it(
    'goes on after the password was changed while it ran, once it is told',
    async () => {
      const server = sharedPostgres();
      await using role = await createRole(server, 'SUPERUSER');
      await using database = await server.createDatabase();
      await fill(database);
      await using lake = await TestLake.start();
      await lake.createMirror('m', role.at(database.connection));
      await lake.start('m');
      await expectEqual(lake, 'm', database);
      await database.query(`ALTER ROLE ${role.name} PASSWORD 'another'`);
      await database.query("INSERT INTO t VALUES (1001, 'still connected')");
      await lake.until(
        async () => (await lake.sql('SELECT 1 FROM public.t WHERE id = 1001')).rows.length > 0,
      );
      await database.query(
        'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1',
        [await slotName(database)],
      );
      expect(await failure(lake, 'm')).toMatchObject({ code: 'SOURCE_AUTH' });
      await database.query("UPDATE t SET note = 'meanwhile' WHERE id < 100; DELETE FROM t WHERE id > 400");
      await (await lake.api()).call('PATCH', '/data-sources/m', { password: 'another' });
      await lake.start('m');
      await expectEqual(lake, 'm', database);
    },
    MINUTES,
  );
});

describe('the host', () => {
  it(
    'that is down at the start is waited for, and a stop is heard meanwhile',
    async () => {
      await using server = await startPostgres();
      await using database = await server.createDatabase();
      await fill(database);
      await using lake = await TestLake.start();
      await lake.createMirror('m', database.connection, { parameters: { failover_limit: '0' } });
      await server.stop();
      const api = await lake.api();
      const test = await api.post('/data-sources/m/test').catch((error: unknown) => error);
      expect(test).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
      await lake.start('m');
      expect(await backingOff(lake, 'm')).toMatchObject({
        code: 'SOURCE_UNREACHABLE',
        message: expect.stringContaining(`${server.host}:${server.port}`),
      });
      await lake.stop('m');
      expect((await lake.status('m')).state).toBe('stopped');
      await lake.start('m');
      await lake.until(async () => (await run(lake, 'm')).attempts.length >= 2);
      await server.start();
      await expectEqual(lake, 'm', database);
      expect(await run(lake, 'm')).toMatchObject({ state: 'running', error: null });
    },
    MINUTES,
  );

  it(
    'that is killed in the middle of a full load is waited for, and no chunk is read twice',
    async () => {
      await using server = await startPostgres();
      await using database = await server.createDatabase();
      await fillLarge(database);
      await using lake = await TestLake.start();
      await lake.createMirror('m', database.connection, { parameters: CHUNKS });
      await lake.start('m');
      await midLoad(lake);
      await server.kill();
      expect(AWAY).toContain((await backingOff(lake, 'm')).code);
      const first = await table(lake, 'm', 'big');
      await server.start();
      await reconnected(database);
      await database.query(
        "UPDATE big SET pad = 'new' WHERE id % 100 = 0; DELETE FROM big WHERE id % 101 = 0",
      );
      await midLoadOrDone(lake, first?.loadProgress ?? 0);
      // Once more, politely this time.
      await server.stop();
      expect(AWAY).toContain((await backingOff(lake, 'm')).code);
      const second = await table(lake, 'm', 'big');
      await server.start();
      await reconnected(database);
      await database.query('UPDATE big SET id = id + 1000000 WHERE id % 97 = 0');
      await expectEqual(lake, 'm', database);
      const [one, two, three] = await begins(lake);
      expect(one?.left).toBe(one?.chunks);
      expect(two).toEqual({
        chunks: one?.chunks,
        left: Math.round((1 - first!.loadProgress!) * one!.chunks),
      });
      expect(three).toEqual({
        chunks: one?.chunks,
        left: Math.round((1 - second!.loadProgress!) * one!.chunks),
      });
      expect(await begins(lake)).toHaveLength(3);
      expect(await run(lake, 'm')).toMatchObject({ state: 'running', error: null });
    },
    MINUTES,
  );

  it(
    'that is killed while the log is followed is waited for',
    async () => {
      await using server = await startPostgres();
      await using database = await server.createDatabase();
      await fill(database);
      await using lake = await TestLake.start();
      await lake.createMirror('m', database.connection, { parameters: { failover_limit: '0' } });
      await lake.start('m');
      await expectEqual(lake, 'm', database);
      for (const [round, end] of (['kill', 'stop', 'kill'] as const).entries()) {
        // Some of it is read before the server goes, some is not.
        for (let i = 0; i < 20; i++)
          await database.query(
            `INSERT INTO t SELECT ${round * 10_000 + i * 100} + j + 1000, 'r' FROM generate_series(1, 50) j; UPDATE t SET note = '${i}' WHERE id <= 20`,
          );
        await server[end]();
        expect(AWAY).toContain((await backingOff(lake, 'm')).code);
        await server.start();
        await reconnected(database);
        await expectEqual(lake, 'm', database);
      }
      expect(await run(lake, 'm')).toMatchObject({ state: 'running', error: null });
      expect((await table(lake, 'm', 't'))?.rowsLoaded).toBe(500);
    },
    MINUTES,
  );

  it(
    'that vanishes without a word is noticed, in a load and after it',
    async () => {
      await using server = await startPostgres({ settings: { wal_sender_timeout: '2s' } });
      await using database = await server.createDatabase();
      await fillLarge(database);
      await using line = await openLine(server.host, server.port);
      await using lake = await TestLake.start();
      await lake.createMirror('m', { ...database.connection, port: line.port }, { parameters: CHUNKS });
      await lake.start('m');
      await midLoad(lake);
      line.silence();
      expect(AWAY).toContain((await backingOff(lake, 'm')).code);
      line.mend();
      await expectEqual(lake, 'm', database);
      const [one, two] = await begins(lake);
      expect(two?.left).toBeLessThan(one?.chunks ?? 0);
      line.silence();
      await database.query("UPDATE big SET pad = 'x' WHERE id <= 10");
      expect(AWAY).toContain((await backingOff(lake, 'm')).code);
      line.mend();
      await expectEqual(lake, 'm', database);
    },
    MINUTES,
  );
});

it(
  'goes on when the process that sends the log is ended, again and again',
  async () => {
    await using database = await sharedPostgres().createDatabase();
    await fill(database);
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection, { parameters: { failover_limit: '0' } });
    await lake.start('m');
    await expectEqual(lake, 'm', database);
    for (let round = 0; round < 3; round++) {
      const { attempts } = await run(lake, 'm');
      await database.query(
        `UPDATE t SET note = 'round ${round}' WHERE id % 3 = ${round}; DELETE FROM t WHERE id = ${round + 1}`,
      );
      const ended = await database.query(
        'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active',
        [await slotName(database)],
      );
      expect(ended.rowCount).toBe(1);
      await database.query(`INSERT INTO t VALUES (${2000 + round}, 'after')`);
      const next = await lake.until(async () => {
        const now = await run(lake, 'm');
        return now.attempts.length > attempts.length && now.state === 'running' ? now : null;
      });
      expect(next.attempts.at(-2)).toMatchObject({ state: 'failed', error: { code: 'SOURCE_INTERRUPTED' } });
      await expectEqual(lake, 'm', database);
    }
    expect((await table(lake, 'm', 't'))?.rowsLoaded).toBe(500);
  },
  MINUTES,
);

/** Waits until the load got further than it was. */
async function midLoadOrDone(lake: TestLake, before: number): Promise<void> {
  await lake.until(async () => ((await table(lake, 'm', 'big'))?.loadProgress ?? 0) > before + 0.05);
}
