import pg from 'pg';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

it('keeps the files and snapshots of a busy table few, and the table equal', async () => {
  await using database = await sharedPostgres().createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(`CREATE TABLE busy (id int PRIMARY KEY, n int NOT NULL);
      INSERT INTO busy SELECT i, 0 FROM generate_series(1, 5000) i`);
    await using lake = await TestLake.start();
    await lake.createMirror('busy', database.connection, { parameters: { commit_interval: '100ms' } });
    await lake.start('busy');
    await lake.caughtUp('busy');
    for (let round = 0; round < 60; round++) {
      await client.query('UPDATE busy SET n = n + 1 WHERE id % 50 = $1', [round % 50]);
      await client.query('INSERT INTO busy SELECT 5000 + $1 * 10 + i, 0 FROM generate_series(1, 10) i', [
        round,
      ]);
      await lake.caughtUp('busy');
    }
    expect(await lake.differences(database.url)).toEqual([]);
    const api = await lake.api();
    const files = async () => {
      const stats = await api.get<{ dataFiles: number; deleteFiles: number }>(
        '/lake-tables/stats?schema=public&table=busy',
      );
      return [stats.dataFiles, stats.deleteFiles] as const;
    };
    // 60 rounds made at least 60 commits, each with a data file and a delete file.
    const busy = await files();
    expect(busy[0]).toBeLessThan(60);
    expect(busy[1]).toBeLessThan(60);
    // What a rest between two steps has put off is done when it is over, whether or not anything is committed.
    await expect
      .poll(async () => (await files()).map((count, n) => count < [20, 25][n]!), { timeout: 60_000 })
      .toEqual([true, true]);
    expect(await lake.differences(database.url)).toEqual([]);
    const log = await lake.attemptLog('busy');
    expect(log).toContain('maintained');
  } finally {
    await client.end();
  }
}, 180_000);
