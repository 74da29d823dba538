import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { blocklisted, expectEqual, logs, run, slotName, table } from './source-support.ts';

const MINUTES = 300_000;

/** A table that others flow beside. */
async function fill(database: TestDatabase): Promise<void> {
  await database.query(`CREATE TABLE other (id int PRIMARY KEY, v text);
    INSERT INTO other SELECT i, 'o' || i FROM generate_series(1, 300) i;
    CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 500) i`);
}

async function mirrored(database: TestDatabase): Promise<TestLake> {
  await fill(database);
  const lake = await TestLake.start();
  await lake.createMirror('m', database.connection);
  await lake.start('m');
  await expectEqual(lake, 'm', database);
  return lake;
}

/** The table that others flow beside was not touched by whatever happened: it was never loaded again. */
async function undisturbed(lake: TestLake): Promise<void> {
  expect(await table(lake, 'm', 'other')).toMatchObject({ state: 'live', error: null, rowsLoaded: 300 });
  expect(await run(lake, 'm')).toMatchObject({ state: 'running', failovers: 0, error: null });
  const begun = (await logs(lake, 'm')).flat().filter((entry) => entry.msg === 'full load begins');
  expect(begun.filter((entry) => String(entry.table).includes('other')).length).toBeLessThanOrEqual(1);
}

/** The application's own statement works from some moment on, which comes soon. */
async function soonWorks(lake: TestLake, database: TestDatabase, sql: string): Promise<void> {
  await lake.until(
    () =>
      database.query(sql).then(
        (result) => result.rowCount! > 0,
        (error: unknown) => {
          expect((error as { code: string }).code).toBe('55000');
          return false;
        },
      ),
    10,
  );
}

async function published(database: TestDatabase): Promise<readonly string[]> {
  const { rows } = await database.query(
    'SELECT tablename::text AS name FROM pg_publication_tables ORDER BY 1',
  );
  return rows.map((row) => row.name);
}

describe('a table that is dropped and made again under its name', () => {
  it.each([
    ['with the same columns', 'id int PRIMARY KEY, note text', "i, 'again'"],
    [
      'with other columns',
      'code text PRIMARY KEY, amount numeric(12, 3), id date',
      "'c' || i, i / 8.0, date '2024-01-01' + i",
    ],
  ])(
    'while the task runs, %s',
    async (_, columns, values) => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await mirrored(database);
      await database.query(`UPDATE t SET note = 'last words' WHERE id < 50; DROP TABLE t; CREATE TABLE t (${columns});
      INSERT INTO t SELECT ${values} FROM generate_series(1, 40) i; UPDATE other SET v = 'x' WHERE id < 10`);
      await expectEqual(lake, 'm', database);
      await database.query(`INSERT INTO t SELECT ${values} FROM generate_series(41, 60) i; DELETE FROM t WHERE ctid IN (SELECT ctid FROM t LIMIT 5);
      UPDATE other SET v = 'y' WHERE id > 290`);
      await expectEqual(lake, 'm', database);
      expect(await table(lake, 'm', 't')).toMatchObject({ state: 'live', error: null });
      expect(await lake.tables('m')).toHaveLength(2);
      await undisturbed(lake);
    },
    MINUTES,
  );

  it(
    'while the task runs, some time after it was dropped',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await mirrored(database);
      await database.query("UPDATE t SET note = 'last words' WHERE id < 50; DROP TABLE t");
      await lake.until(async () => (await table(lake, 'm', 't'))?.state === 'dropped');
      expect((await table(lake, 'm', 't'))?.error).toMatchObject({ code: 'TABLE_DROPPED' });
      // What it held stays.
      expect((await lake.sql('SELECT count(*) FROM public.t')).rows).toEqual([[500]]);
      await database.query(
        "CREATE TABLE t (id bigint PRIMARY KEY, note text, more int); INSERT INTO t VALUES (1, 'a', 2)",
      );
      await expectEqual(lake, 'm', database);
      await database.query('UPDATE t SET more = 3');
      await expectEqual(lake, 'm', database);
      expect(await table(lake, 'm', 't')).toMatchObject({ state: 'live', error: null });
      await undisturbed(lake);
    },
    MINUTES,
  );

  it.each([
    ['with the same columns', 'id int PRIMARY KEY, note text', "i, 'again'"],
    ['with other columns', 'note int PRIMARY KEY, other text', "i, 'other'"],
  ])(
    'while the task is stopped, %s',
    async (_, columns, values) => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await mirrored(database);
      await lake.stop('m');
      await database.query(`UPDATE t SET note = 'last words' WHERE id < 50; INSERT INTO other VALUES (1000, 'x'); DROP TABLE t;
      CREATE TABLE t (${columns}); INSERT INTO t SELECT ${values} FROM generate_series(1, 40) i; UPDATE other SET v = 'y' WHERE id < 10`);
      await lake.start('m');
      await expectEqual(lake, 'm', database);
      await database.query(`INSERT INTO t SELECT ${values} FROM generate_series(41, 60) i`);
      await expectEqual(lake, 'm', database);
      await undisturbed(lake);
    },
    MINUTES,
  );

  it(
    'in the middle of its load, again and again',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await mirrored(database);
      for (let round = 0; round < 8; round++)
        await database.query(`DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, c${round} text);
        INSERT INTO t SELECT i, repeat('r${round}', 100) FROM generate_series(1, 3000) i; UPDATE other SET v = 'r${round}' WHERE id = ${round}`);
      await expectEqual(lake, 'm', database);
      await database.query('DELETE FROM t WHERE id % 3 = 0');
      await expectEqual(lake, 'm', database);
      await undisturbed(lake);
    },
    MINUTES,
  );
});

