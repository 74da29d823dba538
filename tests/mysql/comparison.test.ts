import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { equal, type Lake } from '../../demo/comparison.ts';
import { compareMysql } from '../../demo/comparison-mysql.ts';
import type { Value } from '../../demo/normalise.ts';
import { FLAVOURS, sharedMysql } from '../support/mysql.ts';

const COLUMNS = `id bigint unsigned PRIMARY KEY, ok tinyint(1), bits bit(12), y year, price decimal(30,30), f float, d double,
  name varchar(20) CHARACTER SET latin1, kind enum('a','b,c'), raw binary(3), day date, at datetime(6), stamp timestamp(3) NULL,
  clock time(3), shape geometry`;

const ROW = `18446744073709551615, 1, b'101', 2024, 0.5, 0.1, 1e-300, 'é', 'b,c', x'61', '2024-02-29', '0001-01-01 00:00:00.000001',
  '2024-07-01 12:00:00.25', '23:59:59.5', ST_GeomFromText('MULTIPOINT(1 2,3 4.5)')`;
const NO_DATES = `1, 0, b'0', 0, -0.25, -0e0, 0, '', 'a', '', '2024-02-00', '0000-00-00', 0, NULL, ST_GeomFromText('POINT(10 20)', 4326)`;

const LAKE = (schema: string): readonly string[] => [
  `CREATE SCHEMA "${schema}"`,
  `CREATE TABLE "${schema}".t (id DECIMAL(20,0), ok BOOLEAN, bits BLOB, y INTEGER, price DECIMAL(30,30), f FLOAT, d DOUBLE,
     name VARCHAR, kind VARCHAR, raw BLOB, day DATE, "at" TIMESTAMP, stamp TIMESTAMPTZ, clock TIME, shape VARCHAR, _op VARCHAR)`,
  `INSERT INTO "${schema}".t VALUES
     (18446744073709551615, true, '\\x00\\x05'::BLOB, 2024, 0.5, 0.1, 1e-300, 'é', 'b,c', 'a\\x00\\x00'::BLOB, '2024-02-29',
      '0001-01-01 00:00:00.000001', '2024-07-01 12:00:00.25+00', '23:59:59.5', 'MULTIPOINT((1 2),(3 4.5))', 'I'),
     (1, false, '\\x00\\x00'::BLOB, 0, -0.25, '-0', 0, '', 'a', '\\x00\\x00\\x00'::BLOB, NULL, NULL, NULL, NULL, 'SRID=4326;POINT(AXES)', 'I')`,
];

describe.each(FLAVOURS)('the comparison of a lake and %s', (flavour) => {
  it('finds what differs, and nothing where all is equal', async () => {
    await using database = await sharedMysql(flavour).createDatabase();
    await database.query(`SET sql_mode = '', time_zone = '+00:00'`);
    await database.query(`CREATE TABLE t (${COLUMNS})`);
    for (const row of [ROW, NO_DATES]) await database.query(`INSERT INTO t VALUES (${row})`);
    const duck = await (await DuckDBInstance.create(':memory:')).connect();
    // MySQL reads a place's latitude first; stored are longitudes first on both.
    const axes = flavour === 'mysql' ? '20 10' : '10 20';
    // MariaDB's literals have no negative zero.
    const zero = flavour === 'mysql' ? '-0' : '0';
    for (const sql of LAKE(database.name))
      await duck.run(sql.replace('AXES', axes).replace("'-0'", `'${zero}'`));
    const lake: Lake = {
      columns: async () =>
        [...COLUMNS.matchAll(/(?:^|, ?\s*)([a-z]+) [a-z]/g)].map(([, name]) => String(name)),
      query: async (sql) => (await duck.runAndReadAll(sql)).getRowsJson() as readonly (readonly Value[])[],
    };
    const client = await database.client();
    const [same] = await compareMysql(client, lake);
    expect([same!.problem, ...same!.examples]).toEqual([null]);
    expect(equal(same!)).toBe(true);

    for (const change of [
      `price = 0.500000000000000000000000000001`,
      `raw = 'a'::BLOB`,
      `"at" = '0001-01-01 00:00:00.000002'`,
      `f = nextafter(f, 1::FLOAT)`,
      `ok = false`,
      `shape = 'MULTIPOINT((1 2),(3 4.25))'`,
      `clock = NULL`,
    ]) {
      await duck.run('BEGIN');
      await duck.run(`UPDATE "${database.name}".t SET ${change} WHERE id > 1`);
      const [changed] = await compareMysql(client, lake);
      expect([change, changed!.different]).toEqual([change, 1]);
      await duck.run('ROLLBACK');
    }
    await duck.run(`DELETE FROM "${database.name}".t WHERE id = 1`);
    expect(await compareMysql(client, lake)).toMatchObject([{ missing: 1, extra: 0, different: 0 }]);
    expect(await compareMysql(client, lake, { wanted: (table) => table !== 't' })).toEqual([]);
  });
});
