import pg from 'pg';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

it('mirrors a database by full load and log', async () => {
  await using database = await sharedPostgres().createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(`CREATE TABLE keyed (id int PRIMARY KEY, name text, price numeric(10,2));
      INSERT INTO keyed SELECT i, 'name ' || i, i / 7.0 FROM generate_series(1, 1000) i;
      CREATE TABLE bag (a int, b text); ALTER TABLE bag REPLICA IDENTITY FULL;
      INSERT INTO bag SELECT i % 10, 'x' FROM generate_series(1, 100) i`);
    await using lake = await TestLake.start();
    await lake.createMirror('first', database.connection);
    await lake.start('first');
    await lake.caughtUp('first');
    expect(await lake.differences(database.url)).toEqual([]);
    await client.query(`UPDATE keyed SET price = price + 1 WHERE id % 3 = 0; DELETE FROM keyed WHERE id % 7 = 0;
      UPDATE keyed SET id = id + 100000 WHERE id % 11 = 0; DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag LIMIT 13);
      UPDATE bag SET b = 'y' WHERE a = 3`);
    await lake.caughtUp('first');
    expect(await lake.differences(database.url)).toEqual([]);
  } finally {
    await client.end();
  }
});
