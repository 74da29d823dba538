import { join } from 'node:path';
import type { Task } from '@sluice/contract';
import Database from 'libsql';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { order, reloads, tableOf } from './ordering.ts';

const TASK = 'stalled';

it('changes that cannot be applied are kept, and applied after the mend without a load', async () => {
  await using database = await sharedPostgres().createDatabase();
  await database.query(`CREATE TABLE a (id int PRIMARY KEY, d date); CREATE TABLE b (id int PRIMARY KEY);
    INSERT INTO a SELECT i, '2026-01-01' FROM generate_series(1, 100) i`);
  await using lake = await TestLake.start();
  await lake.createMirror(TASK, database.connection, { parameters: { infinite_dates: 'error' } });
  await lake.start(TASK);
  await lake.caughtUp(TASK);
  const loaded = (await tableOf(lake, TASK, 'a')).rowsLoaded;
  const stalled = {
    state: 'stalled',
    phase: 'blocklisted',
    error: { code: 'TABLE_VALUE', message: expect.stringContaining('infinity') },
  };

  await database.query("UPDATE a SET d = '2026-02-02' WHERE id = 1; INSERT INTO a VALUES (200, 'infinity')");
  await lake.until(async () => (await tableOf(lake, TASK, 'a')).state === 'stalled');
  await database.query('DELETE FROM a WHERE id > 90 AND id < 200; INSERT INTO b VALUES (1)');
  await lake.caughtUp(TASK);
  expect(await tableOf(lake, TASK, 'a')).toMatchObject(stalled);
  expect((await lake.status(TASK)).tables).toMatchObject({ total: 2, live: 1, blocklisted: 1 });
  expect((await lake.sql('SELECT count(*) FROM public.a')).rows).toEqual([[100]]);
  expect(await lake.differences(database.url, (table) => table === 'b')).toEqual([]);

  // Nothing is mended yet: it is tried, and keeps what it has.
  expect(await order(lake, TASK, 'start', ['a'])).toMatchObject([{ outcome: 'done' }]);
  await lake.until(async () => (await tableOf(lake, TASK, 'a')).state === 'stalled');
  await database.query('UPDATE a SET d = NULL WHERE id = 2');
  await lake.caughtUp(TASK);
  expect(await tableOf(lake, TASK, 'a')).toMatchObject(stalled);

  // The row itself is mended at the source, but the log still has it as it was: a person has to say what it becomes.
  const api = await lake.api();
  const { draft } = await api.get<Task>(`/tasks/${TASK}`);
  await api.call('PUT', `/tasks/${TASK}/draft`, {
    ...draft,
    parameters: { ...draft?.parameters, infinite_dates: 'null' },
  });
  expect(await api.post(`/tasks/${TASK}/publish`)).toMatchObject({ waits: ['parameters.infinite_dates'] });
  await lake.stop(TASK);
  await database.query("UPDATE a SET d = '2026-03-03' WHERE id = 200");
  await lake.start(TASK);
  await lake.until(async () => (await tableOf(lake, TASK, 'a')).state === 'live');
  await lake.caughtUp(TASK);
  expect(await tableOf(lake, TASK, 'a')).toMatchObject({ state: 'live', error: null, rowsLoaded: loaded });
  expect(await lake.differences(database.url)).toEqual([]);
}, 300_000);

it('changes of a pause are dropped when they are too many; to resume is to load', async () => {
  await using database = await sharedPostgres().createDatabase();
  await database.query('CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY)');
  await using lake = await TestLake.start();
  await lake.createMirror(TASK, database.connection, { parameters: { pause_retention_size: '1MB' } });
  await lake.start(TASK);
  await lake.caughtUp(TASK);
  expect(await order(lake, TASK, 'pause', ['a'])).toMatchObject([{ state: 'paused' }]);
  // Texts that no compression makes small.
  await database.query(
    "INSERT INTO a SELECT i, (SELECT string_agg(md5(random()::text || i || j), '') FROM generate_series(1, 30) j) FROM generate_series(1, 4000) i",
  );
  await lake.until(async () => {
    // A commit is made where something is to be committed.
    await database.query('INSERT INTO b SELECT coalesce(max(id), 0) + 1 FROM b');
    return (await tableOf(lake, TASK, 'a')).state === 'lapsed';
  });
  expect(await tableOf(lake, TASK, 'a')).toMatchObject({ phase: 'paused', error: { code: 'TABLE_LAPSED' } });
  expect((await lake.sql('SELECT count(*) FROM public.a')).rows).toEqual([[0]]);
  await database.query('DELETE FROM a WHERE id % 2 = 0');
  expect(await order(lake, TASK, 'recover', ['a'])).toMatchObject([{ outcome: 'done' }]);
  await lake.until(async () => (await tableOf(lake, TASK, 'a')).state === 'live');
  await lake.caughtUp(TASK);
  expect(await tableOf(lake, TASK, 'a')).toMatchObject({ error: null, rowsLoaded: 2000 });
  expect(await reloads(lake, TASK)).toEqual([
    'api public.a loaded anew: recover-table was ordered, and the changes of its pause are no longer kept',
  ]);
  expect(await lake.differences(database.url)).toEqual([]);
}, 300_000);

it('changes of a pause are dropped when they are too old; to resume is to load', async () => {
  await using database = await sharedPostgres().createDatabase();
  await database.query('CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)');
  await database.query('INSERT INTO a VALUES (1)');
  await using lake = await TestLake.start();
  await lake.createMirror(TASK, database.connection, { parameters: { pause_retention: '1h' } });
  await lake.start(TASK);
  await lake.caughtUp(TASK);
  for (const name of ['a', 'b'])
    expect(await order(lake, TASK, 'pause', [name])).toMatchObject([{ state: 'paused' }]);
  await database.query('INSERT INTO a VALUES (2); INSERT INTO b VALUES (2)');
  await lake.caughtUp(TASK);
  const metastore = new Database(join(lake.dataDir, 'metastore.db'));
  metastore.prepare("UPDATE lanes SET since = since - 3600001 WHERE source_table = 'a'").run();
  metastore.close();
  await lake.until(async () => {
    await lake.caughtUp(TASK);
    return (await tableOf(lake, TASK, 'a')).state === 'lapsed';
  });
  expect(await tableOf(lake, TASK, 'a')).toMatchObject({
    error: { code: 'TABLE_LAPSED', message: expect.stringContaining('longer than pause_retention') },
  });
  expect(await order(lake, TASK, 'recover', ['a', 'b'])).toMatchObject([
    { outcome: 'done' },
    { outcome: 'done' },
  ]);
  await lake.until(async () => (await lake.tables(TASK)).every(({ state }) => state === 'live'));
  await lake.caughtUp(TASK);
  expect(await lake.differences(database.url)).toEqual([]);
  expect(await reloads(lake, TASK)).toEqual([
    'api public.a loaded anew: recover-table was ordered, and the changes of its pause are no longer kept',
  ]);
}, 120_000);
