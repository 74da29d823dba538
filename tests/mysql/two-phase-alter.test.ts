import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { startMysql } from '../support/mysql.ts';

it('an ALTER that MariaDB logs when it begins and when it ends happens once, and a failed one never', async () => {
  await using server = await startMysql('mariadb', { settings: { 'binlog-alter-two-phase': 1 } });
  await using database = await server.createDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY, a int)');
  await database.query('INSERT INTO t VALUES (1, 7), (2, 7)');
  await using lake = await TestLake.start();
  await lake.createMirror('twice', database.connection, { type: 'mariadb' });
  await lake.start('twice');
  await lake.caughtUp('twice');
  await database.query('ALTER TABLE t ADD COLUMN b varchar(10), ALGORITHM=COPY');
  await database.query("UPDATE t SET b = 'x' WHERE id = 1");
  await expect(
    database.query('ALTER TABLE t DROP COLUMN b, ADD UNIQUE (a), RENAME TO moved, ALGORITHM=COPY'),
  ).rejects.toThrow(/Duplicate/);
  await database.query("UPDATE t SET b = 'y' WHERE id = 2");
  await lake.caughtUp('twice');
  expect(await lake.differences(database.connection)).toEqual([]);
  expect((await lake.tables('twice')).map(({ source, state }) => [source.table, state])).toEqual([
    ['t', 'live'],
  ]);
  const log = await database.rows('SHOW BINLOG EVENTS');
  expect(log.flat().some((text) => /ROLLBACK ALTER/i.test(text ?? ''))).toBe(true);
}, 90_000);
