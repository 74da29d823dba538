import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { startPolling } from './poll-counts.ts';

const TASK = 'tables';

let database: TestDatabase;
let lake: TestLake;

beforeAll(async () => {
  database = await sharedPostgres().createDatabase();
  lake = await TestLake.start();
  await database.query(
    `CREATE TABLE steady (id int PRIMARY KEY, n int); INSERT INTO steady SELECT i, i FROM generate_series(1, 100) i`,
  );
  await lake.createMirror(TASK, database.connection);
  await lake.start(TASK);
  await lake.caughtUp(TASK);
});

afterAll(async () => {
  await lake?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const run = async (...statements: readonly string[]): Promise<void> => {
  for (const sql of statements) await database.query(sql);
};

/** Now and then the source's catalog is looked at; until then a lake may not know of what no row follows. */
async function settled(...gone: readonly string[]): Promise<void> {
  await database.query('UPDATE steady SET n = n + 1');
  await lake.caughtUp(TASK);
  let left: readonly string[] = [];
  await lake
    .until(async () => {
      left = (await lake.differences(database.url)).filter(
        (text) => !gone.some((name) => text.startsWith(`public.${name}:`)),
      );
      return left.length === 0;
    }, 20)
    .catch(() => undefined);
  expect(left).toEqual([]);
  // None of the others was held up, and the run goes on in its first attempt.
  expect((await lake.newestRun(TASK))?.attempts).toHaveLength(1);
}

async function exactly(): Promise<void> {
  await database.query('UPDATE steady SET n = n + 1');
  await lake.caughtUp(TASK);
  expect(await lake.differences(database.url)).toEqual([]);
}

async function state(table: string): Promise<{ state: string; code: string | null; target: string } | null> {
  const row = (await lake.tables(TASK)).find((one) => one.source.table === table);
  return row === undefined
    ? null
    : { state: row.state, code: row.error?.code ?? null, target: row.target.table };
}

it('TRUNCATE of several tables, with CASCADE and RESTART IDENTITY', async () => {
  await run(
    `CREATE TABLE tr_parent (id serial PRIMARY KEY, n int)`,
    `CREATE TABLE tr_child (id serial PRIMARY KEY, parent int REFERENCES tr_parent)`,
    `CREATE TABLE tr_other (id int PRIMARY KEY)`,
    `INSERT INTO tr_parent (n) SELECT generate_series(1, 50)`,
    `INSERT INTO tr_child (parent) SELECT generate_series(1, 50)`,
    `INSERT INTO tr_other SELECT generate_series(1, 50)`,
  );
  await exactly();
  await run(
    'INSERT INTO tr_other VALUES (100)',
    'TRUNCATE tr_parent, tr_other RESTART IDENTITY CASCADE',
    'INSERT INTO tr_parent (n) VALUES (7), (8)',
    'INSERT INTO tr_child (parent) VALUES (1)',
  );
  await exactly();
  await run('BEGIN; TRUNCATE tr_other; INSERT INTO tr_other VALUES (1); ROLLBACK', 'TRUNCATE tr_child');
  await exactly();
});

it('a renamed table goes on under its target; whoever takes its name is loaded there', async () => {
  await run(
    `CREATE TABLE ren (id int PRIMARY KEY, a text); INSERT INTO ren SELECT i, 'r' FROM generate_series(1, 20) i`,
  );
  await exactly();
  await run(
    `INSERT INTO ren VALUES (100, 'before')`,
    'ALTER TABLE ren RENAME TO ren_new',
    `INSERT INTO ren_new VALUES (101, 'after')`,
  );
  await settled('ren_new');
  // Its new name is seen at the next look at the catalog.
  await lake.until(async () => (await state('ren_new')) !== null);
  expect(await state('ren_new')).toEqual({ state: 'live', code: null, target: 'ren' });
  expect((await lake.sql('SELECT count(*) FROM public.ren')).rows).toEqual([[22]]);
  await run(
    `CREATE TABLE ren (id int PRIMARY KEY, b int); INSERT INTO ren SELECT i, i FROM generate_series(1, 5) i`,
  );
  await lake.until(async () => (await state('ren_new'))?.target === 'ren_new');
  await exactly();
});

it('two tables swap their names, as online schema changes do', async () => {
  await run(
    `CREATE TABLE swap_a (id int PRIMARY KEY, a text); INSERT INTO swap_a SELECT i, 'a' FROM generate_series(1, 20) i`,
    `CREATE TABLE swap_b (id int PRIMARY KEY, a text, more int); INSERT INTO swap_b SELECT i, 'b' FROM generate_series(1, 30) i`,
  );
  await exactly();
  const polling = startPolling(lake, ['swap_a', 'swap_b']);
  await run(
    'BEGIN; ALTER TABLE swap_a RENAME TO swap_tmp; ALTER TABLE swap_b RENAME TO swap_a; ALTER TABLE swap_tmp RENAME TO swap_b; COMMIT',
    `INSERT INTO swap_a SELECT i, 'after' FROM generate_series(101, 120) i`,
    `INSERT INTO swap_b SELECT i, 'after' FROM generate_series(201, 240) i`,
  );
  await settled();
  const seen = await polling.stop();
  // swap_b had 30 rows and has 60, swap_a had 20 and has 50: a reader sees either, never less.
  expect(seen).toEqual([]);
  await run(
    'ALTER TABLE swap_a RENAME TO swap_old; ALTER TABLE swap_b RENAME TO swap_a',
    'UPDATE swap_old SET more = 1',
    'DELETE FROM swap_a WHERE id < 10',
  );
  await settled();
  expect(await state('swap_old')).toEqual({ state: 'live', code: null, target: 'swap_old' });
});

it('a dropped table stays as it was; one made again under its name is loaded beside the old rows', async () => {
  await run(
    `CREATE TABLE again (id int PRIMARY KEY, a text); INSERT INTO again SELECT i, 'x' FROM generate_series(1, 20) i`,
  );
  await exactly();
  await run('DROP TABLE again');
  await lake.until(async () => (await state('again'))?.state === 'dropped');
  expect((await lake.sql('SELECT count(*) FROM public.again')).rows).toEqual([[20]]);
  await run(
    `CREATE TABLE again (id bigint PRIMARY KEY, b text, a int); INSERT INTO again SELECT i, 'y' FROM generate_series(1, 30) i`,
  );
  await exactly();
  await run(
    `UPDATE again SET b = 'z' WHERE id < 9`,
    'DROP TABLE again',
    `CREATE TABLE again (id int PRIMARY KEY, q int); INSERT INTO again SELECT i, i FROM generate_series(1, 40) i`,
    'UPDATE again SET q = -q WHERE id % 2 = 0',
  );
  await exactly();
});

it('new tables join, with rows before and after, of strange names too', async () => {
  await run(
    'CREATE SCHEMA "Ünï ""code"""',
    `CREATE TABLE "Ünï ""code"""."Täble; DROP--" ("ID" int PRIMARY KEY, "ä 'q'" text); INSERT INTO "Ünï ""code"""."Täble; DROP--" VALUES (1, 'x')`,
    `CREATE TABLE joins (id int PRIMARY KEY); INSERT INTO joins VALUES (1)`,
    'INSERT INTO joins VALUES (2)',
    `CREATE TABLE no_columns_but_key (id int PRIMARY KEY)`,
    `UPDATE "Ünï ""code"""."Täble; DROP--" SET "ä 'q'" = 'y'`,
  );
  await exactly();
});

it('a table without key is stopped, and joins when it has one; so with its replica identity', async () => {
  await run(
    `CREATE TABLE keyless (id int NOT NULL, a text); INSERT INTO keyless SELECT i, 'x' FROM generate_series(1, 20) i`,
    `CREATE TABLE identity (id int PRIMARY KEY, a text); INSERT INTO identity SELECT i, 'x' FROM generate_series(1, 20) i`,
  );
  await settled('keyless');
  expect(await state('keyless')).toMatchObject({ state: 'blocked', code: 'TABLE_NO_KEY' });
  await run(
    'ALTER TABLE keyless ADD PRIMARY KEY (id)',
    `INSERT INTO keyless VALUES (21, 'y')`,
    'ALTER TABLE identity REPLICA IDENTITY NOTHING',
    `INSERT INTO identity VALUES (21, 'y')`,
  );
  await lake.until(async () => (await state('identity'))?.code === 'TABLE_NO_IDENTITY');
  await settled('identity');
  expect(await state('keyless')).toMatchObject({ state: 'live', code: null });
  // It is out of the publication by now, so that its own updates work again.
  await lake.until(async () => {
    const { rows } = await database.query(`SELECT FROM pg_publication_tables WHERE tablename = 'identity'`);
    return rows.length === 0;
  });
  await run(
    'UPDATE identity SET a = id WHERE id < 9',
    'ALTER TABLE identity REPLICA IDENTITY FULL',
    'DELETE FROM identity WHERE id = 3',
  );
  await settled();
  expect(await state('identity')).toMatchObject({ state: 'live', code: null });
});

it('unlogged tables are left out until they are logged', async () => {
  await run(`CREATE UNLOGGED TABLE unl (id int PRIMARY KEY); INSERT INTO unl SELECT generate_series(1, 20)`);
  await settled();
  expect(await state('unl')).toBeNull();
  await run('ALTER TABLE unl SET LOGGED', 'INSERT INTO unl VALUES (100)');
  await exactly();
  // PostgreSQL itself refuses to unlog a table that is published.
  await expect(database.query('ALTER TABLE unl SET UNLOGGED')).rejects.toThrow(/publication/);
});

it('inheritance: parent and children are tables of their own', async () => {
  await run(
    `CREATE TABLE inh (id int PRIMARY KEY, a text); CREATE TABLE inh_child (more int, PRIMARY KEY (id)) INHERITS (inh)`,
    `INSERT INTO inh VALUES (1, 'p'); INSERT INTO inh_child VALUES (2, 'c', 3)`,
  );
  await lake.caughtUp(TASK);
  // The comparison asks the parent for all rows; the mirror has each row once, where it is.
  const count = async (table: string) => (await lake.sql(`SELECT count(*) FROM public.${table}`)).rows[0]![0];
  expect([await count('inh'), await count('inh_child')]).toEqual([1, 1]);
  await run(
    `UPDATE inh SET a = 'both'`,
    `INSERT INTO inh_child VALUES (5, 'c', 3)`,
    'ALTER TABLE inh ADD COLUMN extra int',
    'UPDATE inh SET extra = 4',
    'DELETE FROM inh WHERE id = 2',
  );
  await lake.caughtUp(TASK);
  expect((await lake.sql('SELECT id, a, extra FROM public.inh ORDER BY id')).rows).toEqual([[1, 'both', 4]]);
  expect((await lake.sql('SELECT id, a, more, extra FROM public.inh_child ORDER BY id')).rows).toEqual([
    [5, 'c', 3, 4],
  ]);
  await run('DROP TABLE inh CASCADE');
  await lake.until(async () => (await state('inh'))?.state === 'dropped');
});
