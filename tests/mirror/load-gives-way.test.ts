import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

/** A partition is locked by its reader when its turn comes: by then somebody else stands in the queue before it. */
it('lets a statement through that needs a partition alone while the table is loaded', async () => {
  await using database = await sharedPostgres().createDatabase();
  await database.query(`
    CREATE TABLE parts (k int PRIMARY KEY, body text) PARTITION BY RANGE (k);
    CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (20000);
    CREATE TABLE parts_top PARTITION OF parts FOR VALUES FROM (20000) TO (40000);
    INSERT INTO parts SELECT n, repeat(md5(n::text), 20) FROM generate_series(0, 39999) n`);
  const watcher = await database.client();
  await using lake = await TestLake.start();
  await lake.createMirror('parts', database.connection, {
    parameters: { chunk_size: '1MB', full_load_concurrency: '1' },
  });
  await lake.start('parts');
  const loading =
    "SELECT FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE relation = 'parts_low'::regclass AND granted AND a.query LIKE 'COPY%'";
  await lake.until(async () => (await watcher.query(loading)).rowCount !== 0);
  const rewritten = database.query('VACUUM FULL parts_top').then(() => true);
  let through = false;
  await lake.until(async () => {
    through ||= await Promise.race([rewritten, Promise.resolve(false)]);
    return through;
  });
  await lake.caughtUp('parts');
  expect(await lake.differences(database.url)).toEqual([]);
  expect(await lake.attemptLog('parts')).toContain('a load gives way');
  expect((await lake.newestRun('parts'))?.attempts).toHaveLength(1);
}, 180_000);
