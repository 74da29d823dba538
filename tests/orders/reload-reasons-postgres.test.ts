import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { order, reloads } from './ordering.ts';

it('the timeline tells why a table was loaded anew, and who wanted it', async () => {
  await using database = await sharedPostgres().createDatabase();
  const query = (sql: string) => database.query(sql);
  await query(`CREATE TABLE a (id int PRIMARY KEY, n int); INSERT INTO a SELECT i, i FROM generate_series(1, 100) i;
    CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int); ALTER TABLE c REPLICA IDENTITY FULL`);
  await using lake = await TestLake.start();
  await lake.createMirror('why', database.connection);
  await lake.start('why');
  await lake.caughtUp('why');
  expect(await reloads(lake, 'why')).toEqual([]);
  const told: string[] = [];
  /** Does something, and waits until the next reload is told. */
  const expectReload = async (what: () => Promise<unknown>, text: string): Promise<void> => {
    await what();
    await lake.until(async () => (await reloads(lake, 'why')).length > told.length);
    told.push(text);
    expect(await reloads(lake, 'why')).toEqual(told);
    await lake.caughtUp('why');
  };
  await expectReload(
    () => order(lake, 'why', 'resync', ['a']),
    'api public.a loaded anew: resync-table was ordered',
  );
  await expectReload(
    () => query('ALTER TABLE a ALTER COLUMN n TYPE text USING n::text'),
    'sluice public.a loaded anew: the column n became text',
  );
  await expectReload(
    () => query('DROP TABLE b; CREATE TABLE b (id int PRIMARY KEY, more text)'),
    'sluice public.b loaded anew: its name belongs to another table now',
  );
  await expectReload(
    () => query('ALTER TABLE c ADD PRIMARY KEY (id)'),
    'sluice public.c loaded anew: its key changed',
  );
  await order(lake, 'why', 'stop', ['a']);
  await expectReload(
    () => order(lake, 'why', 'start', ['a']),
    'api public.a loaded anew: start-table was ordered, and its changes were dropped while it was stopped',
  );
  // What the log tells needs no load.
  await query('TRUNCATE a; ALTER TABLE b ADD COLUMN n int');
  await lake.caughtUp('why');
  // The added column too, which no row has followed yet.
  expect(await lake.differences(database.url)).toEqual([]);
  expect(await reloads(lake, 'why')).toEqual(told);
}, 240_000);
