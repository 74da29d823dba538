/**
 * Every type of PostgreSQL that a table can have, with values at its edges: the one table that the tests of types
 * are run from and that docs/types-postgres.md is written from.
 */

/**
 * How a value is put into text on both sides, each by its own server, so that equal texts are equal values:
 *   text     PostgreSQL's output as it is · the lake's string, number, uuid or time
 *   boolean  true, false
 *   float, double   the bits
 *   date     days since 1970-01-01
 *   instant  microseconds since 1970-01-01 00:00 (UTC)
 *   bytes    hexadecimal
 * and for a list its elements' texts as a JSON array.
 */
export type Writing = 'text' | 'boolean' | 'float' | 'double' | 'date' | 'instant' | 'bytes';

export interface TypeRow {
  readonly type: string;
  /** The Iceberg type. */
  readonly lake: string;
  readonly as: Writing;
  /** SQL, cast to the type. */
  readonly values: readonly string[];
  /** Values without a counterpart in the lake: the table is stopped, or they become null, as the task says. */
  readonly refused?: readonly string[];
  readonly note?: string;
}

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const NASTY = [
  '',
  ' ',
  'a',
  "it's",
  '"',
  '""',
  '\\',
  '\\\\',
  '\\N',
  '\\.',
  'NULL',
  'null',
  'infinity',
  'a,b',
  '{}',
  '{a}',
  '[1]',
  ';',
  '%',
  '--',
  '\n',
  '\r',
  '\r\n',
  '\t',
  ' \n ',
  '\u0001\u001f\u007f',
  'żółć',
  '漢字',
  '😀👨‍👩‍👧',
  '\u202e\ufeff',
  'e\u0301',
  '"quoted", \'comma\'\\\n',
] as const;
const LONG = [`repeat('x', 100000)`, `repeat('é"\\,' || chr(10), 60000)`];

const row = (
  type: string,
  lake: string,
  as: Writing,
  values: readonly string[],
  more: Partial<TypeRow> = {},
): TypeRow => ({ type, lake, as, values, ...more });
const string = (type: string, values: readonly string[], more: Partial<TypeRow> = {}): TypeRow =>
  row(type, 'string', 'text', values, more);

const INFINITE = 'infinity and -infinity become null, counted for the table (parameter `infinite_dates`)';
const ONE_DIMENSION = 'one dimension, from 1; others are refused';
const DIMENSIONS = [`'{{1,2},{3,4}}'`, `'[0:1]={5,6}'`];

export const DEFINITIONS = `
  CREATE EXTENSION citext; CREATE EXTENSION hstore;
  CREATE TYPE mood AS ENUM ('sad', 'very happy, "really"', 'it''s', '\\', '{}', 'NULL');
  CREATE TYPE pair AS (a int, b text);
  CREATE TYPE textrange AS RANGE (subtype = text);
  CREATE DOMAIN price AS numeric(10,2);
  CREATE DOMAIN dear AS price CHECK (VALUE > 100);
  CREATE DOMAIN small_ints AS int[];
  CREATE DOMAIN mail AS citext;
  CREATE DOMAIN day AS date;
`;