describe('a table without a key', () => {
  it(
    'that loses it while it is mirrored does not break the application, and comes back with it',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await mirrored(database);
      await database.query(
        "UPDATE t SET note = 'with key' WHERE id < 50; ALTER TABLE t DROP CONSTRAINT t_pkey",
      );
      await soonWorks(lake, database, "UPDATE t SET note = 'without key' WHERE id > 450");
      expect(await blocklisted(lake, 'm', 't')).toMatchObject({
        code: expect.stringMatching(/^TABLE_NO_(KEY|IDENTITY)$/),
        remedy: expect.stringContaining('REPLICA IDENTITY'),
      });
      expect(await published(database)).toEqual(['other']);
      await database.query("DELETE FROM t WHERE id < 5; UPDATE other SET v = 'flows' WHERE id < 10");
      await lake.caughtUp('m');
      expect((await lake.sql("SELECT count(*) FROM public.other WHERE v = 'flows'")).rows).toEqual([[9]]);
      await undisturbed(lake);
      await database.query('ALTER TABLE t ADD PRIMARY KEY (id)');
      await lake.stop('m');
      await lake.start('m');
      await lake.until(async () => (await table(lake, 'm', 't'))?.state === 'live');
      await expectEqual(lake, 'm', database);
      await database.query("UPDATE t SET note = 'back' WHERE id % 2 = 0");
      await expectEqual(lake, 'm', database);
    },
    MINUTES,
  );

  it(
    'that is new is never published, so the application can update it',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await mirrored(database);
      await database.query(
        'CREATE TABLE bag (a int, b text); INSERT INTO bag SELECT i, $q$b$q$ FROM generate_series(1, 50) i',
      );
      expect(await blocklisted(lake, 'm', 'bag')).toMatchObject({
        code: 'TABLE_NO_KEY',
        message: expect.stringContaining('"public"."bag"'),
        remedy: expect.stringContaining('ALTER TABLE "public"."bag" REPLICA IDENTITY FULL;'),
      });
      await database.query(
        "UPDATE bag SET b = 'c' WHERE a < 10; DELETE FROM bag WHERE a > 40; UPDATE other SET v = 'flows'",
      );
      await lake.caughtUp('m');
      expect(await published(database)).toEqual(['other', 't']);
      expect((await lake.status('m')).tables).toEqual({ total: 3, live: 2, blocklisted: 1 });
      expect((await lake.sql("SELECT count(*) FROM public.other WHERE v = 'flows'")).rows).toEqual([[300]]);
      await database.query('ALTER TABLE bag REPLICA IDENTITY FULL');
      await lake.stop('m');
      await lake.start('m');
      await lake.until(async () => (await table(lake, 'm', 'bag'))?.state === 'live');
      await expectEqual(lake, 'm', database);
      await database.query("UPDATE bag SET b = 'd' WHERE a < 20; DELETE FROM bag WHERE a > 35");
      await expectEqual(lake, 'm', database);
    },
    MINUTES,
  );
});

