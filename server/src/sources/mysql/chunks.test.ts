import { describe, expect, it } from 'vitest';
import {
  FLAVOURS,
  type Flavour,
  sharedMysql,
  type TestMysqlDatabase,
} from '../../../../tests/support/mysql.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { planRanges } from './chunks.ts';
import { openSession } from './connect.ts';
import { readKeyIndex } from './table-shape.ts';
import { describeTable, loadTable, never } from './testing/loading.ts';

/** A generator of numbers below n, from a seed (mulberry32). */
function numbers(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

type Draw = (random: (n: number) => number, i: number) => string;

const hex = (bytes: number[]): string => Buffer.from(bytes).toString('hex');
const two = (n: number): string => String(n).padStart(2, '0');
const word = (random: (n: number) => number, letters: string, longest: number): string =>
  Array.from({ length: random(longest + 1) }, () => [...letters][random([...letters].length)]).join('');

const date: Draw = (random) =>
  random(20) === 0
    ? `'${['0000-00-00', '2024-00-00', '2024-05-00', '1000-01-01', '9999-12-31'][random(5)]}'`
    : `'20${two(random(30))}-${two(1 + random(12))}-${two(1 + random(28))}'`;
const time = (random: (n: number) => number): string =>
  `${two(random(24))}:${two(random(60))}:${two(random(60))}`;

type KeyCase = readonly [what: string, columns: readonly (readonly [string, Draw])[]];

/** Definitions of a key's columns, and how a value of each is drawn as SQL. */
const KEYS: readonly KeyCase[] = [
  ['negative ints', [['int', (random) => String(random(2_000_000) - 1_000_000)]]],
  ['tinyints', [['tinyint', (random) => String(random(256) - 128)]]],
  [
    'unsigned bigints near 2^64',
    [['bigint unsigned', (random) => String(2n ** 64n - 1n - BigInt(random(5000)))]],
  ],
  [
    'bigints at both ends',
    [['bigint', (random) => String((random(2) ? 2n ** 63n - 5001n : -(2n ** 63n)) + BigInt(random(5000)))]],
  ],
  ['numbers far apart', [['bigint', (random) => String(2n ** BigInt(random(62)) + BigInt(random(50)))]]],
  ['zerofill', [['int(10) unsigned zerofill', (random) => String(random(100_000))]]],
  [
    'decimals',
    [
      [
        'decimal(30,10)',
        (random) => `${random(2) ? '-' : ''}${random(1_000_000)}${random(1e9)}.${random(1e9)}`,
      ],
    ],
  ],
  [
    'decimals of many digits',
    [
      [
        'decimal(65,30)',
        (random) => `${random(2) ? '-' : ''}${'12345678901234567890'}${random(1000)}.${random(1e9)}`,
      ],
    ],
  ],
  ['floats', [['float', (random) => `${(random(2e9) - 1e9) / 3}e${random(20) - 10}`]]],
  ['doubles', [['double', (random) => `${(random(2e9) - 1e9) / 3}e${random(400) - 200}`]]],
  ['rounded doubles', [['double(10,2)', (random) => `${random(1e6) / 100}`]]],
  ['bits', [['bit(64)', (random) => (random(2) ? `b'1${word(random, '01', 63)}'` : String(random(1000)))]]],
  ['years', [['year', (random) => String(random(10) ? 1901 + random(255) : 0)]]],
  ['dates', [['date', date]]],
  [
    'datetimes',
    [['datetime(6)', (random, i) => date(random, i).replace(/'$/, ` ${time(random)}.${random(1e6)}'`)]],
  ],
  [
    'timestamps',
    [
      [
        'timestamp(3)',
        (random) =>
          `'20${two(random(30))}-0${1 + random(9)}-0${1 + random(9)} ${time(random)}.${random(1000)}'`,
      ],
    ],
  ],
  [
    'times',
    [
      [
        'time(6)',
        (random) =>
          `'${random(2) ? '-' : ''}${random(839)}:${two(random(60))}:${two(random(60))}.${random(1e6)}'`,
      ],
    ],
  ],
  [
    'an enum',
    [
      ["enum('z','b','a','it''s','ü')", (random) => String(1 + random(5))],
      ['int', (random) => String(random(500))],
    ],
  ],
  [
    'a set',
    [
      ["set('x','y','z')", (random) => String(random(8))],
      ['int', (random) => String(random(300))],
    ],
  ],
  [
    'an enum at the end',
    [
      ['int', (random) => String(random(300))],
      ["enum('z','b','a')", (random) => String(1 + random(3))],
    ],
  ],
  [
    'words',
    [['varchar(40) character set utf8mb4', (random) => `'${word(random, 'abcXYZ 0129-_ßäÄéñ中文😀', 12)}'`]],
  ],
  [
    'words of utf8mb4_bin',
    [
      [
        'varchar(40) character set utf8mb4 collate utf8mb4_bin',
        (random) => `'${word(random, 'aAbB \tZ中😀', 10)}'`,
      ],
    ],
  ],
  [
    'words of utf8mb4_general_ci',
    [
      [
        'varchar(40) character set utf8mb4 collate utf8mb4_general_ci',
        (random) => `'${word(random, 'aAbBéEzZ \t_-', 10)}'`,
      ],
    ],
  ],
  [
    'words of latin1',
    [['varchar(40) character set latin1', (random) => `'${word(random, 'aAbBéEzZüÿ -', 10)}'`]],
  ],
  ['words of sjis', [['varchar(40) character set sjis', (random) => `'${word(random, 'aZ表ソ能ｱ', 8)}'`]]],
  ['words of utf16', [['varchar(40) character set utf16', (random) => `'${word(random, 'aZéz中😀', 8)}'`]]],
  ['chars', [['char(10) character set utf8mb4', (random) => `'${word(random, 'ab \tc', 8)}'`]]],
  [
    'mails',
    [
      [
        'varchar(80) character set utf8mb4',
        (random, i) => `'${word(random, 'abcdefghijk', 6)}.${i}@example.com'`,
      ],
    ],
  ],
  [
    'numbers as text',
    [['varchar(20) character set utf8mb4', (_, i) => `'user-${String(i * 7).padStart(9, '0')}'`]],
  ],
  [
    'uuids as text',
    [
      [
        'char(36) character set ascii',
        (random) =>
          `'${hex(Array.from({ length: 16 }, () => random(256))).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}'`,
      ],
    ],
  ],
  ['binary(16)', [['binary(16)', (random) => `x'${hex(Array.from({ length: 16 }, () => random(256)))}'`]]],
  [
    'varbinary',
    [
      [
        'varbinary(20)',
        (random) => `x'${hex(Array.from({ length: random(8) }, () => [0, 1, 32, 255][random(4)]!))}'`,
      ],
    ],
  ],
  [
    'few tenants, many rows',
    [
      ['int', (random) => String(random(3))],
      ['bigint', (random) => String(random(1e6))],
    ],
  ],
  [
    'three columns',
    [
      ['smallint', (random) => String(random(4))],
      ['varchar(10) character set utf8mb4', (random) => `'${word(random, 'ab', 3)}'`],
      ['date', date],
    ],
  ],
];
/** Keys of one server alone. */
const OWN = {
  mysql: [
    [
      'words of utf8mb4_0900_ai_ci',
      [
        [
          'varchar(40) character set utf8mb4 collate utf8mb4_0900_ai_ci',
          (random) => `'${word(random, 'aAbBéEzZ \t_-', 10)}'`,
        ],
      ],
    ],
    [
      'chars without padding',
      [
        [
          'char(10) character set utf8mb4 collate utf8mb4_0900_bin',
          (random) => `'${word(random, 'a\t b', 8)}'`,
        ],
      ],
    ],
  ],
  mariadb: [
    [
      'uuids',
      [
        [
          'uuid',
          (random) =>
            `'${hex(Array.from({ length: 16 }, () => random(256))).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}'`,
        ],
      ],
    ],
    ['inet6', [['inet6', (random) => `'fe80::${random(65536).toString(16)}:${random(65536).toString(16)}'`]]],
    ['inet4', [['inet4', (random) => `'10.${random(256)}.${random(256)}.1'`]]],
  ],
} satisfies Record<Flavour, readonly KeyCase[]>;

/** As many rows as are drawn, less those whose key is there already, less some that are deleted again. */
async function fill(
  db: TestMysqlDatabase,
  columns: readonly (readonly [string, Draw])[],
  random: (n: number) => number,
  rows: number,
  primary: string,
): Promise<number> {
  const client = await db.client();
  await client.query("SET sql_mode = 'ALLOW_INVALID_DATES'");
  const names = columns.map((_, i) => `k${i}`);
  await client.query(
    `CREATE TABLE a (v varchar(30), ${columns.map(([type], i) => `k${i} ${type} NOT NULL`).join(', ')}, PRIMARY KEY (${primary}))`,
  );
  for (let at = 0; at < rows; at += 500) {
    const values = Array.from(
      { length: 500 },
      (_, i) => `('row ${at + i}', ${columns.map(([, draw]) => draw(random, at + i)).join(', ')})`,
    );
    await client.query(`INSERT IGNORE INTO a (v, ${names.join(', ')}) VALUES ${values.join(', ')}`);
  }
  await client.query(`DELETE FROM a WHERE v LIKE '%${random(10)}'; ANALYZE TABLE a`);
  const [[count]] = (await db.rows('SELECT COUNT(*) FROM a')) as [[string]];
  return Number(count);
}

describe.each(FLAVOURS)('chunks of %s', (flavour) => {
  const server = sharedMysql(flavour);

  it.each([...KEYS, ...(OWN[flavour] as readonly KeyCase[])])(
    'hold every row once: %s',
    async (_, columns) => {
      const seed = freshSeed();
      await using db = await server.createDatabase();
      const order = columns.map((__, i) => `k${i}`).join(', ');
      const count = await fill(db, columns, numbers(seed), 3000, order);
      const { rows, chunks } = await loadTable(db, 'a', 8000);
      const about = `seed ${seed}, chunks ${chunks.join(' ')}`;
      expect(rows.length, about).toBe(count);
      expect(new Set(rows.map(([v]) => v)).size, about).toBe(count);
      if (count > 1000 && !/^(enum|set)/.test(columns[0]![0])) {
        expect(chunks.length, about).toBeGreaterThan(2);
        expect(Math.max(...chunks), about).toBeLessThan(count / 2);
      }
    },
  );

  it.each([
    ['evenly spread', 'bigint', 'n * 3'],
    ['one at 0, the others far away', 'bigint', 'IF(n = 1, 0, 1099511627776 + n)'],
    ['in clusters', 'bigint', '(n DIV 20000) * 1000000000 + n'],
    ['growing faster and faster', 'bigint', 'n * n * n'],
    ['in times', 'datetime(6)', "'2020-01-01' + INTERVAL n * 10 SECOND"],
    ['in texts', 'varchar(30) CHARACTER SET utf8mb4', "CONCAT('order-', LPAD(n, 9, '0'))"],
    [
      'in texts of random digits',
      'char(40) CHARACTER SET ascii',
      "CONCAT(LPAD(HEX((n * 2654435761) % 4294967296), 8, '0'), '-', n)",
    ],
  ])(
    'are found without reading the table: keys %s',
    async (_, type, expression) => {
      await using db = await server.createDatabase();
      const client = await db.client();
      const rows = 120_000;
      await client.query(`CREATE TABLE a (id ${type} PRIMARY KEY, t varchar(60))`);
      const digits =
        '(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)';
      const n = '1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d';
      await client.query(
        `INSERT INTO a SELECT ${expression}, 'a text of about this length, no more' FROM (SELECT ${n} AS n FROM ${['a', 'b', 'c', 'e', 'f', 'g'].map((name) => `${digits} ${name}`).join(', ')}) s WHERE n <= ${rows}; ANALYZE TABLE a`,
      );
      const { name, columns, identity } = await describeTable(db, 'a');
      const key = identity.kind === 'key' ? identity.columns : [];
      await using session = await openSession(db.connection, { applicationName: 'sluice test' }, never);
      const index = await readKeyIndex(session, name, columns, key);
      const counters = async (): Promise<Record<string, number>> =>
        Object.fromEntries(
          (
            await session.rows(
              "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Questions'",
            )
          ).map((row) => [row.Variable_name!, Number(row.Value)]),
        );
      const before = await counters();
      const ranges = await planRanges(session, name, index, 5000);
      const after = await counters();
      const grown = (names: readonly string[]): number =>
        names.reduce((sum, one) => sum + after[one]! - before[one]!, 0);
      const questions = grown(['Questions']);
      const read = grown(Object.keys(after).filter((one) => one.startsWith('Handler_read')));
      const { chunks } = await loadTable(db, 'a', 5000 * 90);
      const about = `${questions} statements, ${read} rows read, chunks ${chunks.join(' ')}`;
      expect(ranges.length, about).toBeGreaterThan(15);
      expect(questions, about).toBeLessThan(10 * ranges.length);
      expect(read, about).toBeLessThan(50 * ranges.length);
      expect(chunks.reduce((sum, count) => sum + count, 0)).toBe(rows);
      expect(Math.max(...chunks), about).toBeLessThan(4 * 5000);
    },
    30_000,
  );

  it('are found where the statistics know nothing of the rows', async () => {
    await using db = await server.createDatabase();
    const client = await db.client();
    await client.query(
      'CREATE TABLE a (id int PRIMARY KEY, t varchar(60)) STATS_AUTO_RECALC=0, STATS_PERSISTENT=1; ANALYZE TABLE a',
    );
    for (let at = 0; at < 20_000; at += 1000)
      await client.query('INSERT INTO a VALUES ?', [
        Array.from({ length: 1000 }, (_, i) => [at + i, 'x'.repeat(50)]),
      ]);
    const { chunks } = await loadTable(db, 'a', 100_000);
    expect(chunks.reduce((sum, count) => sum + count, 0)).toBe(20_000);
    expect(Math.max(...chunks), chunks.join(' ')).toBeLessThan(10_000);
  });

  it('of an index that is sorted downwards, of one without a row, of columns in another order than the key', async () => {
    await using db = await server.createDatabase();
    const client = await db.client();
    await client.query(
      'CREATE TABLE a (x int, y int, PRIMARY KEY (y DESC, x)); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE k0 (k0 varchar(9), `from` int, PRIMARY KEY (`from`, k0))',
    );
    const some = Array.from({ length: 5000 }, (_, i) => [i % 7, i]);
    await client.query('INSERT INTO a VALUES ?', [some]);
    await client.query('INSERT INTO k0 VALUES ?', [some]);
    await client.query('ANALYZE TABLE a, k0');
    for (const table of ['a', 'k0']) {
      const { rows, chunks } = await loadTable(db, table, 20_000);
      expect(new Set(rows.map(String)).size).toBe(5000);
      expect(rows.length).toBe(5000);
      expect(chunks.length).toBeGreaterThan(3);
    }
    expect(await loadTable(db, 'b')).toEqual({ rows: [], chunks: [] });
  });
});
