import { readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { runnerPid } from './runner-memory.ts';
import { gone, serverPid, terminateServer } from './server-signals.ts';
import { Writer } from './writer.ts';

describe('a data folder', () => {
  it('is one server’s at a time', async () => {
    await using lake = await TestLake.start();
    const pid = await serverPid(lake);
    await expect(TestLake.start({ dataDir: lake.dataDir })).rejects.toThrow(/CONFLICT.*process \d+/s);
    // The one that was refused left the other's file alone.
    expect(await serverPid(lake)).toBe(pid);
    expect(await (await lake.api()).get('/tasks')).toEqual([]);
    await lake.killServer();
    await lake.restart();
    expect(await serverPid(lake)).not.toBe(pid);
  });

  it('may have its metastore locked by another process for a while', { timeout: 180_000 }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await using writer = await Writer.start(database, 100);
    await lake.createMirror('locked', database.connection);
    await lake.start('locked');
    await lake.caughtUp('locked');
    const other = new Database(join(lake.dataDir, 'metastore.db'));
    try {
      other.exec('BEGIN IMMEDIATE');
      // Longer than any writer's patience. The API's answers wait too, so the log's file is looked at.
      const log = join(lake.dataDir, 'logs', 'run-1', 'attempt-1.log');
      const refused = expect((await lake.api()).post('/folders', { name: 'later' })).rejects.toMatchObject({
        code: 'METASTORE_BUSY',
      });
      await lake.until(async () => (await readFile(log, 'utf8')).includes('METASTORE_BUSY'), 90);
      await refused;
    } finally {
      other.exec('ROLLBACK');
      other.close();
    }
    await writer.more(200);
    await writer.stop();
    await lake.caughtUp('locked', 90);
    expect(await lake.differences(database.url)).toEqual([]);
    expect((await lake.status('locked')).run?.state).toBe('running');
    await (await lake.api()).post('/folders', { name: 'later' });
  });

  // Iceberg's metadata holds absolute locations, and so does the catalog: docs say to leave a link behind.
  it('that was moved works under its old path by a link', { timeout: 120_000 }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await database.query(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')`);
    await lake.createMirror('moved', database.connection);
    await lake.start('moved');
    await lake.caughtUp('moved');
    await terminateServer(lake);
    const elsewhere = `${lake.dataDir}-elsewhere`;
    await rename(lake.dataDir, elsewhere);
    await symlink(elsewhere, lake.dataDir);
    try {
      await lake.restart();
      await database.query(`UPDATE t SET v = 'b'; INSERT INTO t VALUES (2, 'c')`);
      await lake.caughtUp('moved');
      expect(await lake.differences(database.url)).toEqual([]);
      await terminateServer(lake);
    } finally {
      await rm(lake.dataDir);
      await rename(elsewhere, lake.dataDir);
    }
  });
});

it('an attempt that was thought dead cannot write over its successor', { timeout: 180_000 }, async () => {
  await using database = await sharedPostgres().createDatabase();
  await using lake = await TestLake.start();
  await database.query('CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (0, NULL)');
  await lake.createMirror('fenced', database.connection, { parameters: { commit_interval: '5s' } });
  await lake.start('fenced');
  await lake.caughtUp('fenced');
  // The attempt has lines in a file of its own that wait for the next commit, and is frozen there.
  const spool = join(lake.dataDir, 'work', 'task-1', 'spool');
  const pid = await runnerPid(lake, 'fenced');
  const waiting = async (): Promise<boolean> => {
    for (const name of await readdir(spool)) if ((await stat(join(spool, name))).size > 100_000) return true;
    return false;
  };
  let id = 1;
  await lake.until(async () => {
    await database.query(
      `INSERT INTO t SELECT i, md5(i::text) FROM generate_series(${id}, ${id + 20_000 - 1}) i`,
    );
    id += 20_000;
    for (const end = Date.now() + 1500; Date.now() < end; ) if (await waiting()) return true;
    return false;
  });
  process.kill(pid, 'SIGSTOP');
  try {
    await lake.killServer();
    const metastore = new Database(join(lake.dataDir, 'metastore.db'));
    // The next server does not find the process, as if the machine's process table had been lost with the network.
    metastore.exec('UPDATE attempts SET pid = NULL');
    metastore.close();
    await lake.restart();
    await database.query(`UPDATE t SET v = 'after' WHERE id % 100 = 0`);
    await lake.caughtUp('fenced', 90);
    expect(await lake.differences(database.url)).toEqual([]);
    const successor = await runnerPid(lake, 'fenced');
    expect(successor).not.toBe(pid);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await gone(pid);
  await database.query(`DELETE FROM t WHERE id % 3 = 0; INSERT INTO t VALUES (-1, 'last')`);
  await lake.caughtUp('fenced', 60);
  expect(await lake.differences(database.url)).toEqual([]);
  const run = await lake.newestRun('fenced');
  expect(run).toMatchObject({ state: 'running', error: null });
  expect(run?.attempts.length).toBe(2);
});

it('an attempt that has lost its task writes nothing more, and says so', { timeout: 60_000 }, async () => {
  await using database = await sharedPostgres().createDatabase();
  await using lake = await TestLake.start();
  await database.query(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'before')`);
  await lake.createMirror('lost', database.connection);
  await lake.start('lost');
  await lake.caughtUp('lost');
  const metastore = new Database(join(lake.dataDir, 'metastore.db'));
  metastore.exec('UPDATE checkpoints SET attempt_id = attempt_id + 1000');
  metastore.close();
  const position = (await lake.status('lost')).position;
  await database.query(`UPDATE t SET v = 'after'`);
  const failed = await lake.until(async () => {
    const status = await lake.status('lost');
    return status.run?.state === 'failed' && status;
  });
  expect(failed.error).toMatchObject({ code: 'FENCED' });
  expect(failed.position).toBe(position);
  expect((await lake.sql('SELECT v FROM t')).rows).toEqual([['before']]);
  await lake.start('lost');
  await lake.caughtUp('lost');
  expect(await lake.differences(database.url)).toEqual([]);
});
