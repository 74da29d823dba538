import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { terminateServer } from '../nights/server-signals.ts';
import { TestLake } from '../support/lake.ts';
import { sharedMysql } from '../support/mysql.ts';

const SLUICE = fileURLToPath(new URL('../../server/bin/sluice.js', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-backup-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The answer, or the error, of a command. */
async function sluice(...args: string[]): Promise<Record<string, never>> {
  const run = promisify(execFile)(process.execPath, [SLUICE, ...args]);
  try {
    return JSON.parse((await run).stdout).data;
  } catch (error) {
    return JSON.parse((error as { stderr: string }).stderr).error;
  }
}

it('brings a task back to the moment of a back-up that was made while it ran, and it goes on from there', {
  timeout: 120_000,
}, async () => {
  await using database = await sharedMysql('mysql').createDatabase();
  await database.query('CREATE TABLE keyed (id int PRIMARY KEY AUTO_INCREMENT, name varchar(200))');
  await database.query('CREATE TABLE bag (a int, b varchar(20))');
  const change = async (name: string): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await database.query(`INSERT INTO keyed (name) VALUES ('${name}'), ('${name}')`);
      await database.query(`INSERT INTO bag VALUES (${i}, '${name}')`);
      await database.query(`UPDATE keyed SET name = CONCAT(name, '!') WHERE id % 3 = 0`);
    }
  };
  await change('before');
  await using lake = await TestLake.start();
  await lake.createMirror('kept', database.connection, { type: 'mysql' });
  await lake.start('kept');
  await lake.caughtUp('kept');
  const at = ['--data-dir', lake.dataDir];
  const copy = join(folder, 'copy');

  const changing = change('during');
  expect(await sluice('backup', copy, ...at)).toMatchObject({ folder: copy });
  await changing;
  expect((await readdir(copy)).sort()).toEqual(['backup.json', 'metastore.db', 'secret.key']);
  for (const name of ['', 'backup.json', 'metastore.db', 'secret.key'])
    expect((await stat(join(copy, name))).mode & 0o077, name).toBe(0);
  expect(await sluice('backup', copy, ...at)).toMatchObject({ code: 'ALREADY_EXISTS' });
  expect(await sluice('restore', copy, '-y', ...at)).toMatchObject({ code: 'CONFLICT' });

  await change('after');
  await lake.caughtUp('kept');
  await terminateServer(lake);
  expect(await sluice('restore', copy, ...at)).toMatchObject({ code: 'CONFIRMATION_REQUIRED' });
  expect(await sluice('restore', copy, '-y', ...at)).toMatchObject({
    stoppedRuns: 1,
    missingTables: [],
    missingSegments: 0,
    keptAside: expect.stringContaining('metastore-before-restore-'),
  });
  await lake.restart();
  expect((await lake.status('kept')).state).toBe('stopped');
  await lake.start('kept');
  await lake.caughtUp('kept');
  expect(await lake.differences(database.connection)).toEqual([]);
});

it('refuses what is damaged or no back-up', async () => {
  await using lake = await TestLake.start();
  const copy = join(folder, 'copy');
  await sluice('backup', copy, '--data-dir', lake.dataDir);
  const other = ['--data-dir', join(folder, 'other')];
  await writeFile(join(copy, 'metastore.db'), 'x', { flag: 'a' });
  expect(await sluice('restore', copy, '-y', ...other)).toMatchObject({ code: 'INVALID_REQUEST' });
  expect(await sluice('restore', folder, '-y', ...other)).toMatchObject({ code: 'INVALID_REQUEST' });
  expect(await sluice('backup', join(folder, 'third'), ...other)).toMatchObject({ code: 'NOT_FOUND' });
});
