import type { Flavour } from '../support/mysql.ts';

/**
 * Every type of MySQL and MariaDB that a column can have, with values at its edges: the one table that the tests of
 * types are run from and that docs/types-mysql.md is written from.
 */

/**
 * How a value is put into text on both sides, each by its own server, so that equal texts are equal values:
 *   text      the source's output as it is · the lake's string, number or uuid
 *   number    the source's number without leading zeros · the lake's number
 *   boolean   true, false
 *   float, double   the bits
 *   date      days since 1970-01-01
 *   instant   microseconds since 1970-01-01 00:00 (UTC)
 *   time      microseconds since midnight
 *   bytes     hexadecimal
 *   bits      hexadecimal, as many bytes as the bits need
 *   geometry  well-known text
 */
export type Writing =
  | 'text'
  | 'number'
  | 'boolean'
  | 'float'
  | 'double'
  | 'date'
  | 'instant'
  | 'time'
  | 'bytes'
  | 'bits'
  | 'geometry';

export interface MysqlTypeRow {
  /** As a definition says it. */
  readonly type: string;
  /** The Iceberg type. */
  readonly lake: string;
  readonly as: Writing;
  /** SQL under sql_mode NO_BACKSLASH_ESCAPES, ALLOW_INVALID_DATES: strings are literal but for doubled quotes. */
  readonly values: readonly string[];
  /** Values that become null and are counted. */
  readonly nulled?: readonly string[];
  /** Values without a counterpart in the lake: the table is stopped, or they become null, as the task says. */
  readonly refused?: readonly string[];
  /** Of one of the two servers alone. */
  readonly only?: Flavour;
  readonly note?: string;
}

const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const NASTY = [
  '',
  ' ',
  'a',
  'a ',
  "it's",
  '"',
  '""',
  '\\',
  '\\\\',
  '\\N',
  '\\x41',
  'NULL',
  'null',
  'a,b',
  '{}',
  ';',
  '%',
  '--',
  '\n',
  '\r',
  '\r\n',
  '\t',
  ' \n ',
  '\u0000',
  '\u0001\u001f\u007f\u001a',
  'żółć',
  '漢字',
  'a\ufeff',
  'e\u0301',
  '"quoted", \'comma\'\\\n',
] as const;
const BEYOND = ['😀👨‍👩‍👧', '\u{10ffff}'] as const;

const row = (
  type: string,
  lake: string,
  as: Writing,
  values: readonly string[],
  more: Partial<MysqlTypeRow> = {},
): MysqlTypeRow => ({ type, lake, as, values, ...more });
const string = (type: string, values: readonly string[], more: Partial<MysqlTypeRow> = {}): MysqlTypeRow =>
  row(type, 'string', 'text', values, more);

/** Texts that the character set has, some of them with bytes that mean something else in another one. */
const charset = (name: string, texts: readonly string[], more: Partial<MysqlTypeRow> = {}): MysqlTypeRow =>
  string(`varchar(20) CHARACTER SET ${name}`, texts.map(literal), more);

const ZERO = 'zero and partial dates become null, counted for the table (parameter `zero_dates`)';
const NO_SUCH_DAY = [`'2024-02-31'`, `'2023-02-29'`];
const NINES = (digits: number): string => '9'.repeat(digits);

const JSON_VALUES = [
  `'{}'`,
  `'[]'`,
  `'null'`,
  `'true'`,
  `'"text"'`,
  `'""'`,
  `'0'`,
  `'-1'`,
  `'32768'`,
  `'2147483648'`,
  `'-9223372036854775808'`,
  `'9223372036854775807'`,
  `'18446744073709551615'`,
  `'{"b": 12345678901234567890, "a": 9007199254740993, "aa": -1}'`,
  `'[0.1, 1.0, -0.0, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, 123456789.125, 3.0e2]'`,
  `'{"a": {"b": {"c": [1, [2, [3, {"": null}]]]}}}'`,
  `'{"k": "\\"quoted\\" \\\\ \\n \\u0001 \\u00e9 \\ud83d\\ude00", "żółć": "漢字"}'`,
  `'["😀", "\\/", "\\b\\f\\r\\t"]'`,
  `CONCAT('"', REPEAT('x', 127), '"')`,
  `CONCAT('"', REPEAT('é', 8192), '"')`,
  `CONCAT('[', REPEAT('{"a": 1, "b": [true, false, null]}, ', 3000), '1]')`,
  `CONCAT('{"large": "', REPEAT('y', 100000), '", "n": 1}')`,
] as const;

