import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { freshSeed } from '../support/seed.ts';
import { attempts, note, runnerPid } from './runner-memory.ts';
import { gone, terminateServer } from './server-signals.ts';
import { Writer } from './writer.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());

/** Random numbers that a seed brings back (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const BLOWS = ['server', 'runner', 'both', 'terminate', 'runner', 'both', 'server', 'terminate'] as const;

async function strike(lake: TestLake, blow: (typeof BLOWS)[number]): Promise<void> {
  if (blow === 'runner') {
    await lake.killRunner('night');
    return;
  }
  if (blow === 'terminate') {
    const runner = await runnerPid(lake, 'night').catch(() => null);
    await terminateServer(lake);
    // A server that ends in peace leaves no runner behind.
    if (runner !== null) await gone(runner, 5);
  } else {
    if (blow === 'both') await Promise.all([lake.killRunner('night').catch(() => false), lake.killServer()]);
    else await lake.killServer();
  }
  await lake.restart();
}

it(`loses nothing when server and runner are killed again and again under load (seed ${SEED})`, {
  timeout: 240_000,
}, async () => {
  const next = random(SEED);
  await using database = await sharedPostgres().createDatabase();
  await using lake = await TestLake.start();
  {
    await using writer = await Writer.start(database, 400);
    await lake.createMirror('night', database.connection, { parameters: { failover_limit: '100' } });
    await lake.start('night');
    for (const blow of BLOWS) {
      // Anywhere: in the start, in the load, in a commit.
      await pause(next() * 2500);
      await strike(lake, blow);
    }
    await writer.stop();
    note(
      `${BLOWS.length} blows, ${writer.changes} changes meanwhile, ${await attempts(lake, 'night')} attempts`,
    );
  }
  await lake.caughtUp('night', 90);
  expect(await lake.differences(database.url)).toEqual([]);
  expect(await lake.status('night')).toMatchObject({
    run: { state: 'running' },
    tables: { live: 2, blocklisted: 0 },
  });
});

it('has caught up soon after the runner was killed under 1,000 changes a second', {
  timeout: 180_000,
}, async () => {
  await using database = await sharedPostgres().createDatabase();
  await using lake = await TestLake.start();
  await using writer = await Writer.start(database, 1000);
  await lake.createMirror('rate', database.connection, { parameters: { commit_interval: '1s' } });
  await lake.start('rate');
  await lake.caughtUp('rate', 60);
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    await writer.more(3000);
    const begin = Date.now();
    const changes = writer.changes;
    expect(await lake.killRunner('rate')).toBe(true);
    await lake.caughtUp('rate', 60);
    times.push((Date.now() - begin) / 1000);
    note(
      `killed at ${changes} changes: caught up ${times.at(-1)!.toFixed(1)} s later, ${Math.round((writer.changes - changes) / times.at(-1)!)} changes/s meanwhile`,
    );
  }
  await writer.stop();
  await lake.caughtUp('rate', 60);
  expect(await lake.differences(database.url)).toEqual([]);
  expect(Math.max(...times)).toBeLessThan(60);
});
