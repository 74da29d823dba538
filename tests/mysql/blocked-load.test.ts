import { expect, it } from 'vitest';
import { SLOW_LOAD } from '../mirror/load-progress.ts';
import { TestLake } from '../support/lake.ts';
import { sharedMysql } from '../support/mysql.ts';

const TASK = 'blocked';
/** Only a look that somebody asks for takes a table from the blocklist. */
const PARAMETERS = { ...SLOW_LOAD, discover_interval: '24h' };

it('an update of generated columns without a key, while they are loaded: mirrored, or blocked until the next look at the catalog', async () => {
  await using database = await sharedMysql('mariadb').createDatabase();
  for (const sql of [
    'CREATE TABLE keyless (a int, v int AS (a + 1) VIRTUAL, s int AS (a + 2) STORED, pad varchar(255))',
    "INSERT INTO keyless (a, pad) SELECT seq, REPEAT('x', 250) FROM seq_1_to_60000",
    'CREATE TABLE `next` (a int PRIMARY KEY)',
    'INSERT INTO `next` VALUES (1)',
  ])
    await database.query(sql);
  const [version] = await database.rows('SELECT VERSION()');
  const [major = 0, minor = 0] = String(version?.[0]).split('.').map(Number);
  const leavesOut = major > 11 || (major === 11 && minor >= 8);
  await using lake = await TestLake.start();
  await lake.createMirror(TASK, database.connection, { type: 'mariadb', parameters: PARAMETERS });
  const table = async (name: string): Promise<{ state: string | undefined; code: string | null }> => {
    const found = (await lake.tables(TASK)).find(({ source }) => source.table === name);
    return { state: found?.state, code: found?.error?.code ?? null };
  };
  await lake.start(TASK);
  await lake.until(async () => (await table('keyless')).state === 'loading');
  await database.query('UPDATE keyless SET a = 0 WHERE a <= 3');
  if (leavesOut) {
    await lake.until(async () => (await table('keyless')).code !== null);
    // It is loaded when the load before it has ended.
    await lake.until(async () => (await table('next')).state === 'live');
    expect(await table('keyless')).toEqual({ state: 'blocked', code: 'TABLE_NO_IDENTITY' });
    expect(await lake.attemptLog(TASK)).not.toContain('begins anew');
  }
  await lake.caughtUp(TASK);
  expect(await table('keyless')).toEqual({ state: 'live', code: null });
  expect(await lake.differences(database.connection)).toEqual([]);
  expect((await lake.newestRun(TASK))?.attempts).toHaveLength(1);
}, 180_000);