export const TYPES: readonly MysqlTypeRow[] = [
  row('bit(1)', 'boolean', 'boolean', [`b'0'`, `b'1'`]),
  row('bit(7)', 'binary', 'bits', [`b'0'`, `b'1111111'`, `b'101'`], { note: 'big-endian bytes' }),
  row('bit(8)', 'binary', 'bits', ['0', '255', '34']),
  row('bit(33)', 'binary', 'bits', ['0', '4294967296', '8589934591', '44']),
  row('bit(64)', 'binary', 'bits', ['0', '18446744073709551615', '9223372036854775808', '13']),
  row('tinyint(1)', 'boolean', 'boolean', ['0', '1'], {
    refused: ['2', '-1'],
    note: 'or int (parameter `tinyint1`), then with every value',
  }),
  row('tinyint', 'int', 'number', ['-128', '-1', '0', '1', '127']),
  row('tinyint unsigned', 'int', 'number', ['0', '128', '255']),
  row('smallint', 'int', 'number', ['-32768', '-1', '0', '32767']),
  row('smallint unsigned', 'int', 'number', ['0', '32768', '65535']),
  row('mediumint', 'int', 'number', ['-8388608', '-1', '0', '8388607']),
  row('mediumint unsigned', 'int', 'number', ['0', '8388608', '16777215']),
  row('int', 'int', 'number', ['-2147483648', '-1', '0', '2147483647']),
  row('int unsigned', 'long', 'number', ['0', '2147483648', '4294967295']),
  row('bigint', 'long', 'number', [
    '-9223372036854775808',
    '-9007199254740993',
    '-1',
    '0',
    '9007199254740993',
    '9223372036854775807',
  ]),
  row('bigint unsigned', 'decimal(20, 0)', 'number', [
    '0',
    '9007199254740993',
    '9223372036854775808',
    '18446744073709551615',
  ]),
  row('int(8) zerofill', 'long', 'number', ['0', '42', '4294967295'], {
    note: 'unsigned, without the zeros',
  }),
  row('year', 'int', 'number', ['1901', '2155', '2024', '0'], { note: 'the year 0000 is 0' }),
  row('decimal(10,2)', 'decimal(10, 2)', 'number', ['0', '-0.01', '99999999.99', '-99999999.99', '1.5']),
  row('decimal(10,2) unsigned zerofill', 'decimal(10, 2)', 'number', ['0', '1.5', '99999999.99']),
  row('decimal(5,0)', 'decimal(5, 0)', 'number', ['-99999', '0', '7']),
  row('decimal(38,0)', 'decimal(38, 0)', 'number', [NINES(38), `-${NINES(38)}`, '0', '1']),
  row('decimal(38,10)', 'decimal(38, 10)', 'number', [
    '1234567890123456789012345678.0123456789',
    '-0.0000000001',
    '0',
  ]),
  row('decimal(30,30)', 'decimal(30, 30)', 'number', [`0.${NINES(30)}`, `-0.${'0'.repeat(29)}1`, '0']),
  string(
    'decimal(65,30)',
    [`${NINES(35)}.${NINES(30)}`, `-${NINES(35)}.${NINES(30)}`, '0', `-0.${'0'.repeat(29)}1`, '12.5'],
    { note: 'more than 38 digits' },
  ),
  string('decimal(65,0)', [NINES(65), `-${NINES(65)}`, '0', '-7']),
  string('decimal(40,2) zerofill', ['0', '1.25', `${NINES(38)}.99`]),
  string('decimal(65,38)', [`${NINES(27)}.${NINES(38)}`, `-0.${'0'.repeat(37)}1`], { only: 'mariadb' }),
  row('float', 'float', 'float', [
    '0',
    '-0e0',
    '0.1',
    '1e-45',
    '1.17549435e-38',
    '3.4028234e38',
    '-3.4028234e38',
    '16777217',
    '0.3333333333',
  ]),
  row('float(10,2)', 'float', 'float', ['0', '-1.25', '12345678.9', '0.005']),
  row('double', 'double', 'double', [
    '0',
    '-0e0',
    '0.1',
    '5e-324',
    '2.2250738585072011e-308',
    '1.7976931348623157e308',
    '-1.7976931348623157e308',
    '9007199254740993',
    '1e22',
    '123456789.123456789',
  ]),
  row('double(10,2)', 'double', 'double', ['0', '-0e0', '1.14', '1.36', '1.57', '-0.57', '99999999.99']),
  row('double(15,3)', 'double', 'double', ['0', '-1.25', '123456789012.345', '0.0005']),

  string('char(10)', [`''`, `'a'`, `'ab  '`, `'  x'`, `'ąęćłó'`, `'a,"b'`], {
    note: 'trailing spaces are not kept by the server',
  }),
  string('char(0)', [`''`]),
  string('varchar(100)', [...NASTY, ...BEYOND].map(literal)),
  string('varchar(3000)', [`REPEAT('x', 3000)`, `REPEAT('é"\\,', 700)`, `''`]),
  string('tinytext', [`''`, `REPEAT('"', 255)`, `REPEAT('é', 127)`]),
  string('text', [...NASTY, ...BEYOND].map(literal)),
  string('mediumtext', [`REPEAT('x', 100000)`, `REPEAT('é"\\,\n', 60000)`, `''`]),
  string('longtext', [`REPEAT('x', 100000)`, `'a"b'`]),
  charset('ascii', ['', 'a"b', '~\u007f\u0000\u0001']),
  charset('latin1', ['é', '€‚ƒ', 'ÿ\u00a0', 'a"b', '\u0081']),
  charset('latin2', ['żółć', 'Łß']),
  charset('latin5', ['ğİŞ']),
  charset('latin7', ['āž']),
  charset('cp1250', ['žŠ€']),
  charset('cp1251', ['Привет', 'ё']),
  charset('cp1256', ['مرحبا']),
  charset('cp1257', ['šų']),
  charset('cp850', ['é½░']),
  charset('cp852', ['čř']),
  charset('cp866', ['Привет░']),
  charset('dec8', ['éÿ']),
  charset('hp8', ['é']),
  charset('keybcs2', ['ř']),
  charset('koi8r', ['Привет']),
  charset('koi8u', ['їґ']),
  charset('macce', ['č']),
  charset('macroman', ['é∞']),
  charset('swe7', ['ÅÄÖ']),
  charset('greek', ['αβγ']),
  charset('hebrew', ['שלום']),
  charset('tis620', ['สวัสดี']),
  charset('armscii8', ['Ա']),
  charset('geostd8', ['ა']),
  charset('big5', ['漢字', '許功蓋', '\\"']),
  charset('gb2312', ['汉字', '啊']),
  charset('gbk', ['汉字', '誠', 'a"b\\']),
  charset('gb18030', ['汉字', '😀', 'é', '€', '\u{20000}'], { only: 'mysql' }),
  charset('euckr', ['한국어', '가']),
  charset('sjis', ['表示', 'ソ"', 'ｱ', '〜―']),
  charset('cp932', ['表示', '①㈱', 'ソ', '～―']),
  charset('ujis', ['日本語', 'ｱ', '丂']),
  charset('eucjpms', ['日本語', '①', '丂']),
  charset('ucs2', ['żółć', '漢字', '"']),
  charset('utf8mb3', ['żółć', '漢字', '\ufffd']),
  charset('utf8mb4', ['żółć', '😀', '\u{10ffff}']),
  charset('utf16', ['żółć', '😀', '"']),
  charset('utf16le', ['żółć', '😀', '"']),
  charset('utf32', ['żółć', '😀', '"']),
  string('char(5) CHARACTER SET gbk', [`'汉'`, `''`, `'汉字汉字汉'`]),
  string('char(5) CHARACTER SET utf32', [`'a'`, `'😀'`]),
  string('char(5) CHARACTER SET latin1', [`'é'`, `'a b'`]),
  string('text CHARACTER SET sjis', [`'表示"'`, `REPEAT('表', 20000)`]),
  string('varchar(100) COMPRESSED', [`''`, `'short'`, `REPEAT('ab"', 30)`], { only: 'mariadb' }),
  string('varchar(200) CHARACTER SET latin1 COMPRESSED', [`'é'`, `REPEAT('é', 200)`], { only: 'mariadb' }),
  string('text COMPRESSED', [`''`, `'x'`, `REPEAT('long "text" ', 5000)`], { only: 'mariadb' }),
  string(
    `enum('sad','very happy, "really"','it''s','\\','NULL','żółć','')`,
    [`'sad'`, `'very happy, "really"'`, `'it''s'`, `'\\'`, `'NULL'`, `'żółć'`, `7`],
    { note: 'a value that is no member is the empty text' },
  ),
  string(`enum('😀','?','😎') COLLATE utf8mb4_bin`, [`'😀'`, `'😎'`, `'?'`]),
  string(`set('😀','a','?') COLLATE utf8mb4_bin`, [`''`, `'😀'`, `'a,😀'`, `'?'`, `7`]),
  string(`enum('a','b,c') CHARACTER SET latin1`, [`'a'`, `'b,c'`, `'no member'`]),
  string(`enum('漢','字') CHARACTER SET gbk`, [`'漢'`, `'字'`]),
  string(`set('a','b"c','it''s','\\','NULL','żółć')`, [`''`, `'a'`, `'a,NULL'`, `'b"c,it''s,\\,żółć'`, `63`]),
  string(`set(${Array.from({ length: 64 }, (_, n) => `'m${n}'`).join(',')})`, [
    `''`,
    `'m0'`,
    `'m63'`,
    `'m31,m32,m63'`,
    '18446744073709551615',
  ]),
  row('binary(5)', 'binary', 'bytes', [`''`, `x'00'`, `x'6162000000'`, `x'ff225c2c0a'`], {
    note: 'padded with zero bytes, as the server gives it',
  }),
  row('binary(16)', 'binary', 'bytes', [`x'00'`, `x'000102030405060708090a0b0c0d0e00'`]),
  row('varbinary(20)', 'binary', 'bytes', [`''`, `x'00'`, `x'610000'`, `x'ff5c220a'`, `x'20'`]),
  row('tinyblob', 'binary', 'bytes', [`''`, `x'00ff'`]),
  row('blob', 'binary', 'bytes', [`''`, `x'00'`, `x'00ff5c220a0d'`, `REPEAT(x'ab', 50000)`]),
  row('mediumblob', 'binary', 'bytes', [`REPEAT(x'00', 70000)`]),
  row('longblob', 'binary', 'bytes', [`REPEAT(x'abcd', 70000)`]),
  row('varchar(10) CHARACTER SET binary', 'binary', 'bytes', [`x'00ff'`]),
  row('blob COMPRESSED', 'binary', 'bytes', [`''`, `x'00'`, `REPEAT(x'ab00', 20000)`], { only: 'mariadb' }),
  row('varbinary(200) COMPRESSED', 'binary', 'bytes', [`''`, `REPEAT(x'00', 200)`], { only: 'mariadb' }),

  row(
    'date',
    'date',
    'date',
    [`'1970-01-01'`, `'1969-12-31'`, `'2024-02-29'`, `'0001-01-01'`, `'9999-12-31'`, `'0000-03-01'`],
    {
      nulled: [`'0000-00-00'`, `'2024-00-00'`, `'2024-02-00'`, `'0000-00-05'`],
      refused: NO_SUCH_DAY,
      note: ZERO,
    },
  ),
  row('time', 'time', 'time', [`'00:00:00'`, `'23:59:59'`, `'12:00:00'`], {
    refused: [`'24:00:00'`, `'-00:00:01'`, `'838:59:59'`, `'-838:59:59'`],
    note: "outside of Iceberg's day it is refused, or string (parameter `time`), then with every value",
  }),
  row('time(3)', 'time', 'time', [`'00:00:00.001'`, `'23:59:59.999'`]),
  row('time(6)', 'time', 'time', [`'00:00:00.000001'`, `'23:59:59.999999'`, `'12:00:00.5'`], {
    refused: [`'-00:00:00.000001'`, `'-838:59:58.999999'`, `'838:59:58.999999'`],
  }),
  row(
    'datetime',
    'timestamp',
    'instant',
    [`'1970-01-01 00:00:00'`, `'1969-12-31 23:59:59'`, `'0001-01-01 00:00:00'`, `'9999-12-31 23:59:59'`],
    {
      nulled: [`'0000-00-00 00:00:00'`, `'2024-02-00 12:00:00'`, `'2024-00-10 00:00:01'`],
      refused: [`'2024-02-31 12:00:00'`],
      note: ZERO,
    },
  ),
  row('datetime(1)', 'timestamp', 'instant', [`'2024-02-29 12:00:00.9'`, `'1969-12-31 23:59:59.9'`]),
  row('datetime(3)', 'timestamp', 'instant', [`'2024-02-29 12:00:00.123'`, `'9999-12-31 23:59:59.999'`]),
  row(
    'datetime(6)',
    'timestamp',
    'instant',
    [
      `'2024-02-29 12:00:00.000001'`,
      `'9999-12-31 23:59:59.999999'`,
      `'1969-12-31 23:59:59.999999'`,
      `'0000-03-01 00:00:00.5'`,
    ],
    { nulled: [`'0000-00-00 00:00:00.000001'`] },
  ),
  row(
    'timestamp',
    'timestamptz',
    'instant',
    [`'2024-07-01 12:00:00'`, `'1970-01-01 09:00:01'`, `'2038-01-19 12:14:07'`],
    { nulled: [`'0000-00-00 00:00:00'`], note: `UTC; ${ZERO}` },
  ),
  row('timestamp(2)', 'timestamptz', 'instant', [`'2024-07-01 12:00:00.25'`]),
  row(
    'timestamp(6)',
    'timestamptz',
    'instant',
    [`'2024-07-01 12:00:00.000001'`, `'1970-01-01 09:00:01.999999'`],
    { nulled: [`'0000-00-00 00:00:00'`] },
  ),

  string(
    'json',
    [
      ...JSON_VALUES,
      `JSON_OBJECT('date', CAST('2024-02-29' AS DATE), 'time', CAST('12:00:00.5' AS TIME(6)), 'stamp', CAST('2024-02-29 12:00:00.000001' AS DATETIME(6)))`,
      `JSON_ARRAY(CAST('-838:59:59' AS TIME), CAST(1.10 AS DECIMAL(65,30)), CAST(-12345678901234567890.5 AS DECIMAL(30,5)))`,
      `JSON_ARRAY(x'00ff', b'101', CAST('x' AS BINARY(4)))`,
      `JSON_OBJECT('point', ST_GeomFromText('POINT(1 2.5)'))`,
      `CAST(CAST(18446744073709551615 AS UNSIGNED) AS JSON)`,
      `CAST(CAST('2024-02-29' AS DATE) AS JSON)`,
      `CAST(1e100 AS JSON)`,
    ],
    { only: 'mysql', note: 'as the server prints it' },
  ),
  string('json', JSON_VALUES, { only: 'mariadb', note: 'a longtext with a check: as it was written' }),

  ...(
    [
      ['geometry', [`POINT(1 2)`, `LINESTRING(0 0,1.5 -2e-7,3 1e20)`]],
      ['point', [`POINT(0 0)`, `POINT(-1.25 123456789.123456789)`]],
      ['linestring', [`LINESTRING(0 0,1 1)`]],
      ['polygon', [`POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,4 2,4 4,2 4,2 2))`]],
      ['multipoint', [`MULTIPOINT(0 0,1 1)`]],
      ['multilinestring', [`MULTILINESTRING((0 0,1 1),(2 2,3 3))`]],
      ['multipolygon', [`MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))`]],
      ['geometrycollection', [`GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))`]],
    ] as const
  ).map(([type, texts]) =>
    string(
      type,
      texts.flatMap((text) => [
        `ST_GeomFromText('${text}')`,
        ...(type === 'geometry' || type === 'point' ? [`ST_GeomFromText('POINT(10 20)', 4326)`] : []),
      ]),
      {
        as: 'geometry',
        ...(type === 'geometry'
          ? { note: 'well-known text, `SRID=4326;` before it where that is not 0; x (longitude) first' }
          : {}),
      },
    ),
  ),
  string(
    'geomcollection',
    [`ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),GEOMETRYCOLLECTION(POINT(2 2)))')`],
    {
      as: 'geometry',
      only: 'mysql',
    },
  ),
  row('vector(3)', 'binary', 'bytes', [`STRING_TO_VECTOR('[1, 2.5, -3e-7]')`, `STRING_TO_VECTOR('[0]')`], {
    only: 'mysql',
    note: 'the bytes: 32-bit floats, little-endian',
  }),
  row(
    'uuid',
    'uuid',
    'text',
    [
      `'00000000-0000-0000-0000-000000000000'`,
      `'ffffffff-ffff-ffff-ffff-ffffffffffff'`,
      `'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'`,
      `'123e4567-e89b-12d3-a456-426655440000'`,
      `'123e4567-e89b-72d3-0456-426655440000'`,
    ],
    { only: 'mariadb' },
  ),
  string('inet4', [`'0.0.0.0'`, `'255.255.255.255'`, `'10.0.0.1'`], { only: 'mariadb' }),
  string('inet6', [`'::'`, `'::1'`, `'2001:db8::ff00:42:8329'`, `'::ffff:192.168.0.1'`, `'1:0:0:2::3'`], {
    only: 'mariadb',
  }),
];

export const typesOf = (flavour: Flavour): readonly MysqlTypeRow[] =>
  TYPES.filter((type) => type.only === undefined || type.only === flavour);
