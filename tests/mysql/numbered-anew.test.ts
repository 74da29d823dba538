import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { startMysql, type TestMysqlDatabase } from '../support/mysql.ts';

const TASK = 'anew';

/** As a server is seeded again: its GTIDs go on, and its files are numbered from 1. */
async function seedAgain(database: TestMysqlDatabase): Promise<void> {
  const [[executed = ''] = []] = await database.rows('SELECT @@GLOBAL.gtid_executed');
  await database.query('RESET BINARY LOGS AND GTIDS');
  await database.query(`SET GLOBAL gtid_purged = '${executed}'`);
}

async function change(database: TestMysqlDatabase, what: string): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await database.query(`INSERT INTO keyed (name) VALUES ('${what}'), ('${what} too')`);
    await database.query(`INSERT INTO bag VALUES (${i}, '${what}')`);
  }
  await database.query(`UPDATE keyed SET name = CONCAT(name, '!') WHERE id % 3 = 0`);
  await database.query('DELETE FROM bag WHERE a % 5 = 0');
}

it('a mirror loses nothing where the server has numbered the files of its log anew', {
  timeout: 180_000,
}, async () => {
  await using server = await startMysql('mysql');
  await using database = await server.createDatabase();
  await database.query('CREATE TABLE keyed (id int PRIMARY KEY AUTO_INCREMENT, name varchar(200))');
  await database.query('CREATE TABLE bag (a int, b varchar(200))');
  const flush = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await database.query('FLUSH BINARY LOGS');
  };
  await flush(5);
  await change(database, 'loaded');
  await using lake = await TestLake.start();
  await lake.createMirror(TASK, database.connection, { type: 'mysql' });
  await lake.start(TASK);
  const loaded = (await equal()).map(({ rowsLoaded }) => rowsLoaded);

  async function equal(): ReturnType<TestLake['tables']> {
    await lake.caughtUp(TASK, 90);
    expect(await lake.differences(database.connection)).toEqual([]);
    const tables = await lake.tables(TASK);
    expect(tables.map(({ state }) => state)).toEqual(['live', 'live']);
    return tables;
  }

  // The new numbers lie below what is saved.
  await lake.stop(TASK);
  await seedAgain(database);
  await change(database, 'below');
  await lake.start(TASK);
  await equal();
  await change(database, 'on');
  await equal();

  // They have passed it by the time that the task starts.
  await lake.stop(TASK);
  await seedAgain(database);
  await change(database, 'passed');
  await flush(20);
  await change(database, 'behind');
  await lake.start(TASK);
  await lake.until(async () => (await lake.status(TASK)).position?.includes('/3|'));
  await equal();

  // Nothing happens behind it.
  await lake.stop(TASK);
  await seedAgain(database);
  await lake.start(TASK);
  await equal();
  await change(database, 'later');
  // Nothing was loaded anew for all that.
  expect((await equal()).map(({ rowsLoaded }) => rowsLoaded)).toEqual(loaded);
});
