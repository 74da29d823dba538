import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { startPolling } from './poll-counts.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await TestLake.start();
});

afterAll(async () => {
  await lake?.[Symbol.asyncDispose]();
});

const rows = async (sql: string): Promise<unknown> => (await lake.sql(sql)).rows;
const head = async (database: TestDatabase): Promise<string> =>
  (await database.query('SELECT pg_current_wal_lsn()::text AS lsn')).rows[0].lsn as string;

async function publish(task: string, change: object): Promise<void> {
  const api = await lake.api();
  const { draft } = await api.get<{ draft: object }>(`/tasks/${task}`);
  await api.call('PUT', `/tasks/${task}/draft`, { ...draft, ...change });
  await api.post(`/tasks/${task}/publish`);
}

async function loaded(task: string): Promise<readonly string[]> {
  const run = await lake.newestRun(task);
  const { lines } = await (await lake.api()).get<{ lines: string[] }>(
    `/attempts/${run!.attempts.at(-1)!.id}/log?tail=10000`,
  );
  return lines
    .map((line) => JSON.parse(line) as { msg?: string; table?: string })
    .flatMap(({ msg, table }) => (msg === 'full load begins' && table !== undefined ? [table] : []))
    .sort();
}

it('incremental only: what was there before comes when it changes', async () => {
  await using database = await sharedPostgres().createDatabase('mode_two');
  await database.query(`CREATE TABLE mode2 (id int PRIMARY KEY, a text, big text);
    ALTER TABLE mode2 ALTER big SET STORAGE EXTERNAL;
    INSERT INTO mode2 SELECT i, 'old', repeat('x', 9000) || i FROM generate_series(1, 20) i`);
  await lake.createMirror('mode2', database.connection, { syncMode: 2 });
  await lake.start('mode2');
  await lake.caughtUp('mode2');
  expect(await rows('SELECT count(*) FROM public.mode2')).toEqual([[0]]);
  await database.query(
    `UPDATE mode2 SET a = 'new' WHERE id < 4; INSERT INTO mode2 VALUES (100, 'in', 'b'); DELETE FROM mode2 WHERE id IN (2, 10); UPDATE mode2 SET id = 200 WHERE id = 5`,
  );
  await lake.caughtUp('mode2');
  // A value that the log leaves out is asked from the source.
  expect(await rows('SELECT id, a, length(big) FROM public.mode2 ORDER BY id')).toEqual([
    [1, 'new', 9001],
    [3, 'new', 9001],
    [100, 'in', 1],
    [200, 'old', 9001],
  ]);
  await database.query(`CREATE TABLE mode2_later (id int PRIMARY KEY); INSERT INTO mode2_later VALUES (1)`);
  await lake.caughtUp('mode2');
  await database.query(
    `INSERT INTO mode2_later VALUES (2); TRUNCATE mode2; INSERT INTO mode2 VALUES (1, 'x', 'y')`,
  );
  await lake.caughtUp('mode2');
  expect(await rows('SELECT id FROM public.mode2')).toEqual([[1]]);
  expect(await rows('SELECT id FROM public.mode2_later WHERE id = 2')).toEqual([[2]]);
  await lake.stop('mode2');
});

it('tables are added and taken out by a new version and a restart', async () => {
  await using database = await sharedPostgres().createDatabase('versions');
  const table = (name: string) => ({ schema: 'public', table: name });
  for (const name of ['one', 'two', 'three', 'other'])
    await database.query(
      `CREATE TABLE ${name} (id int PRIMARY KEY, n int); INSERT INTO ${name} SELECT i, i FROM generate_series(1, 30) i`,
    );
  await lake.createMirror('versions', database.connection, { tables: [table('one'), table('two')] });
  await lake.start('versions');
  await lake.caughtUp('versions');
  const there = async (name: string) => (await lake.lake().columns('public', name)) !== null;
  expect([await there('one'), await there('two'), await there('three')]).toEqual([true, true, false]);
  await database.query('INSERT INTO two VALUES (100, 1); INSERT INTO three VALUES (100, 1)');
  await lake.caughtUp('versions');
  await lake.stop('versions');
  // Onto a task that runs: tests/orders/publishing.ts.
  await publish('versions', { tables: [table('one'), table('three')] });
  await database.query(
    'UPDATE one SET n = -n; INSERT INTO two VALUES (101, 1); DELETE FROM three WHERE id = 3',
  );
  await lake.start('versions');
  await lake.caughtUp('versions');
  await database.query(
    'INSERT INTO one VALUES (102, 1); INSERT INTO two VALUES (102, 1); INSERT INTO three VALUES (102, 1)',
  );
  await lake.caughtUp('versions');
  expect(await loaded('versions')).toEqual(['public.three']);
  expect((await lake.differences(database.url)).map((text) => text.split(':')[0])).toEqual([
    'public.other',
    'public.two',
  ]);
  // What was taken out stays as it was, and leaves the publication.
  expect(await rows('SELECT count(*) FROM public.two')).toEqual([[31]]);
  await lake.until(async () => {
    const published = await database.query('SELECT tablename FROM pg_publication_tables ORDER BY 1');
    return published.rows.map((row) => row.tablename).join() === 'one,three';
  });
  await lake.stop('versions');
  await publish('versions', { tables: [table('one'), table('two'), table('three')] });
  await lake.start('versions');
  await lake.caughtUp('versions');
  expect(await loaded('versions')).toEqual(['public.two']);
  expect((await lake.differences(database.url)).map((text) => text.split(':')[0])).toEqual(['public.other']);
  await lake.stop('versions');
});

