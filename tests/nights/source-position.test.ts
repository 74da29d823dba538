import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, startPostgres, type TestDatabase } from '../support/postgres.ts';
import { expectEqual, failure, run, slotName, table } from './source-support.ts';

const MINUTES = 300_000;

const lsn = (text: string): bigint => {
  const [high, low] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
};

async function fill(database: TestDatabase): Promise<void> {
  await database.query(`CREATE TABLE t (id int PRIMARY KEY, note text);
    INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 500) i`);
}

async function confirmed(database: TestDatabase, slot: string): Promise<bigint> {
  const { rows } = await database.query(
    'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  );
  return lsn(rows[0].lsn);
}

it(
  'keeps no more of the log than it needs while only other databases write',
  async () => {
    await using server = await startPostgres({ settings: { wal_sender_timeout: '4s' } });
    await using database = await server.createDatabase();
    await using other = await server.createDatabase();
    await fill(database);
    await other.query('CREATE TABLE noise (v text)');
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection, { parameters: { heartbeat_interval: '1s' } });
    await lake.start('m');
    await expectEqual(lake, 'm', database);
    const slot = await slotName(database);
    for (let round = 0; round < 3; round++) {
      await other.query('INSERT INTO noise SELECT repeat(md5(i::text), 30) FROM generate_series(1, 20000) i');
      const { rows } = await other.query('SELECT pg_current_wal_lsn()::text AS lsn');
      await lake.until(async () => (await confirmed(database, slot)) >= lsn(rows[0].lsn), 30);
      await other.query('CHECKPOINT');
    }
    // What the server must keep moves on with it.
    await lake.until(async () => {
      const { rows } = await database.query(
        'SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 AS kept FROM pg_replication_slots',
      );
      return rows[0].kept < 8 << 20;
    }, 60);
    expect(await run(lake, 'm')).toMatchObject({ state: 'running', failovers: 0 });
    await database.query("UPDATE t SET note = 'awake' WHERE id < 10");
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);

it(
  'never acknowledges what is not committed',
  async () => {
    await using database = await sharedPostgres().createDatabase();
    await fill(database);
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection, { parameters: { heartbeat_interval: '1s' } });
    await lake.start('m');
    const slot = await lake.until(async () => {
      const { rows } = await database.query(
        'SELECT slot_name FROM pg_replication_slots WHERE database = current_database() AND confirmed_flush_lsn IS NOT NULL',
      );
      return rows[0]?.slot_name as string | undefined;
    });
    await lake.until(async () => (await lake.status('m')).position !== null);
    const writer = await database.client();
    let polls = 0;
    let moved = 0;
    let last = 0n;
    const writing = (async () => {
      // On until enough was seen: how often a busy machine's runner acknowledges is no matter of correctness.
      for (let i = 0; i < 150 || (i < 3000 && (polls <= 50 || moved <= 5)); i++) {
        await writer.query(
          `INSERT INTO t SELECT 1000 + ${i} * 50 + j, 'w' FROM generate_series(1, 50) j; UPDATE t SET note = '${i}' WHERE id % 50 = ${i % 50}`,
        );
        if (i === 50 || i === 100)
          await writer.query(
            'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1',
            [slot],
          );
        await pause(50);
      }
      return true;
    })();
    let done = false;
    writing
      .finally(() => {
        done = true;
      })
      .catch(() => undefined);
    while (!done) {
      const acknowledged = await confirmed(database, slot);
      // Read after it: the position only grows.
      const { position } = await lake.status('m');
      expect(acknowledged).toBeLessThanOrEqual(lsn(position!));
      polls++;
      if (acknowledged > last) moved++;
      last = acknowledged;
    }
    await writing;
    expect(polls).toBeGreaterThan(50);
    expect(moved).toBeGreaterThan(5);
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);

it(
  'mirrors PostgreSQL 15',
  async () => {
    await using server = await startPostgres({ version: 15 });
    await using database = await server.createDatabase();
    await database.query(`CREATE TABLE keyed (id int PRIMARY KEY, name text, price numeric(10,2), tags text[], doc jsonb);
    INSERT INTO keyed SELECT i, 'name ' || i, i / 7.0, ARRAY['a', NULL, i::text], jsonb_build_object('i', i) FROM generate_series(1, 1000) i;
    CREATE TABLE bag (a int, b text); ALTER TABLE bag REPLICA IDENTITY FULL;
    INSERT INTO bag SELECT i % 10, 'x' FROM generate_series(1, 100) i;
    CREATE TABLE parts (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
    INSERT INTO parts SELECT i, date '2024-01-01' + i % 365, 'p' FROM generate_series(1, 365) i;
    CREATE TABLE toasted (id int PRIMARY KEY, big text, n int);
    ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL; INSERT INTO toasted SELECT i, repeat('y', 5000), 0 FROM generate_series(1, 20) i`);
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection);
    await lake.start('m');
    await expectEqual(lake, 'm', database);
    await database.query(`UPDATE keyed SET price = price + 1 WHERE id % 3 = 0; DELETE FROM keyed WHERE id % 7 = 0;
    UPDATE keyed SET id = id + 100000 WHERE id % 11 = 0; DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag LIMIT 13);
    UPDATE bag SET b = 'y' WHERE a = 3; UPDATE toasted SET n = n + 1; UPDATE parts SET day = day + 100 WHERE id < 50;
    ALTER TABLE keyed ADD COLUMN extra int; INSERT INTO keyed (id, extra) VALUES (5000, 1);
    CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1), (2)`);
    await expectEqual(lake, 'm', database);
    await database.query('TRUNCATE bag, later; INSERT INTO later VALUES (3)');
    await lake.killRunner('m');
    await expectEqual(lake, 'm', database);
    expect((await table(lake, 'm', 'keyed'))?.error).toBeNull();
    await lake.stop('m');
    await database.query('SELECT pg_drop_replication_slot($1)', [await slotName(database)]);
    await lake.start('m');
    expect(await failure(lake, 'm')).toMatchObject({ code: 'PG_SLOT_MISSING' });
    await database.query('DELETE FROM keyed WHERE id < 500');
    await lake.start('m', { from: 'stateless' });
    await expectEqual(lake, 'm', database);
  },
  MINUTES,
);
