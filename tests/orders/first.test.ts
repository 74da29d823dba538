import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { order, tableOf } from './ordering.ts';

const MINUTES = 300_000;

describe('orders for one table of a running task', () => {
  it(
    'pauses and resumes where it paused, without a load',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await database.query(`CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int);
        INSERT INTO a SELECT i, 0 FROM generate_series(1, 1000) i; INSERT INTO b SELECT i, 0 FROM generate_series(1, 1000) i`);
      await using lake = await TestLake.start();
      await lake.createMirror('m', database.connection);
      await lake.start('m');
      await lake.caughtUp('m');
      expect(await order(lake, 'm', 'pause', ['a'])).toMatchObject([{ outcome: 'done', state: 'paused' }]);
      await database.query(
        'UPDATE a SET n = 1 WHERE id <= 500; DELETE FROM a WHERE id > 900; UPDATE b SET n = 1',
      );
      await database.query("ALTER TABLE a ADD COLUMN more text; INSERT INTO a VALUES (2000, 5, 'x')");
      await lake.caughtUp('m');
      expect(await lake.sql('SELECT count(*), sum(n) FROM public.a')).toMatchObject({ rows: [[1000, 0]] });
      expect(await lake.differences(database.url, (table) => table === 'b')).toEqual([]);
      expect(await order(lake, 'm', 'recover', ['a'])).toMatchObject([{ outcome: 'done' }]);
      await lake.caughtUp('m');
      expect(await tableOf(lake, 'm', 'a')).toMatchObject({ state: 'live' });
      expect(await lake.differences(database.url)).toEqual([]);
      expect(await lake.attemptLog('m')).not.toContain('loaded anew');
    },
    MINUTES,
  );

  it(
    'backfills rows that a filter matches: changed, missing and extra ones',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await database.query(`CREATE TABLE a (id int PRIMARY KEY, region int, n text);
        INSERT INTO a SELECT i, i % 4, 'v' || i FROM generate_series(1, 2000) i`);
      await using lake = await TestLake.start();
      await lake.createMirror('m', database.connection);
      await lake.start('m');
      await lake.caughtUp('m');
      await database.query(`UPDATE a SET n = 'w' WHERE region = 1`);
      await lake.caughtUp('m');
      expect(await order(lake, 'm', 'backfill', ['a'], { where: 'where region = 1' })).toMatchObject([
        { outcome: 'done' },
      ]);
      await database.query(`DELETE FROM a WHERE id = 5; INSERT INTO a VALUES (5000, 1, 'new')`);
      await lake.caughtUp('m');
      expect(await tableOf(lake, 'm', 'a')).toMatchObject({ state: 'live' });
      expect(await lake.differences(database.url)).toEqual([]);
    },
    MINUTES,
  );
});