it("a start from a position of one's choice", async () => {
  await using database = await sharedPostgres().createDatabase('positions');
  await database.query('CREATE TABLE placed (id int PRIMARY KEY, n int); INSERT INTO placed VALUES (1, 1)');
  await lake.createMirror('positions', database.connection);
  await lake.start('positions');
  await lake.caughtUp('positions');
  await database.query('INSERT INTO placed VALUES (2, 2)');
  await lake.caughtUp('positions');
  await lake.stop('positions');
  await database.query('INSERT INTO placed VALUES (3, 3)');
  const middle = await head(database);
  await database.query(
    'INSERT INTO placed VALUES (4, 4); UPDATE placed SET n = 33 WHERE id = 3; DELETE FROM placed WHERE id = 1',
  );
  // Before what the slot keeps, behind the end of the log, and what is none: refused before there is a run.
  const before = await lake.status('positions');
  for (const [position, code] of [
    ['0/1000000', 'POSITION_EXPIRED'],
    ['FFFF/0', 'POSITION_AHEAD'],
    ['binlog.000001:4', 'POSITION_INVALID'],
  ])
    await expect(lake.start('positions', { from: 'custom', position })).rejects.toMatchObject({ code });
  await expect(
    lake.start('positions', { from: 'custom', time: '2026-01-01T00:00:00Z' }),
  ).rejects.toMatchObject({ code: 'POSITION_INVALID' });
  expect(await lake.status('positions')).toEqual(before);
  await lake.start('positions', { from: 'custom', position: middle });
  await lake.caughtUp('positions');
  // Row 3 was inserted before the position and updated after it.
  expect(await rows('SELECT id, n FROM public.placed ORDER BY id')).toEqual([
    [2, 2],
    [3, 33],
    [4, 4],
  ]);
  await database.query(
    'UPDATE placed SET n = n + 1; DELETE FROM placed WHERE id = 4; INSERT INTO placed VALUES (4, 44)',
  );
  await lake.caughtUp('positions');
  expect(await lake.differences(database.url)).toEqual([]);
  await lake.stop('positions');
});

