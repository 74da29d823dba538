import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { note, runnerPeak } from './runner-memory.ts';

const MIB = 1 << 20;

/** The values' lengths and hashes: the values themselves are too long to be compared as a test's output. */
async function fingerprints(
  lake: TestLake,
  database: TestDatabase,
  table: string,
): Promise<{ readonly source: readonly unknown[]; readonly lake: readonly unknown[] }> {
  const source = await database.query(
    `SELECT id::text, length(t)::text AS chars, md5(t) AS text, octet_length(b)::text AS bytes, md5(b) AS binary, n::text FROM ${table} ORDER BY ${table}.id`,
  );
  const there = await lake.sql(
    `SELECT CAST(id AS VARCHAR), CAST(length(t) AS VARCHAR), md5(t), CAST(octet_length(b) AS VARCHAR), md5(b), CAST(n AS VARCHAR) FROM public.${table} ORDER BY ${table}.id`,
  );
  return { source: source.rows.map((row) => Object.values(row)), lake: there.rows };
}

it('mirrors values of 50 MB by full load and by log, in bounded memory', { timeout: 300_000 }, async () => {
  await using database = await sharedPostgres().createDatabase();
  await using lake = await TestLake.start();
  // Text that does not compress to nothing, and the worst case of CSV: every byte a quote.
  await database.query(`
    CREATE FUNCTION noise(mb int, seed text) RETURNS text LANGUAGE sql AS
      $$ SELECT string_agg(md5(seed || i), '') FROM generate_series(1, mb * 32768) i $$;
    CREATE TABLE keyed (id int PRIMARY KEY, t text, b bytea, n int);
    ALTER TABLE keyed ALTER t SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
    CREATE TABLE whole (LIKE keyed INCLUDING STORAGE);
    ALTER TABLE whole REPLICA IDENTITY FULL;
    INSERT INTO keyed VALUES (1, noise(50, 'a'), NULL, 0), (2, NULL, convert_to(noise(50, 'b'), 'UTF8'), 0),
      (3, repeat('"', ${50 * MIB}), ''::bytea, 0), (4, 'short', '\\x00', 0);
    INSERT INTO whole SELECT * FROM keyed WHERE id IN (1, 4); INSERT INTO whole VALUES (2, 'gone', NULL, 0)`);
  await lake.createMirror('big', database.connection);
  await lake.start('big');
  await lake.caughtUp('big', 120);
  const loaded = await fingerprints(lake, database, 'keyed');
  expect(loaded.lake).toEqual(loaded.source);
  expect(loaded.source[0]).toContain(String(50 * MIB));
  const afterLoad = await runnerPeak(lake, 'big');

  for (const change of [
    `INSERT INTO keyed VALUES (5, noise(50, 'c'), NULL, 0); UPDATE keyed SET t = noise(50, 'e') WHERE id = 1`,
    `INSERT INTO keyed VALUES (6, 'x', convert_to(noise(50, 'd'), 'UTF8'), 0)`,
    // Values that the log leaves out, with a key that moves too.
    'UPDATE keyed SET n = n + 1 WHERE id = 1; UPDATE keyed SET id = 20, n = 7 WHERE id = 2',
    'UPDATE whole SET n = 5 WHERE id = 1; DELETE FROM whole WHERE id = 2',
  ]) {
    await database.query(change);
    await lake.caughtUp('big', 120);
  }
  for (const table of ['keyed', 'whole']) {
    const { source, lake: there } = await fingerprints(lake, database, table);
    expect(there).toEqual(source);
  }
  const peak = await runnerPeak(lake, 'big');
  note(`values of 50 MB: runner at most ${afterLoad} MiB in the load, ${peak} MiB with the log`);
  // Where memory was short the next attempt went on; nothing else may have gone wrong.
  const errors = (await lake.newestRun('big'))!.attempts.map((one) => one.error?.code ?? null);
  expect(errors.filter((code) => code !== null && code !== 'RUNNER_MEMORY')).toEqual([]);
  // A value is held several times over while it is received, written as CSV, parsed and encoded.
  expect(peak).toBeLessThan(1536);
});
