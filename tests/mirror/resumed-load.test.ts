import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

/**
 * A load that was interrupted goes on in another snapshot, so that the loaded rows are of two moments. Row 290 moves
 * to another key in between, its large value unchanged and so not in the log, and a new row takes its old key: what
 * lies under that key in the lake is then not the row that moved.
 */
it('keeps the large value of a row that moved between the snapshots of a load', async () => {
  await using database = await sharedPostgres().createDatabase();
  await database.query(`
    CREATE TABLE moved (k int PRIMARY KEY, v int, big text);
    ALTER TABLE moved ALTER COLUMN big SET STORAGE EXTERNAL;
    INSERT INTO moved SELECT n, n, repeat(md5(n::text), 300) FROM generate_series(1, 600) n;
    DELETE FROM moved WHERE k BETWEEN 400 AND 600 AND k % 2 = 0`);
  // The free places lie in the last chunks: a new row goes there.
  await database.query('VACUUM moved');
  const folder = await mkdtemp(join(tmpdir(), 'sluice-crash-'));
  const crashed = join(folder, 'crashed');
  try {
    await using lake = await TestLake.start({ env: { SLUICE_CRASH_AT: `after-chunk-file:1:${crashed}` } });
    await lake.createMirror('moved', database.connection, {
      parameters: { chunk_size: '1MB', full_load_concurrency: '1' },
    });
    await lake.start('moved');
    await lake.until(async () => existsSync(crashed));
    await lake.killServer();
    await database.query('UPDATE moved SET k = 10290 WHERE k = 290');
    await database.query("INSERT INTO moved VALUES (290, 0, repeat('another ', 1200))");
    await lake.restart();
    await lake.caughtUp('moved');
    expect(await lake.differences(database.url)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
