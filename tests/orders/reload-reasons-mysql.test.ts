import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedMysql } from '../support/mysql.ts';
import { order, reloads } from './ordering.ts';

it('the timeline tells why a table was loaded anew, and who wanted it', async () => {
  await using database = await sharedMysql('mysql').createDatabase();
  const schema = database.name;
  const query = (sql: string) => database.query(sql);
  for (const name of ['a', 'b']) {
    await query(`CREATE TABLE ${name} (id int PRIMARY KEY, n int)`);
    await query(`INSERT INTO ${name} VALUES (1, 1), (2, 2)`);
  }
  await using lake = await TestLake.start();
  await lake.createMirror('why', database.connection, { type: 'mysql' });
  await lake.start('why');
  await lake.caughtUp('why');
  const told: string[] = [];
  const expectReload = async (what: () => Promise<unknown>, text: string): Promise<void> => {
    await what();
    await lake.until(async () => (await reloads(lake, 'why')).length > told.length);
    told.push(text);
    expect(await reloads(lake, 'why')).toEqual(told);
    await lake.caughtUp('why');
  };
  await expectReload(
    () => order(lake, 'why', 'resync', ['a']),
    `api ${schema}.a loaded anew: resync-table was ordered`,
  );
  await expectReload(
    () => query('ALTER TABLE a MODIFY COLUMN n varchar(20)'),
    `sluice ${schema}.a loaded anew: the column n became varchar(20) character set utf8mb4`,
  );
  // As gh-ost and pt-online-schema-change end.
  await query('CREATE TABLE _b_new (id int PRIMARY KEY, n int, more text)');
  await query('INSERT INTO _b_new SELECT id, n, NULL FROM b');
  await lake.caughtUp('why');
  await expectReload(
    () => query('RENAME TABLE b TO _b_old, _b_new TO b'),
    `sluice ${schema}.b loaded anew: another table was given its name`,
  );
  await query('TRUNCATE TABLE a');
  await query('ALTER TABLE b ADD COLUMN other int');
  await lake.caughtUp('why');
  expect(await lake.differences(database.connection, (table) => !table.startsWith('_'))).toEqual([]);
  expect(await reloads(lake, 'why')).toEqual(told);
}, 240_000);
