import { expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedMysql } from '../support/mysql.ts';
import { sharedPostgres } from '../support/postgres.ts';

const TASK = 'marked';
const BOM = '\ufeff';

/**
 * U+FEFF at the front of a text is a character like any other. Readers of files and decoders of UTF-8 take it for a
 * byte order mark and drop it: at the front of a file, of a value, and of the bounds that files are found by.
 */
it.each(['postgres', 'mysql', 'mariadb'] as const)('%s: a text may begin with U+FEFF', async (type) => {
  const server = type === 'postgres' ? sharedPostgres() : sharedMysql(type);
  await using database = await server.createDatabase();
  const schema = type === 'postgres' ? 'public' : database.name;
  const text = type === 'postgres' ? 'varchar(60) COLLATE "C"' : 'varchar(60) COLLATE utf8mb4_bin';
  const compared = 'url' in database ? database.url : database.connection;
  await using lake = await TestLake.start();
  const query = async (sql: string): Promise<void> => void (await database.query(sql));
  const rows = async (table: string): Promise<unknown> =>
    (await lake.sql(`SELECT k, n FROM "${schema}"."${table}" ORDER BY encode(k), n`)).rows;

  await query(`CREATE TABLE alone (k ${text} PRIMARY KEY, n int)`);
  await query(`INSERT INTO alone VALUES ('${BOM}', 1)`);
  await query(`CREATE TABLE mixed (k ${text} PRIMARY KEY, n int)`);
  await query(
    `INSERT INTO mixed VALUES ('${BOM}b', 1), ('a', 1), ('m', 1), ('${BOM}${BOM}', 1), ('${BOM}${'x'.repeat(50)}', 1)`,
  );
  await query(`CREATE TABLE bag (k ${text}, n int)${type === 'postgres' ? '' : ' ENGINE = InnoDB'}`);
  if (type === 'postgres') await query('ALTER TABLE bag REPLICA IDENTITY FULL');
  await query(`INSERT INTO bag VALUES ('${BOM}b', 1)`);
  await lake.createMirror(TASK, database.connection, { type });
  await lake.start(TASK);
  await lake.caughtUp(TASK);
  expect(await lake.differences(compared)).toEqual([]);
  expect(await rows('alone')).toEqual([[BOM, 1]]);
  expect(await rows('bag')).toEqual([[`${BOM}b`, 1]]);

  await query(`UPDATE mixed SET n = 2 WHERE k = 'm'`);
  await lake.caughtUp(TASK);
  await query(`UPDATE mixed SET n = 3 WHERE k = '${BOM}b'`);
  await query(`UPDATE mixed SET k = '${BOM}c' WHERE k = '${BOM}${BOM}'`);
  await query(`INSERT INTO mixed VALUES ('${BOM}', 5)`);
  await query(`UPDATE bag SET k = '${BOM}${BOM}' WHERE n = 1`);
  await lake.caughtUp(TASK);
  expect(await rows('mixed')).toEqual([
    ['a', 1],
    ['m', 2],
    [BOM, 5],
    [`${BOM}b`, 3],
    [`${BOM}c`, 1],
    [`${BOM}${'x'.repeat(50)}`, 1],
  ]);
  expect(await rows('bag')).toEqual([[`${BOM}${BOM}`, 1]]);
  expect(await lake.differences(compared)).toEqual([]);
});
