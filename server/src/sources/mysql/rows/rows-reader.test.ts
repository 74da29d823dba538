import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../../../../../tests/support/mysql.ts';
import { freshSeed } from '../../../../../tests/support/seed.ts';
import { type DecodedRow, decodeChanges } from '../testing/decoded-log.ts';
import { loadTable } from '../testing/loading.ts';
import { Draw } from '../testing/random-values.ts';
import { RowsLost } from './rows-reader.ts';

/** `U 1,a,~ mask` */
const story = (rows: readonly DecodedRow[]): string[] =>
  rows.map(([op, ...fields]) => {
    const mask = fields.pop();
    return `${op} ${fields.map((field) => field ?? '~').join(',')}${mask === null ? '' : ` ${mask}`}`;
  });

for (const flavour of FLAVOURS)
  describe(`rows in the log of ${flavour}`, () => {
    let db: TestMysqlDatabase;
    let table = 0;
    beforeAll(async () => {
      db = await sharedMysql(flavour).createDatabase();
    });
    afterAll(() => db[Symbol.asyncDispose]());

    /** Statements on a fresh table, whose name stands for `t` in them. */
    async function changes(
      columns: string,
      before: readonly string[],
      statements: readonly string[],
      settings: readonly string[] = [],
    ): Promise<string[]> {
      const name = `t${++table}`;
      const run = async (sql: string): Promise<void> => void (await db.query(sql.replaceAll(/\bt\b/g, name)));
      await run(`CREATE TABLE t (${columns})`);
      for (const sql of before) await run(sql);
      const decoded = await decodeChanges(db, async () => {
        await db.query(
          "SET SESSION binlog_row_image = 'FULL', time_zone = '+00:00', sql_mode = '', foreign_key_checks = 0" +
            settings.map((one) => `, SESSION ${one}`).join(''),
        );
        for (const sql of statements) await run(sql);
        await db.query("SET SESSION binlog_row_image = 'FULL', foreign_key_checks = 1");
      });
      return story(decoded.get(name)?.rows ?? []);
    }

    const WITH_KEY = 'a int, k varchar(10), b text, c int DEFAULT 7, PRIMARY KEY (k)';
    const ROW = ["INSERT INTO t VALUES (1, 'x', 'text', 2)"];
    const CHANGE = [
      'UPDATE t SET a = 5',
      "UPDATE t SET k = 'y'",
      "UPDATE t SET b = NULL, a = NULL WHERE k = 'y'",
      "DELETE FROM t WHERE k = 'y'",
    ];

    it('a moved key is the old one and then the row', async () => {
      expect(await changes(WITH_KEY, ROW, CHANGE)).toEqual([
        'U 5,x,text,2',
        'K ~,x,~,~',
        'U 5,y,text,2',
        'U ~,y,~,2',
        'D ~,y,~,~',
      ]);
    });

    it('small letters where foreign keys may have done more than is logged', async () => {
      const told = flavour === 'mysql' ? ['K', 'D'] : ['k', 'd'];
      expect(await changes(WITH_KEY, ROW, CHANGE, ['foreign_key_checks = 1'])).toEqual([
        'U 5,x,text,2',
        `${told[0]} ~,x,~,~`,
        'U 5,y,text,2',
        'U ~,y,~,2',
        `${told[1]} ~,y,~,~`,
      ]);
      expect(await changes('a int', ['INSERT INTO t VALUES (1)'], ['DELETE FROM t'])).toEqual(['D 1']);
    });

    it('several rows in one event', async () => {
      expect(
        await changes(
          'k int PRIMARY KEY, v char(3)',
          [],
          [
            "INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, '\"')",
            'UPDATE t SET k = k + 10 ORDER BY k',
            'DELETE FROM t ORDER BY k',
          ],
        ),
      ).toEqual([
        ...['I 1,a', 'I 2,~', 'I 3,"'],
        ...['K 1,~', 'U 11,a', 'K 2,~', 'U 12,~', 'K 3,~', 'U 13,"'],
        ...['D 11,~', 'D 12,~', 'D 13,~'],
      ]);
    });

    it('without a key: the whole old row, then the new one', async () => {
      expect(
        await changes(
          'a int, b text',
          ["INSERT INTO t VALUES (1, 'x')"],
          ['UPDATE t SET a = 2', 'DELETE FROM t'],
        ),
      ).toEqual(['D 1,x', 'I 2,x', 'D 2,x']);
    });

    it('binlog_row_image=MINIMAL: what was left out comes from the old image, or is unchanged', async () => {
      expect(await changes(WITH_KEY, ROW, CHANGE, ["binlog_row_image = 'MINIMAL'"])).toEqual([
        'U 5,x,~,~ 0011',
        'K ~,x,~,~',
        'U ~,y,~,~ 1011',
        'U ~,y,~,~ 0001',
        'D ~,y,~,~',
      ]);
    });

    it('binlog_row_image=NOBLOB: texts are only there when they change', async () => {
      expect(await changes(WITH_KEY, ROW, CHANGE, ["binlog_row_image = 'NOBLOB'"])).toEqual([
        'U 5,x,~,2 0010',
        'K ~,x,~,~',
        'U 5,y,~,2 0010',
        'U ~,y,~,2',
        'D ~,y,~,~',
      ]);
    });

    it('binlog_row_image=MINIMAL without a key: all columns are in the old image', async () => {
      expect(
        await changes(
          'a int, b text, c int',
          ["INSERT INTO t VALUES (1, 'x', 3)"],
          ['UPDATE t SET a = 2', 'DELETE FROM t'],
          ["binlog_row_image = 'MINIMAL'"],
        ),
      ).toEqual(['D 1,x,3', 'I 2,x,3', 'D 2,x,3']);
    });

    it('a key that the server does not identify rows by: which row it was is not known', async () => {
      await expect(
        changes(
          'a int, b int NOT NULL, c text, UNIQUE (b)',
          ["INSERT INTO t VALUES (1, 2, 'x')"],
          ['UPDATE t SET a = 2'],
          ["binlog_row_image = 'MINIMAL'"],
        ),
      ).rejects.toMatchObject({ code: 'TABLE_NO_IDENTITY' });
    });

    it('binlog_row_image=MINIMAL: an insert leaves out what it did not give', async () => {
      expect(
        await changes(
          'k int AUTO_INCREMENT PRIMARY KEY, a int DEFAULT 7, b text, c datetime DEFAULT CURRENT_TIMESTAMP, d varchar(9) DEFAULT (CONCAT(1, 2)), e int NOT NULL',
          [],
          ['SET timestamp = 1700000000', 'INSERT INTO t (b) VALUES (NULL)', 'SET timestamp = DEFAULT'],
          ["binlog_row_image = 'MINIMAL'"],
        ),
      ).toEqual(['I 1,~,~,2023-11-14 22:13:20,12,~ 010001']);
    });

    it('binlog_row_image=MINIMAL: a row without a key that came without its defaults is lost', async () => {
      const made = changes(
        'a int, b int DEFAULT 7',
        [],
        ['INSERT INTO t (a) VALUES (1)'],
        ["binlog_row_image = 'MINIMAL'"],
      );
      // MariaDB logs such rows whole.
      if (flavour === 'mariadb') expect(await made).toEqual(['I 1,7']);
      else await expect(made).rejects.toThrow(RowsLost);
    });

    it('generated and invisible columns', async () => {
      expect(
        await changes(
          "k int PRIMARY KEY, a int, v int AS (a + 1) VIRTUAL, s varchar(9) AS (CONCAT(a, ',')) STORED, i int INVISIBLE DEFAULT 4",
          [],
          ['INSERT INTO t (k, a) VALUES (1, 1)', 'UPDATE t SET a = 2', 'DELETE FROM t'],
        ),
      ).toEqual(['I 1,1,2,1,,4', 'U 1,2,3,2,,4', 'D 1,~,~,~,~']);
    });

    it('generated columns of rows without a key', async () => {
      expect(
        await changes(
          'a int, v int AS (a + 1) VIRTUAL, s int AS (a + 2) STORED',
          [],
          ['INSERT INTO t (a) VALUES (1)', 'UPDATE t SET a = 2', 'DELETE FROM t'],
        ),
      ).toEqual(['I 1,2,3', 'D 1,2,3', 'I 2,3,4', 'D 2,3,4']);
    });

    it('a thousand columns', async () => {
      const names = Array.from({ length: 1000 }, (_, i) => `c${i}`);
      const lines = await changes(
        `k int PRIMARY KEY, ${names.map((name, i) => `${name} ${i % 3 ? 'smallint' : 'char(3) character set ascii'}`).join()}`,
        [],
        [
          `INSERT INTO t (k, ${names}) VALUES (1, ${names.map((_, i) => (i % 7 ? i : 'NULL'))})`,
          'UPDATE t SET c999 = 5',
        ],
      );
      const values = names.map((_, i) => (i % 7 ? String(i) : '~'));
      expect(lines).toEqual([`I 1,${values}`, `U 1,${[...values.slice(0, 999), '5']}`]);
    });
  });

