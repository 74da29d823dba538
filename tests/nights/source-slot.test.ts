import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, startPostgres, type TestDatabase } from '../support/postgres.ts';
import { backingOff, expectEqual, failure, logs, readSlot, run, slotName, table } from './source-support.ts';

const MINUTES = 300_000;

async function fill(database: TestDatabase): Promise<void> {
  await database.query(`CREATE TABLE t (id int PRIMARY KEY, note text);
    INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 500) i`);
}

/** A mirror that has caught up. */
async function mirrored(database: TestDatabase): Promise<TestLake> {
  await fill(database);
  const lake = await TestLake.start();
  await lake.createMirror('m', database.connection);
  await lake.start('m');
  await expectEqual(lake, 'm', database);
  return lake;
}

/** A mirror that is stopped, and a source that has changed since. */
async function stopped(database: TestDatabase): Promise<TestLake> {
  const lake = await mirrored(database);
  await lake.stop('m');
  await change(database);
  return lake;
}

async function change(database: TestDatabase): Promise<void> {
  await database.query(`UPDATE t SET note = note || '!' WHERE id % 5 = 0; DELETE FROM t WHERE id % 7 = 0;
    INSERT INTO t SELECT 1 + max(id), 'new' FROM t`);
}

/** The resume is refused once, and the stateless start that the remedy speaks of makes the lake equal. */
async function refusedUntilStateless(lake: TestLake, database: TestDatabase, code: string): Promise<void> {
  const before = await lake.sql('SELECT count(*), sum(id) FROM public.t');
  await lake.start('m');
  expect(await failure(lake, 'm')).toMatchObject({ code, remedy: expect.stringContaining('stateless') });
  expect((await run(lake, 'm')).attempts).toHaveLength(1);
  expect((await lake.sql('SELECT count(*), sum(id) FROM public.t')).rows).toEqual(before.rows);
  await lake.start('m', { from: 'stateless' });
  await expectEqual(lake, 'm', database);
  await change(database);
  await expectEqual(lake, 'm', database);
}

describe('a slot that is read', () => {
  it(
    'by another program is left alone, and the task goes on when that has gone',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await stopped(database);
      const slot = await slotName(database);
      {
        await using _reader = await readSlot(database, slot, 'somebody else');
        await lake.start('m');
        expect(await backingOff(lake, 'm')).toMatchObject({
          code: 'PG_SLOT_IN_USE',
          message: expect.stringContaining('somebody else'),
          remedy: expect.stringContaining('pg_terminate_backend'),
        });
        const { rows } = await database.query(
          `SELECT application_name AS name FROM pg_replication_slots JOIN pg_stat_activity ON pid = active_pid
          WHERE slot_name = $1`,
          [slot],
        );
        expect(rows).toEqual([{ name: 'somebody else' }]);
      }
      await expectEqual(lake, 'm', database);
      expect((await table(lake, 'm', 't'))?.rowsLoaded).toBe(500);
    },
    MINUTES,
  );

  it(
    'by a dead runner of this task is freed',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await stopped(database);
      const slot = await slotName(database);
      await using _reader = await readSlot(database, slot, slot.replace('_', ' '));
      await lake.start('m');
      await expectEqual(lake, 'm', database);
      expect((await run(lake, 'm')).attempts).toHaveLength(1);
      expect((await table(lake, 'm', 't'))?.rowsLoaded).toBe(500);
    },
    MINUTES,
  );
});

describe('while the task is stopped', () => {
  it(
    'the slot is dropped',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await stopped(database);
      await database.query('SELECT pg_drop_replication_slot($1)', [await slotName(database)]);
      await refusedUntilStateless(lake, database, 'PG_SLOT_MISSING');
    },
    MINUTES,
  );

  it(
    'the slot is moved on',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await stopped(database);
      await database.query('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [
        await slotName(database),
      ]);
      await refusedUntilStateless(lake, database, 'PG_SLOT_AHEAD');
    },
    MINUTES,
  );

  it(
    'the slot is replaced by one of the same name',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await stopped(database);
      const slot = await slotName(database);
      await database.query('SELECT pg_drop_replication_slot($1)', [slot]);
      await database.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
      await refusedUntilStateless(lake, database, 'PG_SLOT_AHEAD');
    },
    MINUTES,
  );

  it(
    'the publication is dropped',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await using lake = await stopped(database);
      await database.query(`DROP PUBLICATION ${await slotName(database)}`);
      await change(database);
      await refusedUntilStateless(lake, database, 'PG_PUBLICATION_MISSING');
    },
    MINUTES,
  );

  it(
    'the server removes the log that the slot needed',
    async () => {
      await using server = await startPostgres({
        settings: { max_slot_wal_keep_size: '16MB', max_wal_size: '32MB', min_wal_size: '32MB' },
      });
      await using database = await server.createDatabase();
      await using lake = await stopped(database);
      for (let i = 0; i < 5; i++) {
        await database.query("SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000))");
        await database.query('SELECT pg_switch_wal()');
      }
      await database.query('CHECKPOINT');
      await refusedUntilStateless(lake, database, 'PG_SLOT_INVALIDATED');
    },
    MINUTES,
  );
});

