import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { runnerPid } from '../nights/runner-memory.ts';
import { gone } from '../nights/server-signals.ts';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

/** The compactors of a runner; proc(5). */
async function compactorsOf(runner: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [stat, args] = await Promise.all(
      ['stat', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    const parent = stat!.slice(stat!.lastIndexOf(')') + 2).split(' ')[1];
    if (Number(parent) === runner && args!.includes('compactor.js')) found.push(Number(pid));
  }
  return found;
}

// Whose child a process is, proc(5) tells, which Linux alone has.
it.skipIf(process.platform !== 'linux')(
  'has large files rewritten by a process that ends with the runner',
  { timeout: 180_000 },
  async () => {
    await using database = await sharedPostgres().createDatabase();
    await database.query(`CREATE TABLE large (id int PRIMARY KEY, a text, b text);
      INSERT INTO large SELECT i, md5(i::text), md5((-i)::text) FROM generate_series(1, 300000) i`);
    await using lake = await TestLake.start();
    await lake.createMirror('large', database.connection, { parameters: { commit_interval: '200ms' } });
    await lake.start('large');
    await lake.caughtUp('large');
    const runner = await runnerPid(lake, 'large');
    expect(await compactorsOf(runner)).toEqual([]);
    await database.query('DELETE FROM large WHERE id % 3 = 0');
    const [compactor] = await lake.until(async () => {
      const found = await compactorsOf(runner);
      return found.length > 0 && found;
    });
    // Changes come in beside it and after it.
    await lake.until(async () => {
      await database.query(`UPDATE large SET a = 'later' WHERE id % 5000 = 1`);
      return (await lake.attemptLog('large')).includes('"kind":"compaction","msg":"maintained"');
    });
    await lake.caughtUp('large');
    expect(await lake.differences(database.url)).toEqual([]);
    expect(await lake.attemptLog('large')).not.toContain('compactor failed');
    await lake.killRunner('large');
    await gone(compactor!);
    await database.query('DELETE FROM large WHERE id % 3 = 1');
    await lake.caughtUp('large');
    expect(await lake.differences(database.url)).toEqual([]);
  },
);