it('what happens to tables while nothing runs is found at the next start', async () => {
  await using database = await sharedPostgres().createDatabase('stopped');
  const make = (name: string) =>
    database.query(
      `CREATE TABLE ${name} (id int PRIMARY KEY, a text, n int); INSERT INTO ${name} SELECT i, 'a', i FROM generate_series(1, 30) i`,
    );
  for (const name of [
    'st_add',
    'st_default',
    'st_drop',
    'st_rename',
    'st_widen',
    'st_using',
    'st_type',
    'st_key',
    'st_gone',
    'st_again',
    'st_moved',
    'st_truncate',
    'st_vacuum',
    'st_many',
  ])
    await make(name);
  await lake.createMirror('stopped', database.connection);
  await lake.start('stopped');
  await lake.caughtUp('stopped');
  await lake.stop('stopped');
  for (const sql of [
    `UPDATE st_add SET a = 'b'`,
    'ALTER TABLE st_add ADD COLUMN c int',
    'UPDATE st_add SET c = 1 WHERE id < 5',
    'ALTER TABLE st_default ADD COLUMN c int DEFAULT 3',
    'DELETE FROM st_default WHERE id = 4',
    'DELETE FROM st_drop WHERE id = 4',
    'ALTER TABLE st_drop DROP COLUMN a',
    'ALTER TABLE st_rename RENAME a TO b',
    `UPDATE st_rename SET b = 'c' WHERE id = 9`,
    'ALTER TABLE st_widen ALTER n TYPE bigint',
    'UPDATE st_widen SET n = 9223372036854775807 WHERE id = 2',
    'UPDATE st_using SET n = 100',
    'ALTER TABLE st_using ALTER n TYPE int USING n + id',
    `UPDATE st_type SET a = '5' WHERE id < 9; ALTER TABLE st_type ALTER a TYPE int USING length(a)`,
    'INSERT INTO st_type VALUES (50, 1, 1)',
    'ALTER TABLE st_key DROP CONSTRAINT st_key_pkey, ADD PRIMARY KEY (n)',
    'UPDATE st_key SET id = 1 WHERE n = 7',
    'DELETE FROM st_key WHERE n = 8',
    'INSERT INTO st_gone VALUES (99)',
    'DROP TABLE st_gone',
    'INSERT INTO st_again VALUES (99)',
    'DROP TABLE st_again',
    'CREATE TABLE st_again (id text PRIMARY KEY)',
    `INSERT INTO st_again VALUES ('x')`,
    'INSERT INTO st_moved VALUES (99)',
    'ALTER TABLE st_moved RENAME TO st_tmp',
    'ALTER TABLE st_vacuum RENAME TO st_moved',
    'ALTER TABLE st_tmp RENAME TO st_vacuum',
    'VACUUM FULL st_vacuum',
    'INSERT INTO st_truncate VALUES (99)',
    'TRUNCATE st_truncate',
    'INSERT INTO st_truncate VALUES (98)',
    'UPDATE st_many SET n = 1',
    'ALTER TABLE st_many ADD c int DEFAULT 1',
    'UPDATE st_many SET c = 2 WHERE id = 1',
    'ALTER TABLE st_many DROP c',
    'UPDATE st_many SET n = 2 WHERE id = 3',
    'ALTER TABLE st_many ADD c text',
    `UPDATE st_many SET c = 'x' WHERE id = 5`,
    `CREATE TABLE st_new (id int PRIMARY KEY); INSERT INTO st_new VALUES (1)`,
  ])
    await database.query(sql);
  await lake.start('stopped');
  await lake.caughtUp('stopped');
  await lake
    .until(async () => (await lake.differences(database.url)).length === 0, 20)
    .catch(() => undefined);
  expect(await lake.differences(database.url)).toEqual([]);
  expect(await rows('SELECT count(*) FROM public.st_gone')).toEqual([[30]]);
  expect((await lake.newestRun('stopped'))?.attempts).toHaveLength(1);
  await database.query(
    'UPDATE st_many SET n = 77; UPDATE st_using SET n = 5 WHERE id = 2; DELETE FROM st_key WHERE n = 20',
  );
  await lake.caughtUp('stopped');
  expect(await lake.differences(database.url)).toEqual([]);
  await lake.stop('stopped');
});

it('a stateless start over tables that are there: readers see the old rows until the new ones are complete', async () => {
  await using database = await sharedPostgres().createDatabase('anew');
  await database.query(`CREATE TABLE anew (id int PRIMARY KEY, n int, pad text); INSERT INTO anew SELECT i, 0, repeat('x', 100) FROM generate_series(1, 60000) i;
    CREATE TABLE anew_schema (id int PRIMARY KEY, a text); INSERT INTO anew_schema SELECT i, 'a' FROM generate_series(1, 50) i`);
  await lake.createMirror('anew', database.connection, { parameters: { chunk_size: '1MB' } });
  await lake.start('anew');
  await lake.caughtUp('anew');
  await lake.stop('anew');
  await database.query(`INSERT INTO anew SELECT i, 1, 'new' FROM generate_series(60001, 70000) i; UPDATE anew SET n = 1;
    ALTER TABLE anew_schema ALTER id TYPE text, DROP COLUMN a, ADD COLUMN a int; INSERT INTO anew_schema SELECT i::text, i FROM generate_series(100, 200) i`);
  const counts = startPolling(lake, ['anew', 'anew_schema']);
  const mixed: unknown[] = [];
  let stop = false;
  const states = (async () => {
    while (!stop) {
      const found = JSON.stringify(await rows('SELECT n, count(*) FROM public.anew GROUP BY n ORDER BY n'));
      if (!mixed.includes(found)) mixed.push(found);
    }
  })();
  await lake.start('anew', { from: 'stateless' });
  await lake.caughtUp('anew', 120);
  await lake.until(async () => mixed.length > 1);
  stop = true;
  await states;
  expect(await counts.stop()).toEqual([]);
  expect(mixed).toEqual([JSON.stringify([[0, 60000]]), JSON.stringify([[1, 70000]])]);
  expect(await lake.differences(database.url)).toEqual([]);
  await database.query('DELETE FROM anew WHERE id % 2 = 0');
  await lake.caughtUp('anew');
  expect(await lake.differences(database.url)).toEqual([]);
  await lake.stop('anew');
}, 180_000);
