import pg from 'pg';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { gone, serverPid } from './server-signals.ts';

it('ends within its bound though a runner hangs and a request waits, and goes on afterwards', {
  timeout: 150_000,
}, async () => {
  await using database = await sharedPostgres().createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query('CREATE TABLE keyed (id int PRIMARY KEY)');
    await using lake = await TestLake.start();
    await lake.createMirror('hung', database.connection);
    await lake.start('hung');
    await lake.caughtUp('hung');
    const run = await lake.newestRun('hung');
    const runner = run?.attempts.at(-1)?.pid ?? 0;
    process.kill(runner, 'SIGSTOP');
    await client.query('INSERT INTO keyed VALUES (1)');
    const api = await lake.api();
    const waiting = api.get(`/runs/${run?.id}/wait?timeout=600`).catch((error: Error) => error);
    const pid = await serverPid(lake);
    const began = Date.now();
    process.kill(pid, 'SIGTERM');
    await gone(pid, 90);
    expect(Date.now() - began).toBeLessThan(70_000);
    await gone(runner, 5);
    await waiting;
    await lake.restart();
    await lake.caughtUp('hung');
    expect(await lake.differences(database.url)).toEqual([]);
  } finally {
    await client.end();
  }
});
