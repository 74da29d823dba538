import { it } from 'vitest';
import { expectEstimate, ROWS, SLOW_LOAD, watchLoad } from '../mirror/load-progress.ts';
import { TestLake } from '../support/lake.ts';
import { sharedMysql } from '../support/mysql.ts';

it('a full load tells how far it is and how long it takes', async () => {
  await using database = await sharedMysql('mysql').createDatabase();
  const client = await database.client();
  await client.query('CREATE TABLE exact (id int PRIMARY KEY, pad text)');
  await client.query('SET SESSION cte_max_recursion_depth = 10000000');
  await client.query(
    `INSERT INTO exact WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, REPEAT(SHA2(i, 256), 2) FROM n`,
  );
  await client.query('ANALYZE TABLE exact');
  await using lake = await TestLake.start();
  await lake.createMirror('load', database.connection, { parameters: SLOW_LOAD, type: 'mysql' });
  await lake.start('load');
  const seen = await watchLoad(lake, 'load', ['exact']);
  expectEstimate(seen.get('exact') ?? []);
}, 400_000);
