import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../../../../../tests/support/mysql.ts';
import { freshSeed } from '../../../../../tests/support/seed.ts';
import { decodeChanges } from '../testing/decoded-log.ts';
import { loadTable } from '../testing/loading.ts';
import { Draw } from '../testing/random-values.ts';

type Server = 'mysql' | 'mariadb';

/** A column's type and SQL expressions of values for it. */
interface Case {
  readonly type: string;
  readonly only?: Server;
  values(draw: Draw): readonly string[];
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

function integers(type: string, bytes: number): Case[] {
  const top = 2n ** BigInt(8 * bytes);
  const signed = [-top / 2n, -1n, 0n, 1n, 9n, 10n, 99n, 100n, top / 2n - 1n];
  return [
    {
      type,
      values: (draw) =>
        [...signed, ...times(30, () => BigInt(`0x${draw.hex(bytes)}`) - top / 2n)].map(String),
    },
    {
      type: `${type} unsigned`,
      values: (draw) =>
        [0n, 1n, top / 2n - 1n, top / 2n, top - 1n, ...times(30, () => BigInt(`0x${draw.hex(bytes)}`))].map(
          String,
        ),
    },
  ];
}

function decimals(precision: number, scale: number, more = ''): Case {
  const value = (draw: Draw): string => {
    const whole = draw.digits(draw.between(0, precision - scale));
    return `${more === '' && draw.below(2) === 1 ? '-' : ''}${whole}.${draw.digits(draw.between(0, scale))}0`;
  };
  return {
    type: `decimal(${precision},${scale})${more}`,
    values: (draw) => [
      '0',
      ...(more === '' ? ['-0.0', `-${'9'.repeat(precision - scale)}.${'9'.repeat(scale)}`] : []),
      `${'9'.repeat(precision - scale)}.${'9'.repeat(scale)}`,
      ...times(40, () => value(draw)),
    ],
  };
}

function temporals(digits: number): Case[] {
  const two = (draw: Draw, from: number, to: number): string =>
    String(draw.between(from, to)).padStart(2, '0');
  const time = (draw: Draw): string =>
    `${two(draw, 0, 23)}:${two(draw, 0, 59)}:${two(draw, 0, 59)}.${draw.digits(6)}`;
  const date = (draw: Draw): string =>
    `${String(draw.between(1, 9998)).padStart(4, '0')}-${two(draw, 1, 12)}-${two(draw, 1, 28)}`;
  return [
    {
      type: `datetime(${digits})`,
      values: (draw) => [
        "'0000-00-00'",
        "'2024-00-10 01:02:03'",
        "'2024-05-00 01:02:03'",
        "'9999-12-31 23:59:59'",
        "'0000-01-01 00:00:00'",
        ...times(40, () => `'${date(draw)} ${time(draw)}'`),
      ],
    },
    {
      type: `timestamp(${digits})`,
      values: (draw) => [
        '0',
        "'1970-01-01 00:00:01'",
        "'2038-01-19 03:14:07'",
        "'2024-02-29 12:34:56.987654'",
        ...times(
          40,
          () => `'${draw.between(1971, 2037)}-${two(draw, 1, 12)}-${two(draw, 1, 28)} ${time(draw)}'`,
        ),
      ],
    },
    {
      type: `time(${digits})`,
      values: (draw) => [
        "'838:59:59'",
        "'-838:59:59'",
        "'00:00:00'",
        "'-00:00:00.000001'",
        "'-00:00:00.9'",
        ...times(
          60,
          () =>
            `'${draw.below(2) ? '-' : ''}${draw.of([0, 1, 99, 100, draw.below(838)])}:${two(draw, 0, 59)}:${two(draw, 0, 59)}.${draw.digits(6)}'`,
        ),
      ],
    },
  ];
}

const CHARACTERS = [
  ...'abcdefghijklmnopqrstuvwxyz ,"\'\\\n\t0123456789',
  ...'äöüßéñÿ€‚„†ЖдїґѢαβΩŁłčřžאבגกขค',
  ...'漢字日本語かなカナ中文繁體한국어丂亂①㈱ー～＼―髙﨑',
  ...'😀𠀀',
];

function text(draw: Draw, most: number): string {
  const length = draw.of([0, 1, 2, most, draw.between(0, most)]);
  return times(length, () => draw.of(CHARACTERS)).join('');
}

const quote = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

function texts(type: string, charset: string, most: number): Case {
  return {
    type: `${type} character set ${charset}`,
    values: (draw) => [
      "''",
      "' '",
      "'  a  '",
      `'${'x'.repeat(most)}'`,
      `'${'"'.repeat(most)}'`,
      ...times(15, () => quote(text(draw, most))),
    ],
  };
}

function bytes(type: string, most: number): Case {
  return {
    type,
    values: (draw) => [
      "''",
      "x'00'",
      "x'6100'",
      "x'610000'",
      "x'20'",
      ...times(15, () => `x'${draw.hex(draw.between(0, most))}'`),
    ],
  };
}

function json(draw: Draw, depth: number): string {
  const scalar = (): string =>
    draw.of([
      'null',
      'true',
      'false',
      String(draw.between(-5, 5)),
      String(draw.between(-40_000, 70_000)),
      String(draw.between(-(2 ** 32), 2 ** 33)),
      `-${draw.between(1, 9)}${draw.digits(16)}`,
      `1${draw.digits(19)}`,
      String(draw.double()),
      String(draw.below(1e6) / 1000),
      `${draw.between(1, 9)}e${draw.between(-20, 20)}`,
      JSON.stringify(text(draw, 20)),
      JSON.stringify(times(3, () => String.fromCharCode(draw.between(1, 31))).join('')),
      JSON.stringify('long'.repeat(draw.between(0, 60))),
    ]);
  if (depth === 0 || draw.below(3) === 0) return scalar();
  const items = times(draw.below(6), () => json(draw, depth - 1));
  if (draw.below(2) === 0) return `[${items.join(',')}]`;
  return `{${items.map((item, i) => `${JSON.stringify(text(draw, 8) + i)}:${item}`).join(',')}}`;
}

const CASES: readonly Case[] = [
  ...integers('tinyint', 1),
  ...integers('smallint', 2),
  ...integers('mediumint', 3),
  ...integers('int', 4),
  ...integers('bigint', 8),
  { type: 'tinyint(1)', values: () => ['0', '1', '2', '-1'] },
  { type: 'int(10) unsigned zerofill', values: () => ['0', '42', '4294967295'] },
  decimals(1, 0),
  decimals(5, 5),
  decimals(9, 0),
  decimals(10, 1),
  decimals(18, 9),
  decimals(19, 2),
  decimals(30, 10),
  decimals(38, 30),
  decimals(65, 0),
  decimals(65, 30),
  decimals(65, 5, ' unsigned'),
  decimals(50, 5, ' unsigned zerofill'),
  {
    type: 'float',
    values: (draw) => [
      '0',
      '-0e0',
      '1.1',
      '3.402823466e38',
      '-3.402823466e38',
      '1e-45',
      '1.17549435e-38',
      '16777217',
      ...times(60, () => String(Math.fround(draw.double() % 1e30))),
      ...times(20, () => String(draw.below(100_000) / 100)),
    ],
  },
  {
    type: 'double',
    values: (draw) => [
      '0',
      '-0e0',
      '0.1',
      '1e15',
      '1e16',
      '1.7976931348623157e308',
      '2.2250738585072014e-308',
      '5e-324',
      '123456789012345678',
      '0.00001',
      ...times(100, () => String(draw.double())),
      ...times(50, () => String(draw.below(1e9) / 10 ** draw.below(8))),
    ],
  },
  {
    type: 'double(10,2)',
    values: (draw) => [
      '-0e0',
      '1.14',
      '1.36',
      '1.57',
      ...times(50, () => String(draw.below(100_000_000) / 100)),
      ...times(50, () => String(-draw.below(1000) / 100)),
    ],
  },
  {
    type: 'double(53,30)',
    values: (draw) => ['1.14', '5e-324', '1e22', ...times(20, () => String(draw.double() % 1e22))],
  },
  {
    type: 'double(12,3) unsigned zerofill',
    values: (draw) => ['0', '1.14', ...times(50, () => String(draw.below(1_000_000) / 1000))],
  },
  {
    type: 'double unsigned',
    values: (draw) => ['0', '1.14', '5e-324', '1e308', String(Math.abs(draw.double()))],
  },
  { type: 'bit(1)', values: () => ["b'0'", "b'1'"] },
  { type: 'bit(7)', values: () => ["b'0'", "b'1111111'", "b'10'"] },
  { type: 'bit(8)', values: () => ["b'0'", "b'11111111'"] },
  { type: 'bit(13)', values: () => ["b'0'", "b'1111111111111'", "b'1'"] },
  { type: 'bit(64)', values: (draw) => ["b'0'", '~0', ...times(10, () => `0x${draw.hex(8)}`)] },
  { type: 'year', values: () => ['0', '1901', '1970', '2024', '2155'] },
  {
    type: 'date',
    values: () => [
      "'0000-00-00'",
      "'2024-00-00'",
      "'2024-02-29'",
      "'9999-12-31'",
      "'0001-01-01'",
      "'2024-08-00'",
    ],
  },
  ...[0, 1, 2, 3, 4, 5, 6].flatMap(temporals),
  {
    type: "enum('a','b,c','','it''s','\"q\"') character set utf8mb4",
    values: () => ["'a'", "'b,c'", "''", "'it''s'", '\'"q"\'', "'no such'"],
  },
  ...['utf8mb4', 'utf16', 'utf32'].flatMap((charset): Case[] => [
    {
      type: `enum('😀','?','😎','a?😀') character set ${charset} collate ${charset}_bin`,
      values: () => ["'😀'", "'?'", "'😎'", "'a?😀'", "'a'"],
    },
    {
      type: `set('😀','a','?','it''s 😎') character set ${charset} collate ${charset}_bin`,
      values: () => ["''", "'😀'", "'a,😀'", "'it''s 😎'", "'?'", '15'],
    },
  ]),
  {
    only: 'mysql',
    type: "enum('😀','?','é') character set gb18030 collate gb18030_bin",
    values: () => ["'😀'", "'?'", "'é'"],
  },
  { type: "enum('ä','€') character set latin1", values: () => ["'ä'", "'€'"] },
  {
    type: `enum(${times(300, () => 0)
      .map((_, i) => `'m${i}'`)
      .join()}) character set utf8mb4`,
    values: () => ["'m0'", "'m254'", "'m255'", "'m256'", "'m299'"],
  },
  {
    type: "set('a','b','it''s','\"q\"') character set utf8mb4",
    values: () => ["''", "'a'", "'a,b'", "'b,it''s,\"q\"'"],
  },
  {
    type: `set(${times(64, () => 0)
      .map((_, i) => `'m${i}'`)
      .join()}) character set gbk`,
    values: (draw) => ['1', '~0', '0', ...times(10, () => `0x${draw.hex(8)}`)],
  },
  {
    type: `set(${times(20, () => 0)
      .map((_, i) => `'m${i}'`)
      .join()}) character set utf8mb4`,
    values: () => ['1', '1048575', '524288'],
  },
  texts('char(20)', 'utf8mb4', 20),
  texts('char(255)', 'utf8mb4', 255),
  texts('char(20)', 'latin1', 20),
  texts('char(20)', 'utf16', 20),
  texts('char(20)', 'gbk', 20),
  texts('varchar(20)', 'utf8mb4', 20),
  texts('varchar(300)', 'utf8mb4', 300),
  texts('varchar(8000)', 'utf8mb4', 8000),
  texts('varchar(63)', 'utf8mb3', 63),
  texts('tinytext', 'utf8mb4', 60),
  texts('text', 'latin1', 3000),
  texts('mediumtext', 'utf8mb4', 70_000),
  texts('longtext', 'utf16', 1000),
  bytes('binary(16)', 16),
  bytes('binary(255)', 255),
  bytes('varbinary(20)', 20),
  bytes('varbinary(1000)', 1000),
  bytes('tinyblob', 255),
  bytes('blob', 5000),
  bytes('mediumblob', 80_000),
  bytes('longblob', 100),
  {
    type: 'geometry',
    values: () => [
      "ST_GeomFromText('POINT(1.5 -2)')",
      "ST_GeomFromText('LINESTRING(0 0,1e30 1,2 2)')",
      "ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))')",
      "ST_GeomFromText('MULTIPOINT(1 1,2 2)')",
      "ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))')",
      "ST_GeomFromText('MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((0 0,4 0,4 4,0 0)))')",
      "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')",
      "ST_GeomFromText('POINT(10 20)', 4326)",
    ],
  },
  { type: 'point', values: () => ["ST_GeomFromText('POINT(0.1 0.2)')"] },
  {
    only: 'mysql',
    type: 'json',
    values: (draw) => [
      "'null'",
      "'{}'",
      "'[]'",
      '\'""\'',
      'JSON_ARRAY(1.0, 1e0, 1.5, 1e15, 1e16, 1e-15, 1e-16, -0e0, 123456789012345680000)',
      "JSON_ARRAY(CAST('12.340' AS DECIMAL(10,3)), CAST('-99999999999999999999.5' AS DECIMAL(40,10)))",
      "JSON_OBJECT('d', CAST('2024-02-29' AS DATE), 't', CAST('-838:59:59' AS TIME), 'dt', CAST('2024-02-29 12:34:56.789' AS DATETIME(3)), 'u', CAST('12:34:56.000001' AS TIME(6)))",
      "JSON_ARRAY(x'00ff', REPEAT(x'00ff41', 100), CAST('2024' AS YEAR), b'101')",
      'JSON_ARRAY(18446744073709551615, 9223372036854775807, -9223372036854775808, 4294967295, 4294967296, 65535, 65536, -32768, -32769)',
      `JSON_ARRAY(REPEAT('x', 127), REPEAT('y', 128), REPEAT('z', 20000))`,
      `CONCAT('[', REPEAT('70000, ', 30000), '1]')`,
      `CONCAT('{"a":', REPEAT('[', 50), REPEAT(']', 50), ', "b":"', REPEAT('long', 20000), '"}')`,
      ...times(150, () => quote(json(draw, 4))),
    ],
  },
  { only: 'mysql', type: 'vector(3)', values: () => ["TO_VECTOR('[1,2,3]')", "TO_VECTOR('[0.5,-1e10,0]')"] },
  { only: 'mariadb', type: 'json', values: () => ['\'{"a":  1}\'', '\'[1,2,"x"]\''] },
  {
    only: 'mariadb',
    type: 'uuid',
    values: (draw) => [
      "'00000000-0000-0000-0000-000000000000'",
      "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
      "'123e4567-e89b-12d3-a456-426655440000'",
      "'018f2b6a-0000-7000-8000-000000000000'",
      'UUID()',
      ...times(200, () => {
        const hex = draw.hex(16);
        return quote(
          [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-'),
        );
      }),
    ],
  },
  {
    only: 'mariadb',
    type: 'inet4',
    values: (draw) => [
      "'0.0.0.0'",
      "'1.2.3.0'",
      "'255.255.255.255'",
      ...times(20, () => `'${times(4, () => draw.below(256)).join('.')}'`),
    ],
  },
  {
    only: 'mariadb',
    type: 'inet6',
    values: (draw) => [
      "'::'",
      "'::1'",
      "'1::'",
      "'::ffff:1.2.3.4'",
      "'::1.2.3.4'",
      "'1:0:0:2:0:0:0:3'",
      "'1:0:2:3:4:5:6:7'",
      "'0:1:2:3:4:5:6:0'",
      "'1:2:3:4:5:6:7:8'",
      ...times(200, () => `'${times(8, () => draw.of(['0', '0', '0', 'ffff', draw.hex(2)])).join(':')}'`),
    ],
  },
  {
    only: 'mariadb',
    type: 'varchar(200) compressed character set utf8mb4',
    values: (draw) => ["''", "'a'", "REPEAT('ab', 100)", ...times(20, () => quote(text(draw, 100)))],
  },
  {
    only: 'mariadb',
    type: 'varchar(5000) compressed character set latin1',
    values: () => ["''", "'ä'", "REPEAT('äb', 1000)"],
  },
  {
    only: 'mariadb',
    type: 'text compressed character set utf8mb4',
    values: () => ["''", "'a'", "REPEAT('ab', 10000)"],
  },
  {
    only: 'mariadb',
    type: 'longblob compressed',
    values: (draw) => ["''", "x'00'", `REPEAT(x'${draw.hex(10)}', 10000)`],
  },
  {
    only: 'mariadb',
    type: 'varbinary(300) compressed',
    values: (draw) => ["''", "x'00'", `REPEAT(x'${draw.hex(10)}', 20)`],
  },
];

const casesOf = (flavour: Server): readonly Case[] =>
  CASES.filter(({ only }) => only === undefined || only === flavour);

/** Their text may differ where the value does not. */
const isNumber = (type: string): boolean => /^(float|double|year|int)/.test(type);

function same(type: string, logged: string | null, loaded: string | null): boolean {
  if (!isNumber(type) || logged === null || loaded === null) return logged === loaded;
  return Object.is(Number(logged), Number(loaded));
}

for (const flavour of FLAVOURS)
  describe(`values in the log of ${flavour}`, () => {
    const seed = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
    const draw = new Draw(seed);
    let db: TestMysqlDatabase;
    beforeAll(async () => {
      db = await sharedMysql(flavour).createDatabase();
      await db.query("SET sql_mode = '', time_zone = '+00:00'");
    });
    afterAll(() => db[Symbol.asyncDispose]());

    it(`are those of the full load, for every type (seed ${seed})`, async () => {
      const cases = casesOf(flavour);
      for (const [i, one] of cases.entries())
        await db.query(`CREATE TABLE t${i} (id int PRIMARY KEY, v ${one.type}, w ${one.type})`);
      const decoded = await decodeChanges(db, async () => {
        for (const [i, one] of cases.entries()) {
          const values = one.values(draw);
          for (let from = 0; from < values.length; from += 50) {
            const rows = values
              .slice(from, from + 50)
              .map((value, k) => `(${from + k}, ${value}, ${k % 3 === 0 ? 'NULL' : value})`);
            await db.query(`INSERT INTO t${i} VALUES ${rows.join(', ')}`);
          }
          await db.query(`INSERT INTO t${i} VALUES (100000, NULL, NULL)`);
        }
      });
      const differences: string[] = [];
      for (const [i, one] of cases.entries()) {
        const { rows: loaded } = await loadTable(db, `t${i}`);
        const logged = decoded.get(`t${i}`)!.rows;
        expect(logged.length, one.type).toBe(loaded.length);
        const byId = new Map(logged.map((row) => [row[1], row]));
        for (const [id, v, w] of loaded) {
          const row = byId.get(id!)!;
          if (row[0] !== 'I' || row[4] !== null) differences.push(`${one.type} line ${JSON.stringify(row)}`);
          for (const [k, value] of [v, w].entries())
            if (!same(one.type, row[2 + k]!, value!))
              differences.push(
                `${one.type} row ${id}: log ${JSON.stringify(row[2 + k])?.slice(0, 300)} load ${JSON.stringify(value)?.slice(0, 300)}`,
              );
        }
      }
      expect(differences.slice(0, 40)).toEqual([]);

      // The other ways through a row: skipped, found in a partial image, the key alone.
      const changed = await decodeChanges(db, async () => {
        for (const i of cases.keys()) {
          await db.query("SET SESSION binlog_row_image = 'FULL'");
          await db.query(`UPDATE t${i} SET w = v`);
          await db.query("SET SESSION binlog_row_image = 'MINIMAL'");
          await db.query(`UPDATE t${i} SET w = NULL WHERE id % 2 = 0`);
          await db.query(`UPDATE t${i} SET w = v WHERE id % 4 = 0`);
        }
        await db.query("SET SESSION binlog_row_image = 'FULL'");
      });
      for (const [i, one] of cases.entries()) {
        const rows = new Map(
          decoded.get(`t${i}`)!.rows.map(([, id, v, w]): [string, (string | null)[]] => [id!, [v!, w!]]),
        );
        for (const [op, id, v, w, mask] of changed.get(`t${i}`)!.rows) {
          expect(op).toBe('U');
          rows.set(id!, [mask?.[1] === '1' ? rows.get(id!)![0]! : v!, w!]);
        }
        const { rows: loaded } = await loadTable(db, `t${i}`);
        for (const [id, v, w] of loaded)
          for (const [k, value] of [v, w].entries())
            if (!same(one.type, rows.get(id!)![k]!, value!))
              differences.push(`${one.type} row ${id} after updates: ${rows.get(id!)![k]} for ${value}`);
        const deleted = await decodeChanges(db, async () => {
          await db.query('SET SESSION foreign_key_checks = 0');
          await db.query(`DELETE FROM t${i}`);
          await db.query('SET SESSION foreign_key_checks = 1');
        });
        expect(new Set(deleted.get(`t${i}`)!.rows.map((row) => row.join()))).toEqual(
          new Set(loaded.map(([id]) => `D,${id},,,`)),
        );
      }
      expect(differences.slice(0, 40)).toEqual([]);
    });

    it(`are those of the full load, in every character set (seed ${seed})`, async () => {
      const sets = (
        await db.rows(
          "SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME <> 'binary'",
        )
      ).map(([name, most]) => ({ name: name!, most: Number(most) }));
      for (const { name } of sets)
        await db.query(
          `CREATE TABLE cs_${name} (id int PRIMARY KEY, v varchar(100) character set ${name}, c char(10) character set ${name}, e enum('a','é','日') character set ${name})`,
        );
      const decoded = await decodeChanges(db, async () => {
        for (const { name, most } of sets) {
          const rows = times(40, (): string => {
            const value = quote(text(draw, 50));
            return `${value}, LEFT(${value}, 10), ${draw.between(1, 3)}`;
          });
          // Every byte, and codes of more bytes, valid or not: the server makes null or ? of what is not.
          for (let byte = 0; byte < 256; byte++)
            rows.push(`${raw(name, byte.toString(16).padStart(2, '0'))}, NULL, NULL`);
          if (most > 1)
            for (let k = 0; k < 300; k++)
              rows.push(`${raw(name, times(10, () => code(draw, most)).join(''))}, NULL, NULL`);
          if (most > 1)
            for (let k = 0; k < 1500; k++) rows.push(`${raw(name, code(draw, most))}, NULL, NULL`);
          for (let from = 0; from < rows.length; from += 500)
            await db.query(
              `INSERT INTO cs_${name} VALUES ${rows
                .slice(from, from + 500)
                .map((row, k) => `(${from + k}, ${row})`)
                .join(', ')}`,
            );
        }
      });
      const differences: string[] = [];
      for (const { name } of sets) {
        const { rows: loaded } = await loadTable(db, `cs_${name}`);
        const logged = new Map(decoded.get(`cs_${name}`)!.rows.map((row) => [row[1], row.slice(1, -1)]));
        expect(logged.size).toBe(loaded.length);
        for (const row of loaded)
          if (JSON.stringify(row) !== JSON.stringify(logged.get(row[0]!)))
            differences.push(
              `${name}: load ${JSON.stringify(row)} log ${JSON.stringify(logged.get(row[0]!))}`,
            );
      }
      expect(differences.slice(0, 40)).toEqual([]);
    });
  });

const raw = (charset: string, hex: string): string => `CONVERT(UNHEX('${hex}') USING ${charset})`;

/** A code of two to four bytes in hexadecimal, of the forms that the multi-byte character sets have. */
function code(draw: Draw, most: number): string {
  const byte = (from: number, to: number): string => draw.between(from, to).toString(16).padStart(2, '0');
  const two = byte(0x81, 0xfe) + byte(0x40, 0xfe);
  if (most === 2) return two;
  if (most === 3) return draw.of([two, `8f${byte(0xa1, 0xfe)}${byte(0xa1, 0xfe)}`, `8e${byte(0xa1, 0xdf)}`]);
  return draw.of([
    two,
    byte(0x81, 0xe3) + byte(0x30, 0x39) + byte(0x81, 0xfe) + byte(0x30, 0x39),
    `00${byte(0, 16)}${draw.hex(2)}`,
    `d8${draw.hex(1)}dc${draw.hex(1)}`,
    draw.hex(2),
  ]);
}