it(
  'mirrors an empty database, and the tables that come',
  async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection);
    await lake.start('m');
    await lake.caughtUp('m');
    expect(await lake.status('m')).toMatchObject({ state: 'running', tables: { total: 0 }, error: null });
    await lake.stop('m');
    await lake.start('m');
    await fill(database);
    await expectEqual(lake, 'm', database);
    await database.query('DROP TABLE t, other');
    await lake.until(async () => (await lake.tables('m')).every((one) => one.state === 'dropped'));
    await lake.caughtUp('m');
    await database.query('CREATE TABLE last (id int PRIMARY KEY); INSERT INTO last VALUES (1)');
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);

it(
  'takes a new table in while it and others are written to, and loses nothing of it',
  async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await mirrored(database);
    const writer = await database.client();
    let stop = false;
    const writing = (async () => {
      for (let i = 0; !stop; i++) {
        if (i % 20 === 0 && i < 100)
          await writer.query(`CREATE TABLE new_${i / 20} (id int PRIMARY KEY, v text)`);
        for (let each = 0; each <= Math.min(4, Math.floor(i / 20)); each++)
          await writer.query(
            `INSERT INTO new_${each} VALUES (${i}, 'i'); UPDATE new_${each} SET v = 'u${i}' WHERE id % 7 = ${i % 7}; DELETE FROM new_${each} WHERE id = ${i - 5} AND id % 3 = 0`,
          );
        await writer.query(`UPDATE other SET v = '${i}' WHERE id % 100 = ${i % 100}`);
      }
      return true;
    })();
    await lake.until(async () => (await lake.status('m')).tables.live === 7, 90);
    stop = true;
    await writing;
    await expectEqual(lake, 'm', database);
    await undisturbed(lake);
  },
  MINUTES,
);

it(
  'loses nothing of transactions that were open while the table came in, and while it was loaded',
  async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await mirrored(database);
    const early = await database.client();
    const late = await database.client();
    await database.query(
      "CREATE TABLE fresh (id int PRIMARY KEY, v text); INSERT INTO fresh VALUES (1, 'committed'), (2, 'committed')",
    );
    // Open and written to before the table is published.
    await early.query(
      "BEGIN; INSERT INTO fresh VALUES (10, 'early'); UPDATE fresh SET v = 'early' WHERE id = 1",
    );
    await lake.until(async () => (await table(lake, 'm', 'fresh')) !== undefined);
    await lake.until(async () => (await published(database)).includes('fresh'));
    // Open after that, while the load waits or works.
    await late.query("BEGIN; INSERT INTO fresh VALUES (20, 'late'); DELETE FROM fresh WHERE id = 2");
    // Others flow meanwhile.
    await database.query("UPDATE other SET v = 'flows' WHERE id <= 30");
    await lake.until(
      async () => (await lake.sql("SELECT 1 FROM public.other WHERE v = 'flows'")).rows.length === 30,
    );
    await early.query("INSERT INTO fresh VALUES (11, 'early'); COMMIT");
    await lake.until(async () => (await table(lake, 'm', 'fresh'))?.rowsLoaded !== 0);
    await late.query("INSERT INTO fresh VALUES (21, 'late'); COMMIT");
    await expectEqual(lake, 'm', database);
    await undisturbed(lake);
    expect(await slotName(database)).toMatch(/^sluice_/);
  },
  MINUTES,
);

it(
  'loses nothing of a transaction that was open while the table came in and the runner died',
  async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await mirrored(database);
    const early = await database.client();
    await database.query(
      "CREATE TABLE fresh (id int PRIMARY KEY, v text); INSERT INTO fresh VALUES (1, 'committed')",
    );
    await early.query(
      "BEGIN; INSERT INTO fresh VALUES (10, 'early'); UPDATE fresh SET v = 'early' WHERE id = 1",
    );
    await lake.until(async () => (await published(database)).includes('fresh'));
    expect(await lake.killRunner('m')).toBe(true);
    // The next one finds the table published.
    await lake.until(async () => (await run(lake, 'm')).attempts.length === 2);
    await lake.until(async () => {
      const [, second] = await logs(lake, 'm');
      return second?.some((entry) => /waits for transactions|full load begins/.test(String(entry.msg)));
    });
    await early.query("INSERT INTO fresh VALUES (11, 'early'); COMMIT");
    await expectEqual(lake, 'm', database);
    expect(await table(lake, 'm', 'fresh')).toMatchObject({ state: 'live', rowsLoaded: 3 });
  },
  MINUTES,
);