describe('parts of JSON documents (binlog_row_value_options=PARTIAL_JSON)', () => {
  let db: TestMysqlDatabase;
  beforeAll(async () => {
    db = await sharedMysql('mysql').createDatabase();
  });
  afterAll(() => db[Symbol.asyncDispose]());

  const seed = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
  it(`are applied to the old document (seed ${seed})`, async () => {
    const draw = new Draw(seed);
    await db.query('CREATE TABLE t (k int PRIMARY KEY, a json, n int, b json, c json)');
    const document = (): string =>
      `'{"a": {"b": [1, 2, {"x y": "${'x'.repeat(draw.between(1, 300))}", "q\\\\"": 1.5}], "é": null}, "list": [${Array.from({ length: draw.below(9) }, () => draw.below(100_000))}], "big": 12345678901234567890}'`;
    for (let k = 0; k < 20; k++)
      await db.query(`INSERT INTO t VALUES (${k}, ${document()}, 1, ${document()}, NULL)`);
    const paths = [
      '$.a',
      '$.a.b',
      '$.a.b[0]',
      '$.a.b[2]."x y"',
      '$.a.b[2]."q\\\\""',
      '$.a."é"',
      '$.list',
      '$.list[0]',
      '$.list[2]',
      '$.new',
      '$.a.n',
      '$.big',
      '$.a.b[last]',
      '$.a.b[last-1]',
      '$.a.b[last-3]',
      '$.list[last-9]',
      '$.big[last-2]',
      '$.big[0]',
      '$.big[1]',
      '$.list[0][0]',
      '$[0].big',
    ];
    const values = [
      '1',
      'NULL',
      "'short'",
      "REPEAT('long', 100)",
      '1.5e0',
      'JSON_OBJECT("z", 1, "yy", 2)',
      'JSON_ARRAY(1, 2)',
      'CAST("2024-01-01" AS DATE)',
      '18446744073709551615',
    ];
    const change = (column: string): string => {
      const path = `'${draw.of(paths)}'`;
      const value = draw.of(values);
      return draw.of([
        `JSON_SET(${column}, ${path}, ${value})`,
        `JSON_REPLACE(${column}, ${path}, ${value})`,
        `JSON_REMOVE(${column}, ${path})`,
        `JSON_SET(${column}, ${path}, ${value}, '${draw.of(paths)}', ${draw.of(values)})`,
        `JSON_REPLACE(${column}, ${path}, ${value}, '${draw.of(paths)}', ${draw.of(values)})`,
      ]);
    };
    const states: (string | null)[][] = [];
    const decoded = await decodeChanges(db, async () => {
      await db.query("SET SESSION binlog_row_value_options = 'PARTIAL_JSON'");
      for (let i = 0; i < 600; i++) {
        const k = draw.below(20);
        const set = draw.of([
          `a = ${change('a')}`,
          `b = ${change('b')}`,
          `a = ${change('a')}, b = ${change('b')}`,
          `b = ${change('b')}, n = n + 1`,
        ]);
        await db.query(`UPDATE t SET ${set}, n = n + 1 WHERE k = ${k}`);
        states.push(...(await db.rows(`SELECT k, a, n, b, c FROM t WHERE k = ${k}`)));
      }
      await db.query("SET SESSION binlog_row_value_options = ''");
    });
    const rows = decoded.get('t')!.rows;
    expect(rows.map((row) => row.slice(1, -1))).toEqual(states);
    expect(rows.length).toBeGreaterThan(500);
  });

  it('of which the document itself was not logged: the row is lost', async () => {
    await db.query('CREATE TABLE lost (k int PRIMARY KEY, a json, b json)');
    await db.query(`INSERT INTO lost VALUES (1, '{"a": "${'x'.repeat(100)}"}', '{}')`);
    const settings = "SET SESSION binlog_row_value_options = 'PARTIAL_JSON', binlog_row_image = 'MINIMAL'";
    await expect(
      decodeChanges(db, async () => {
        await db.query(settings);
        await db.query("UPDATE lost SET a = JSON_SET(a, '$.a', 'y')");
      }),
    ).rejects.toThrow(RowsLost);
    const decoded = await decodeChanges(db, async () => {
      await db.query("UPDATE lost SET b = '[1]'");
      await db.query("SET SESSION binlog_row_value_options = '', binlog_row_image = 'FULL'");
    });
    expect(story(decoded.get('lost')!.rows)).toEqual(['U 1,~,[1] 010']);
    expect((await loadTable(db, 'lost')).rows).toEqual([['1', '{"a": "y"}', '[1]']]);
  });
});
