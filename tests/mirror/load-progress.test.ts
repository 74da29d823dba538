import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import {
  expectEstimate,
  expectExceeded,
  expectNothingLeft,
  ROWS,
  SLOW_LOAD,
  watchLoad,
} from './load-progress.ts';

it('a full load tells how far it is and how long it takes, and never more than it knows', async () => {
  await using database = await sharedPostgres().createDatabase();
  const rows = (first: number, last: number) =>
    `SELECT i, repeat(md5(i::text), 4) FROM generate_series(${first}, ${last}) i`;
  for (const name of ['exact', 'stale', 'unknown'])
    await database.query(
      `CREATE TABLE ${name} (id int PRIMARY KEY, pad text) WITH (autovacuum_enabled = false)`,
    );
  await database.query(`INSERT INTO exact ${rows(1, ROWS)}; INSERT INTO unknown ${rows(1, ROWS)};
    INSERT INTO stale ${rows(1, ROWS / 10)}`);
  await database.query('ANALYZE exact; ANALYZE stale');
  await database.query(`INSERT INTO stale ${rows(ROWS / 10 + 1, ROWS)}`);
  await using lake = await TestLake.start();
  await lake.createMirror('load', database.connection, { parameters: SLOW_LOAD });
  await lake.start('load');
  const seen = await watchLoad(lake, 'load', ['exact', 'stale', 'unknown']);
  expectEstimate(seen.get('exact') ?? []);
  expectExceeded(seen.get('stale') ?? []);

  // Nobody knows how many rows there are, and its chunks tell.
  const unknown = seen.get('unknown') ?? [];
  expect(
    unknown.some(({ loadSecondsLeft, loadProgress }) => loadSecondsLeft !== null && loadProgress !== null),
  ).toBe(true);
  expect(new Set(unknown.map(({ rowsEstimated }) => rowsEstimated))).toEqual(new Set([null]));
  expectNothingLeft(unknown);
}, 400_000);
