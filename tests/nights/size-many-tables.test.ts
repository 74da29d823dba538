import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { attempts, note, runnerPeak } from './runner-memory.ts';

const TABLES = 500;

it(`mirrors ${TABLES} tables: all load, then a row each`, { timeout: 400_000 }, async () => {
  await using database = await sharedPostgres().createDatabase();
  await using lake = await TestLake.start();
  const each = (statement: (n: number) => string): string =>
    Array.from({ length: TABLES }, (_, n) => statement(n)).join('; ');
  await database.query(
    each(
      (n) =>
        `CREATE TABLE t${n} (id int PRIMARY KEY, v text); INSERT INTO t${n} SELECT i, 'row ' || i FROM generate_series(1, ${n % 3}) i`,
    ),
  );
  await lake.createMirror('many', database.connection);
  const begin = Date.now();
  await lake.start('many');
  await lake.caughtUp('many', 200);
  const loaded = Date.now();
  expect((await lake.status('many')).tables).toEqual({ total: TABLES, live: TABLES, blocklisted: 0 });
  // A transaction over all tables, and one for each.
  await database.query(`BEGIN; ${each((n) => `INSERT INTO t${n} VALUES (100, 'together')`)}; COMMIT`);
  for (let n = 0; n < TABLES; n++) await database.query(`INSERT INTO t${n} VALUES (200, 'alone ${n}')`);
  const written = Date.now();
  await lake.caughtUp('many', 200);
  const seen = Date.now();
  const peak = await runnerPeak(lake, 'many');
  expect(await lake.differences(database.url)).toEqual([]);
  note(
    `${TABLES} tables: loaded in ${((loaded - begin) / 1000).toFixed(1)} s, rows of all visible ` +
      `${((seen - written) / 1000).toFixed(1)} s after the last; runner at most ${peak} MiB`,
  );
  expect(await attempts(lake, 'many')).toBe(1);
  expect(peak).toBeLessThan(1024);
});
