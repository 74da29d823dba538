import { describe, expect, it } from 'vitest';
import { FLAVOURS, startMysql } from '../../../../../tests/support/mysql.ts';
import { parseNative } from '../native-type.ts';
import { decodeChanges } from '../testing/decoded-log.ts';
import { loadTable } from '../testing/loading.ts';
import { agrees } from './agreement.ts';

const COLUMNS = [
  'a int unsigned',
  'b bigint NOT NULL',
  'bi bit(3)',
  'da date',
  'v varchar(20) character set latin1',
  'x varbinary(20)',
  "e enum('a','b,c') character set utf8mb4",
  "s set('x','y','z') character set latin1",
  'd decimal(10,2) unsigned',
  'f float',
  't text character set utf8mb4',
  'bl blob',
  'g geometry',
  'i int INVISIBLE',
  'dt datetime',
  'ti time',
  'ts timestamp NULL',
  'c char(10) character set utf8mb4',
];

for (const flavour of FLAVOURS)
  describe(`table maps of ${flavour} with binlog_row_metadata=FULL`, () => {
    it('hold names, signs, collations, members, the key and what is visible', async () => {
      await using server = await startMysql(flavour, { settings: { 'binlog-row-metadata': 'FULL' } });
      await using db = await server.createDatabase();
      await db.query(`CREATE TABLE full (${COLUMNS.join(', ')}, PRIMARY KEY (v(5), b))`);
      await db.query('CREATE TABLE years (k int PRIMARY KEY, y year, n int unsigned)');
      await db.query(
        'CREATE TABLE simple (k1 int, `naïve, name` int, k2 tinyint unsigned, PRIMARY KEY (k2, k1))',
      );
      const decoded = await decodeChanges(db, async () => {
        await db.query("INSERT INTO full (a, b, v) VALUES (1, 2, 'ä')");
        await db.query('INSERT INTO years VALUES (1, 2024, 1)');
        await db.query('INSERT INTO simple VALUES (1, 2, 3)');
      });
      const { map, rows } = decoded.get('full')!;
      expect(rows[0]!.slice(0, 6)).toEqual(['I', '1', '2', null, null, 'ä']);
      expect(map.names).toEqual(COLUMNS.map((column) => column.split(' ')[0]));
      const told = Object.fromEntries(map.names!.map((name, i) => [name, map.unsigned![i]]));
      expect(told).toMatchObject({ a: true, b: false, d: true, f: false, v: null, i: false });
      expect(map.members).toEqual(map.names!.map((name) => ({ e: 2, s: 3 })[name] ?? null));
      expect(
        (map.visible ?? map.names!.map((name) => name !== 'i')).map((visible, i) =>
          visible ? '' : map.names![i],
        ),
      ).toEqual(map.names!.map((name) => (name === 'i' ? 'i' : '')));
      expect(map.primaryKey).toEqual([4, 1]);
      const collations = Object.fromEntries(map.names!.map((name, i) => [name, map.collations?.[i] ?? null]));
      expect(collations.x).toBe(63);
      expect(collations.bl).toBe(63);
      expect(collations.v).toBe(8);
      // MariaDB does not tell it.
      expect(map.visible === null).toBe(flavour === 'mariadb');
      expect(decoded.get('years')!.map.unsigned).toBeNull();
      const simple = decoded.get('simple')!.map;
      expect(simple.primaryKey).toEqual([2, 0]);
      expect(simple.names).toEqual(['k1', 'naïve, name', 'k2']);

      const natives = ['int', 'int', 'tinyint unsigned'].map(parseNative);
      const of = (types: readonly string[], names = simple.names!): string | null =>
        agrees(simple, types.map(parseNative), names);
      expect(agrees(simple, natives, simple.names!)).toBeNull();
      expect(of(['int', 'int'])).toContain('3 columns');
      expect(of(['int', 'bigint', 'tinyint unsigned'])).toContain('LONG');
      expect(of(['int', 'int', 'tinyint'])).toContain('unsigned');
      expect(of(['int', 'int', 'tinyint unsigned'], ['k1', 'other', 'k2'])).toContain('other');
    });
  });

describe('dates and times as MariaDB stored them before 10.1.2', () => {
  it('are read, and refused where they have a fraction', async () => {
    await using server = await startMysql('mariadb', { settings: { 'mysql56-temporal-format': 'OFF' } });
    await using db = await server.createDatabase();
    await db.query("SET time_zone = '+00:00', sql_mode = ''");
    await db.query('CREATE TABLE old (k int PRIMARY KEY, d datetime, t time, s timestamp NULL)');
    const decoded = await decodeChanges(db, async () => {
      await db.query(
        "INSERT INTO old VALUES (1, '2024-02-29 12:34:56', '-838:59:59', '2024-02-29 12:34:56'), (2, '0000-00-00', '00:00:01', 0), (3, '9999-12-31 23:59:59', '-00:00:01', '2038-01-19 03:14:07')",
      );
    });
    const { rows, map, lossy } = decoded.get('old')!;
    expect([...map.types]).toEqual([3, 12, 11, 7]);
    expect(lossy).toBe(2);
    expect(rows.map((row) => row.slice(1, -1))).toEqual((await loadTable(db, 'old')).rows);
    await db.query('CREATE TABLE fraction (d datetime(3))');
    await expect(
      decodeChanges(db, async () => void (await db.query("INSERT INTO fraction VALUES ('2024-01-01')"))),
    ).rejects.toThrow('before MariaDB 10.1.2');
  });
});
