import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { startMysql } from '../support/mysql.ts';

const TASK = 'filtered';

it.each([
  {
    flavour: 'mysql',
    setting: 'binlog_ignore_db',
    without: { 'binlog-ignore-db': 'shop' },
    within: { 'binlog-ignore-db': 'elsewhere' },
  },
  {
    flavour: 'mariadb',
    setting: 'binlog_do_db',
    without: { 'binlog-do-db': 'elsewhere' },
    within: { 'binlog-do-db': 'shop' },
  },
] as const)(
  '$flavour: a database that $setting leaves out of the log is refused, and mirrored once it is in',
  async ({ flavour, setting, without, within }) => {
    await using server = await startMysql(flavour, { settings: without });
    await using database = await server.createDatabase('shop');
    await database.query('CREATE TABLE t (id int PRIMARY KEY, a int)');
    await database.query('INSERT INTO t VALUES (1, 1)');
    await using lake = await TestLake.start();
    await lake.createMirror(TASK, database.connection, { type: flavour });
    await lake.start(TASK);
    await lake.until(async () => (await lake.tables(TASK))[0]?.state === 'blocked');
    const [refused] = await lake.tables(TASK);
    expect(refused?.error?.code).toBe('MYSQL_BINLOG_FILTER');
    expect(refused?.error?.message).toContain(setting);

    await server.restart(within);
    // The connection from before the restart says so once.
    await database.query('SELECT 1').catch(() => undefined);
    await database.query('UPDATE t SET a = 2');
    await lake.until(async () => (await lake.tables(TASK))[0]?.state === 'live', 90);
    await database.query('INSERT INTO t VALUES (2, 3)');
    await lake.caughtUp(TASK);
    expect(await lake.differences(database.connection)).toEqual([]);

    // A table that is followed is not left behind in silence either.
    await server.restart(without);
    await lake.until(async () => (await lake.tables(TASK))[0]?.error?.code === 'MYSQL_BINLOG_FILTER', 90);
  },
);
