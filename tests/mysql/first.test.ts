import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { type Flavour, sharedMysql } from '../support/mysql.ts';
import { NUMBERS } from './numbers.ts';

const TABLES = [
  `CREATE TABLE keyed (id int PRIMARY KEY AUTO_INCREMENT, name varchar(50), price decimal(10,2), at datetime(3))`,
  `INSERT INTO keyed (name, price, at) SELECT CONCAT('name ', n), n / 7, '2024-02-29' + INTERVAL n SECOND FROM numbers`,
  `CREATE TABLE parts (region varchar(10) CHARACTER SET latin1, id bigint unsigned, note text, PRIMARY KEY (region, id))`,
  `INSERT INTO parts SELECT CONCAT('é', n % 5), 18446744073709551615 - n, REPEAT('x"', n % 50) FROM numbers`,
  `CREATE TABLE bag (a int, b varchar(20))`,
  `INSERT INTO bag SELECT n % 10, 'x' FROM numbers WHERE n <= 100`,
  `CREATE TABLE emptied (id int PRIMARY KEY, a text)`,
  `INSERT INTO emptied SELECT n, 'x' FROM numbers`,
  `CREATE TABLE hollow (id int PRIMARY KEY)`,
];

const CHANGES = [
  `UPDATE keyed SET price = price + 1 WHERE id % 3 = 0`,
  `DELETE FROM keyed WHERE id % 7 = 0`,
  `UPDATE keyed SET id = id + 100000 WHERE id % 11 = 0`,
  `INSERT INTO keyed (name, price, at) VALUES ('it''s "new"', NULL, NULL), ('', -0.01, '9999-12-31 23:59:59.999')`,
  `UPDATE parts SET region = 'ü' WHERE id % 10 = 5`,
  `DELETE FROM bag LIMIT 13`,
  `UPDATE bag SET b = 'y' WHERE a = 3`,
  `TRUNCATE emptied`,
  `INSERT INTO emptied VALUES (1, 'after')`,
];

describe.each<Flavour>(['mysql', 'mariadb'])('%s', (flavour) => {
  it('mirrors a database by full load and log, over a restart of the server', async () => {
    await using database = await sharedMysql(flavour).createDatabase();
    for (const sql of [...NUMBERS, ...TABLES]) await database.query(sql);
    await using lake = await TestLake.start();
    await lake.createMirror('first', database.connection, { type: flavour });
    await lake.start('first');
    await lake.caughtUp('first');
    expect(await lake.differences(database.connection)).toEqual([]);

    for (const sql of CHANGES) await database.query(sql);
    await lake.caughtUp('first');
    expect(await lake.differences(database.connection)).toEqual([]);

    await lake.killServer();
    await database.query(`UPDATE keyed SET name = CONCAT(name, '!') WHERE id < 500`);
    await database.query('DELETE FROM parts WHERE id % 4 = 0');
    await lake.restart();
    await lake.caughtUp('first');
    expect(await lake.differences(database.connection)).toEqual([]);

    await lake.stop('first');
    await database.query('INSERT INTO bag SELECT n, NULL FROM numbers WHERE n > 990');
    await database.query('DELETE FROM keyed WHERE id = 1');
    await lake.start('first');
    await lake.caughtUp('first');
    expect(await lake.differences(database.connection)).toEqual([]);
    expect((await lake.tables('first')).map((table) => table.state)).toEqual(Array(6).fill('live'));
  });
});