it.each([18, 15] as const)(
  'says that the publication was dropped while it runs (PostgreSQL %i)',
  async (version) => {
    await using server = await startPostgres({ version });
    await using database = await server.createDatabase();
    await using lake = await mirrored(database);
    await database.query(`DROP PUBLICATION ${await slotName(database)}`);
    await change(database);
    expect(await failure(lake, 'm')).toMatchObject({ code: 'PG_PUBLICATION_MISSING' });
    await change(database);
    await refusedUntilStateless(lake, database, 'PG_PUBLICATION_MISSING');
  },
  MINUTES,
);

it(
  'notices a publication that somebody altered, and loads anew what the log lacks',
  async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await mirrored(database);
    const publication = await slotName(database);
    const loads = async () =>
      (await logs(lake, 'm')).flat().filter((entry) => entry.msg === 'full load begins').length;
    expect(await loads()).toBe(1);

    // While it runs; what changed meanwhile is in no log.
    await database.query(`ALTER PUBLICATION ${publication} DROP TABLE t`);
    await change(database);
    await lake.until(async () => (await loads()) === 2);
    await expectEqual(lake, 'm', database);

    // With a filter; it goes with the table, which comes in again without it.
    await database.query(`ALTER PUBLICATION ${publication} SET TABLE t WHERE (id > 100000)`);
    await change(database);
    await lake.until(async () => (await loads()) === 3);
    await expectEqual(lake, 'm', database);
    await change(database);
    await expectEqual(lake, 'm', database);
    expect(await loads()).toBe(3);

    // While it is stopped.
    await lake.stop('m');
    await database.query(`ALTER PUBLICATION ${publication} DROP TABLE t`);
    await change(database);
    await lake.start('m');
    await lake.until(async () => (await loads()) === 1);
    await expectEqual(lake, 'm', database);
    await change(database);
    await expectEqual(lake, 'm', database);
    expect(await loads()).toBe(1);

    await database.query(`ALTER PUBLICATION ${publication} SET (publish = 'insert')`);
    await change(database);
    expect(await failure(lake, 'm')).toMatchObject({
      code: 'PG_PUBLICATION_MISSING',
      message: expect.stringContaining('was altered'),
    });
    await refusedUntilStateless(lake, database, 'PG_PUBLICATION_MISSING');
  },
  MINUTES,
);

it(
  'says that no slot is free, and runs once one is',
  async () => {
    await using server = await startPostgres({ settings: { max_replication_slots: 2 } });
    await using database = await server.createDatabase();
    await fill(database);
    await database.query(
      "SELECT pg_create_physical_replication_slot('one'), pg_create_physical_replication_slot('two')",
    );
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection);
    await lake.start('m');
    expect(await failure(lake, 'm')).toMatchObject({
      code: 'PG_NO_SLOT_FREE',
      remedy: expect.stringContaining('max_replication_slots'),
    });
    expect((await run(lake, 'm')).attempts).toHaveLength(1);
    await database.query("SELECT pg_drop_replication_slot('two')");
    await lake.start('m');
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);

it(
  'says who holds up the start, and can be stopped meanwhile',
  async () => {
    // A transaction of any database of the server holds up a new slot, so the server is the test's own.
    await using server = await startPostgres();
    await using database = await server.createDatabase();
    await using other = await server.createDatabase();
    await fill(database);
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection);
    const writer = await database.client();
    const stranger = await other.client();
    await stranger.query("SET application_name = 'went for lunch'");
    const notice = (pattern: RegExp) =>
      lake.until(async () => (await logs(lake, 'm')).flat().find((entry) => pattern.test(String(entry.msg))));
    const stopAtOnce = async (): Promise<void> => {
      const begun = Date.now();
      await lake.stop('m');
      expect(await run(lake, 'm')).toMatchObject({
        state: 'stopped',
        attempts: [{ state: 'stopped', error: null }],
      });
      expect(Date.now() - begun).toBeLessThan(15_000);
      // Nothing of it goes on at the source.
      await lake.until(async () => {
        const { rows } = await database.query(
          "SELECT FROM pg_stat_activity WHERE application_name LIKE 'sluice%' AND state = 'active' UNION ALL SELECT FROM pg_replication_slots",
        );
        return rows.length === 0;
      });
    };

    await writer.query("SET application_name = 'builds an index'");
    await writer.query('BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE');
    await lake.start('m');
    await notice(/publishing "public"\."t" waits for a lock of process \d+ \(builds an index\)/);
    await stopAtOnce();
    await writer.query('COMMIT');

    await writer.query("BEGIN; INSERT INTO t VALUES (5000, 'unfinished')");
    await lake.start('m');
    await notice(/new tables wait for transactions that were writing to them: process \d+/);
    await stopAtOnce();
    await writer.query('COMMIT');

    await stranger.query('BEGIN; SELECT pg_current_xact_id()');
    await lake.start('m');
    await notice(
      /making replication slot sluice_\w+ waits for the transaction of process \d+ \(went for lunch\)/,
    );
    await stopAtOnce();

    await lake.start('m');
    await notice(/making replication slot/);
    await stranger.query('ROLLBACK');
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);
