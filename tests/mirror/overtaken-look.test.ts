import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { reloads } from '../orders/ordering.ts';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

const TASK = 'overtaken';

it('a column that the log tells of while a look at the catalog is under way is not taken back by that look', async () => {
  await using database = await sharedPostgres().createDatabase();
  for (const name of ['a', 'b'])
    await database.query(
      `CREATE TABLE ${name} (id int PRIMARY KEY, n int); INSERT INTO ${name} VALUES (1, 1), (2, 2)`,
    );
  await using lake = await TestLake.start();
  await lake.createMirror(TASK, database.connection);
  await lake.start(TASK);
  await lake.caughtUp(TASK);
  const widen = async (name: string): Promise<void> => {
    await database.query(`ALTER TABLE ${name} ADD COLUMN more int`);
    await database.query(`INSERT INTO ${name} VALUES (3, 3, 33)`);
  };
  // Whoever has done it once asks pg_type no more.
  await widen('b');
  await lake.caughtUp(TASK);

  // A look reads the columns and then their types, for which it waits here, as for a busy server.
  const holder = await database.client();
  await holder.query('BEGIN; LOCK TABLE pg_type IN ACCESS EXCLUSIVE MODE');
  await lake.until(async () => {
    const waiting = await holder.query('SELECT FROM pg_locks WHERE NOT granted AND relation = 1247');
    return waiting.rowCount !== 0;
  });
  await widen('a');
  await pause(1_000);
  await holder.query('COMMIT');

  await lake.until(async () => (await lake.sql('SELECT * FROM public.a')).rows.length === 3);
  await lake.caughtUp(TASK);
  expect(await lake.differences(database.url)).toEqual([]);
  await database.query('INSERT INTO a VALUES (4, 4, 44)');
  await lake.caughtUp(TASK);
  expect(await lake.differences(database.url)).toEqual([]);
  expect(await reloads(lake, TASK)).toEqual([]);
});