export const TYPES: readonly TypeRow[] = [
  row('boolean', 'boolean', 'boolean', ['true', 'false']),
  row('bit(1)', 'boolean', 'boolean', [`B'1'`, `B'0'`]),
  string('bit(3)', [`B'101'`, `B'000'`], { note: 'text of 0 and 1' }),
  string('bit varying', [`B''`, `B'1'`, `B'1011'`, `repeat('10', 500)::varbit`], { note: 'text of 0 and 1' }),
  string('bit varying(5)', [`B''`, `B'01011'`]),

  row('smallint', 'int', 'text', ['-32768', '-1', '0', '32767']),
  row('integer', 'int', 'text', ['-2147483648', '-1', '0', '2147483647']),
  row('bigint', 'long', 'text', [
    '-9223372036854775808',
    '-9007199254740993',
    '0',
    '9007199254740993',
    '9223372036854775807',
  ]),
  row('oid', 'long', 'text', ['0', '4294967295']),
  row('numeric(10,2)', 'decimal(10, 2)', 'text', ['0', '-0.01', '99999999.99', '-99999999.99', '1.5'], {
    refused: [`'NaN'`],
  }),
  row('numeric(38,0)', 'decimal(38, 0)', 'text', [`${'9'.repeat(38)}`, `-${'9'.repeat(38)}`, '0', '1']),
  row('numeric(38,38)', 'decimal(38, 38)', 'text', [`0.${'9'.repeat(38)}`, `-0.${'0'.repeat(37)}1`, '0']),
  row('numeric(38,10)', 'decimal(38, 10)', 'text', [
    '1234567890123456789012345678.0123456789',
    '-0.0000000001',
  ]),
  row('numeric(5,0)', 'decimal(5, 0)', 'text', ['-99999', '0']),
  row('numeric(3,-2)', 'decimal(5, 0)', 'text', ['12345', '-99900'], {
    note: 'rounded by PostgreSQL itself, left of the point',
  }),
  row('numeric(3,5)', 'decimal(5, 5)', 'text', ['0.00123', '-0.00999']),
  string(
    'numeric',
    [
      `'NaN'`,
      `'Infinity'`,
      `'-Infinity'`,
      '0',
      '0.00',
      '-1.10',
      '1e100',
      '1e-100',
      '123456789012345678901234567890123456789.5',
      `repeat('9', 131000)::numeric`,
      `('0.' || repeat('0', 16000) || '1')::numeric`,
    ],
    { note: 'no bounds, so no decimal could hold all values; the text is exact' },
  ),
  string('numeric(39,0)', [`${'9'.repeat(39)}`, `-${'9'.repeat(39)}`, `'NaN'`], {
    note: 'more than 38 digits',
  }),
  row('real', 'float', 'float', [
    '0',
    `'-0'`,
    '0.1',
    '1e-45',
    '1.17549435e-38',
    '3.4028235e38',
    '-3.4028235e38',
    `'NaN'`,
    `'Infinity'`,
    `'-Infinity'`,
    '16777217',
  ]),
  row('double precision', 'double', 'double', [
    '0',
    `'-0'`,
    '0.1',
    '5e-324',
    '2.2250738585072011e-308',
    '1.7976931348623157e308',
    '-1.7976931348623157e308',
    `'NaN'`,
    `'Infinity'`,
    `'-Infinity'`,
    '9007199254740993',
    '1e22',
    '123456789.123456789',
  ]),
  string('money', [`'0'`, `'-0.01'`, `'92233720368547758.07'`, `'-92233720368547758.08'`]),

  string('text', [...NASTY.map(text), ...LONG]),
  string('character varying', NASTY.map(text)),
  string('character varying(10)', [`''`, `'a,b'`, `E'q"\\n\\r'`, `'żółćżółćżó'`]),
  string('character(5)', [`'ab'`, `''`, `'  x'`, `'ąęćłó'`], {
    note: 'padded with blanks, as PostgreSQL shows it',
  }),
  string('"char"', [`'c'`, `''`, `'"'`]),
  string('name', [`'n'`, `''`, `'it''s "a" name'`]),
  string('citext', [...NASTY.slice(0, 12).map(text), `'MiXed'`]),
  row('bytea', 'binary', 'bytes', [
    `''`,
    `'\\x00'`,
    `'\\x00ff5c220a0d'`,
    `decode(repeat('ab', 50000), 'hex')`,
  ]),
  row('uuid', 'uuid', 'text', [
    `'00000000-0000-0000-0000-000000000000'`,
    `'ffffffff-ffff-ffff-ffff-ffffffffffff'`,
    `'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'`,
  ]),

  row(
    'date',
    'date',
    'date',
    [
      `'1970-01-01'`,
      `'2024-02-29'`,
      `'0001-01-01'`,
      `'0001-12-31 BC'`,
      `'4713-01-01 BC'`,
      `'9999-12-31'`,
      `'10000-01-01'`,
      `'5874897-12-31'`,
      `'infinity'`,
      `'-infinity'`,
    ],
    { note: INFINITE },
  ),
  row('time without time zone', 'time', 'text', [`'00:00'`, `'12:00:00.5'`, `'23:59:59.999999'`], {
    refused: [`'24:00:00'`],
    note: "24:00:00 is outside of Iceberg's day",
  }),
  row('time(2) without time zone', 'time', 'text', [`'12:00:00.129'`]),
  string('time with time zone', [`'00:00+00'`, `'12:00:00.5+02:30'`, `'24:00:00-15:59:59'`]),
  row(
    'timestamp without time zone',
    'timestamp',
    'instant',
    [
      `'1970-01-01'`,
      `'1969-12-31 23:59:59.999999'`,
      `'2024-02-29 12:00:00.000001'`,
      `'4713-01-01 00:00:00 BC'`,
      `'0044-03-15 12:30:00.5 BC'`,
      `'9999-12-31 23:59:59.999999'`,
      `'10000-01-01'`,
      `'294246-12-31 23:59:59.999999'`,
      `'infinity'`,
      `'-infinity'`,
    ],
    {
      refused: [`'294276-12-31 23:59:59.999999'`],
      note: `${INFINITE}; ends with 294247-01-10 04:00:54, where 64 bits of microseconds do`,
    },
  ),
  row('timestamp(3) without time zone', 'timestamp', 'instant', [`'2024-02-29 12:00:00.1239'`]),
  row(
    'timestamp with time zone',
    'timestamptz',
    'instant',
    [
      `'2024-07-01 12:00:00+02'`,
      `'1969-12-31 23:59:59.999999+00'`,
      `'4713-01-01 00:00:00+00 BC'`,
      `'0001-01-01 00:00:00+14'`,
      `'294246-12-31 23:59:59.999999+00'`,
      `'infinity'`,
      `'-infinity'`,
    ],
    { refused: [`'294276-12-31 23:59:59.999999+00'`], note: `UTC; ${INFINITE}` },
  ),
  string(
    'interval',
    [
      `'0'`,
      `'1 year 2 months -3 days 04:05:06.7'`,
      `'-1 second'`,
      `'-178000000 years'`,
      `'178000000 years 11 mons 2147483647 days 23:59:59.999999'`,
    ],
    { note: 'ISO 8601' },
  ),

  string(
    'json',
    [
      `'{}'`,
      `'{"a": 12345678901234567890.10, "a":  2, "a": 1e400}'`,
      `' [1,   2]  '`,
      `'null'`,
      `E'"\\\\u0041 \\\\n"'`,
      `'"😀"'`,
    ],
    { note: 'the text as it was written' },
  ),
  string('jsonb', [
    `'{}'`,
    `'{"b": 12345678901234567890.10, "a": [null, "x\\"y"], "a": 3}'`,
    `'null'`,
    `'-0.0'`,
    `'"żółć\\n"'`,
    `'1e100'`,
  ]),
  string('jsonpath', [`'$.a[*] ? (@ > 2)'`]),
  string('xml', [`'<a b="1">x &amp; "y"</a>'`, `E'<r>\\n</r>'`]),
  string('tsvector', [`''`, `'a:1A b:2,3B'`, `$$'it''s' 'a b' '\\\\'$$`]),
  string('tsquery', [`'a & !b | c:*A'`, `'a <2> b'`]),
  string('hstore', [`''`, `'a=>1, "b c"=>NULL'`, `'"q\\"uote"=>"x,y"'`]),
  string('inet', [`'10.0.0.1/8'`, `'::1'`, `'255.255.255.255'`, `'2001:db8::/32'`]),
  string('cidr', [`'10.0.0.0/8'`, `'::/0'`]),
  string('macaddr', [`'08:00:2b:01:02:03'`]),
  string('macaddr8', [`'08:00:2b:01:02:03:04:05'`]),
  string('int4range', [`'[1,5]'`, `'empty'`, `'(,)'`, `'[,7)'`]),
  string('numrange', [`'[1.10,2.20)'`]),
  string('daterange', [`'[2024-01-01,infinity)'`]),
  string('tstzrange', [`'[2024-01-01 00:00+02,infinity)'`]),
  string('textrange', [`'[a,"b,c")'`, `textrange('"', 'a b')`]),
  string('int4multirange', [`'{[1,3),[7,9)}'`, `'{}'`]),
  string('point', [`'(1.5,-2)'`, `'(NaN,Infinity)'`]),
  string('line', [`'{1,-1,0}'`]),
  string('lseg', [`'[(0,0),(1,1)]'`]),
  string('box', [`'(1,1),(0,0)'`]),
  string('path', [`'[(0,0),(1,1)]'`, `'((0,0),(1,1))'`]),
  string('polygon', [`'((0,0),(1,1),(1,0))'`]),
  string('circle', [`'<(0,0),1.5>'`]),
  string('mood', [`'sad'`, `'very happy, "really"'`, `'it''s'`, `'\\'`, `'{}'`, `'NULL'`], {
    note: 'an enum',
  }),
  string('pair', [`ROW(1, 'x y')`, `ROW(NULL, NULL)`, `ROW(-1, E'q"\\\\,(\\n)')`], {
    note: 'a composite type',
  }),
  string('pg_lsn', [`'0/0'`, `'FFFFFFFF/FFFFFFFF'`]),
  string('txid_snapshot', [`'10:20:10,14,15'`]),
  string('xid8', [`'18446744073709551615'`]),
  string('tid', [`'(4294967295,65535)'`]),
  string('regclass', [`'pg_class'`, `'pg_catalog.pg_type'`]),
  string('regtype', [`'int4'`, `'timestamp with time zone'`]),
  string('int2vector', [`'1 2 3'`, `''`]),
  string('oidvector', [`'1 2'`]),

  row('integer[]', 'list<int>', 'text', [`'{}'`, `'{1,NULL,-2147483648}'`, `'{NULL}'`], {
    refused: DIMENSIONS,
    note: ONE_DIMENSION,
  }),
  row('bigint[]', 'list<long>', 'text', [`'{9223372036854775807,-9223372036854775808}'`]),
  row(
    'text[]',
    'list<string>',
    'text',
    [
      `'{}'`,
      `ARRAY[NULL::text]`,
      `ARRAY['']`,
      `ARRAY['NULL', NULL, 'null', '']`,
      `ARRAY[${NASTY.map(text).join(', ')}]`,
      `ARRAY['{', '}', '{a,b}', '[', '(', ';', E'a\\\\"b']`,
      `ARRAY[${LONG.join(', ')}]`,
      `array_fill('x'::text, ARRAY[20000])`,
    ],
    { note: ONE_DIMENSION },
  ),
  row('character varying(10)[]', 'list<string>', 'text', [`'{"a b",c}'`]),
  row('character(3)[]', 'list<string>', 'text', [`'{a,"",bcd}'`]),
  row('boolean[]', 'list<boolean>', 'boolean', [`'{t,f,NULL}'`]),
  row('bit(1)[]', 'list<boolean>', 'boolean', [`'{1,0}'`]),
  row('real[]', 'list<float>', 'float', [`'{0.1,NaN,Infinity,-Infinity,-0,1e-45}'`]),
  row('double precision[]', 'list<double>', 'double', [`'{0.1,NaN,Infinity,-Infinity,-0,5e-324,NULL}'`]),
  row('numeric(10,2)[]', 'list<decimal(10, 2)>', 'text', [`'{1.5,-2,NULL,99999999.99}'`]),
  row('numeric[]', 'list<string>', 'text', [`'{1e50,NaN,0.10}'`]),
  row('bytea[]', 'list<binary>', 'bytes', [`ARRAY['\\x00'::bytea, '', '\\xff22', NULL]`]),
  row('uuid[]', 'list<uuid>', 'text', [`'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}'`]),
  row('date[]', 'list<date>', 'date', [`'{2024-01-01,"0044-03-15 BC",infinity,NULL}'`]),
  row('time without time zone[]', 'list<time>', 'text', [`'{12:00:00.5,00:00:00}'`]),
  row('timestamp without time zone[]', 'list<timestamp>', 'instant', [
    `'{"2024-01-01 00:00:00.5","0044-03-15 12:00:00 BC",-infinity}'`,
  ]),
  row('timestamp with time zone[]', 'list<timestamptz>', 'instant', [`'{"2024-01-01 00:00:00+05",NULL}'`]),
  row('json[]', 'list<string>', 'text', [`ARRAY['{"a":  "x,y"}'::json, 'null']`]),
  row('interval[]', 'list<string>', 'text', [`'{"1 day","-2 mons"}'`]),
  row('mood[]', 'list<string>', 'text', [
    `ARRAY['sad', 'very happy, "really"', '\\', '{}', 'NULL', NULL]::mood[]`,
  ]),
  row('pair[]', 'list<string>', 'text', [`ARRAY[ROW(1, 'x,"y')::pair, NULL, ROW(NULL, '')::pair]`]),
  row('box[]', 'list<string>', 'text', [`'{(1,1),(0,0);(2,2),(0,0)}'`]),
  row('int4range[]', 'list<string>', 'text', [`'{"[1,5)",empty}'`]),
  row('citext[]', 'list<string>', 'text', [`'{A,b}'`]),
  row('price[]', 'list<decimal(10, 2)>', 'text', [`'{1.25,NULL}'`], { note: 'an array of a domain' }),
  row('day[]', 'list<date>', 'date', [`'{2024-02-29}'`]),

  row('price', 'decimal(10, 2)', 'text', ['12.345', '-0.01'], { note: 'a domain is what its base is' }),
  row('dear', 'decimal(10, 2)', 'text', ['100.01'], { note: 'a domain over a domain' }),
  row('small_ints', 'list<int>', 'text', [`'{1,NULL}'`, `'{}'`], { note: 'a domain over an array' }),
  string('small_ints[]', [`ARRAY['{1,2}'::small_ints, NULL]`], {
    note: 'an array of a domain over an array: text',
  }),
  string('mail', [`'A@B'`]),
  row('day', 'date', 'date', [`'2024-02-29'`, `'infinity'`]),
];
