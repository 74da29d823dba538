import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { attempts, note, runnerPeak } from './runner-memory.ts';

const ROWS = 2_000_000;
const LIMIT_MIB = 1024;

/** Sums over all rows, made by each side by itself: 2 million rows are too many to be compared one by one here. */
async function expectEqual(lake: TestLake, database: TestDatabase, table: string): Promise<void> {
  const { rows } = await database.query(
    `SELECT count(*)::text AS n, sum(id)::text AS ids, sum(amount)::text AS amounts, sum(length(name))::text AS names,
            sum(('x' || substr(md5(id || ':' || name || ':' || amount), 1, 12))::bit(48)::bigint)::text AS hashes FROM ${table}`,
  );
  const there = await lake.sql(
    `SELECT CAST(count(*) AS VARCHAR), CAST(sum(id) AS VARCHAR), CAST(sum(amount) AS VARCHAR), CAST(sum(length(name)) AS VARCHAR),
            CAST(sum(CAST('0x' || substr(md5(id || ':' || name || ':' || amount), 1, 12) AS BIGINT)) AS VARCHAR) FROM public.${table}`,
  );
  expect(there.rows).toEqual([Object.values(rows[0])]);
}

async function seconds(work: () => Promise<unknown>): Promise<string> {
  const begin = Date.now();
  await work();
  return ((Date.now() - begin) / 1000).toFixed(1);
}

it(`takes transactions of ${ROWS} rows, and a load of them, under 1 GB`, { timeout: 600_000 }, async () => {
  await using database = await sharedPostgres().createDatabase();
  await using lake = await TestLake.start();
  const columns = 'id int PRIMARY KEY, name text, amount numeric(12,2), at timestamptz';
  await database.query(`CREATE TABLE logged (${columns}); CREATE TABLE loaded (${columns})`);
  const row = `i, 'name of ' || i, i / 100.0, '2024-01-01'::timestamptz + i * interval '1 second'`;
  await database.query(`INSERT INTO loaded SELECT ${row} FROM generate_series(1, ${ROWS}) i`);
  await lake.createMirror('large', database.connection);
  await lake.start('large');
  const load = await seconds(() => lake.caughtUp('large', 300));
  await expectEqual(lake, database, 'loaded');
  const afterLoad = await runnerPeak(lake, 'large');

  const wrote = await seconds(() =>
    database.query(`INSERT INTO logged SELECT ${row} FROM generate_series(1, ${ROWS}) i`),
  );
  const inserted = await seconds(() => lake.caughtUp('large', 300));
  await expectEqual(lake, database, 'logged');
  const afterInsert = await runnerPeak(lake, 'large');

  const changed = await seconds(() =>
    database.query(`UPDATE logged SET amount = amount + 1, name = name || '!'`),
  );
  const updated = await seconds(() => lake.caughtUp('large', 300));
  await expectEqual(lake, database, 'logged');
  const peak = await runnerPeak(lake, 'large');

  note(
    `${ROWS} rows: loaded in ${load} s (peak ${afterLoad} MiB); inserted in ${wrote} s, visible ${inserted} s later ` +
      `(${afterInsert} MiB); updated in ${changed} s, visible ${updated} s later (${peak} MiB)`,
  );
  expect(await attempts(lake, 'large')).toBe(1);
  expect(peak).toBeLessThan(LIMIT_MIB);
});
