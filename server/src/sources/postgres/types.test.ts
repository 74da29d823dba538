import { describe, expect, it } from 'vitest';
import { sharedPostgres, startPostgres, type TestDatabase } from '../../../../tests/support/postgres.ts';
import { typeText } from '../../model/logical-type.ts';
import type { TextForm } from '../../model/table.ts';
import { postgresAdmin } from './admin.ts';
import { begin, loadTable, never, openSource, readLog } from './testing/reading.ts';
import { RecordingSink } from './testing/recording-sink.ts';

const DEFINITIONS = `
  CREATE EXTENSION citext; CREATE EXTENSION hstore;
  CREATE TYPE mood AS ENUM ('sad', 'very happy, "really"');
  CREATE TYPE pair AS (a int, b text);
  CREATE DOMAIN price AS numeric(10,2);
  CREATE DOMAIN dear AS price CHECK (VALUE > 100);
  CREATE DOMAIN small_ints AS int[];
  CREATE DOMAIN mail AS citext;
`;

/** Native type, type in the lake, form of the text, values as SQL. */
const TYPES: readonly (readonly [native: string, lake: string, form: string, ...values: string[]])[] = [
  ['boolean', 'boolean', 'plain', 'true', 'false'],
  ['bit(1)', 'boolean', 'plain', "B'1'", "B'0'"],
  ['bit(3)', 'string', 'plain', "B'101'"],
  ['bit varying', 'string', 'plain', "B''", "B'1011'"],
  ['smallint', 'int', 'plain', '-32768', '32767'],
  ['integer', 'int', 'plain', '-2147483648', '2147483647'],
  ['bigint', 'long', 'plain', '-9223372036854775808', '9223372036854775807'],
  ['oid', 'long', 'plain', '4294967295'],
  ['numeric', 'string', 'plain', "'NaN'", "'-Infinity'", '1e100', '0.00000000000000000000001'],
  ['numeric(38,10)', 'decimal(38, 10)', 'plain', '1234567890123456789012345678.0123456789', "'NaN'"],
  ['numeric(39,0)', 'string', 'plain', '123456789012345678901234567890123456789'],
  ['numeric(5,0)', 'decimal(5, 0)', 'plain', '-99999'],
  ['numeric(3,-2)', 'decimal(5, 0)', 'plain', '12345', '-99900'],
  ['numeric(3,5)', 'decimal(5, 5)', 'plain', '0.00123'],
  ['numeric(2,39)', 'string', 'plain', '1e-39'],
  ['real', 'float', 'plain', '0.1', "'NaN'", "'-Infinity'", '3.4028235e38', '1e-45'],
  ['double precision', 'double', 'plain', '0.1', "'NaN'", "'Infinity'", '1.7976931348623157e308', '5e-324'],
  ['money', 'string', 'plain', "'1234.5'", "'-0.01'"],
  ['character(5)', 'string', 'plain', "'ab'", "''"],
  ['character varying(10)', 'string', 'plain', "''", "'a,b'", "E'q\"\\n\\r'"],
  [
    'text',
    'string',
    'plain',
    "''",
    "'\\N'",
    "'\\.'",
    "'NULL'",
    "' '",
    "'żółć 😀'",
    "E'\\t\\\\'",
    "repeat('x', 100000)",
  ],
  ['name', 'string', 'plain', "'n'"],
  ['"char"', 'string', 'plain', "'c'"],
  ['public.citext', 'string', 'plain', "'MiXed'"],
  ['xml', 'string', 'plain', '\'<a b="1">x</a>\''],
  ['tsvector', 'string', 'plain', "'a:1 b:2,3A'::tsvector"],
  ['tsquery', 'string', 'plain', "'a & !b'::tsquery"],
  ['inet', 'string', 'plain', "'10.0.0.1/8'", "'::1'"],
  ['cidr', 'string', 'plain', "'10.0.0.0/8'"],
  ['macaddr', 'string', 'plain', "'08:00:2b:01:02:03'"],
  ['int4range', 'string', 'plain', "'[1,5]'", "'empty'", "'(,)'"],
  ['tstzrange', 'string', 'plain', "'[2024-01-01 00:00+02,infinity)'"],
  ['int4multirange', 'string', 'plain', "'{[1,3),[7,9)}'"],
  ['public.hstore', 'string', 'plain', '\'a=>1, "b c"=>NULL\''],
  ['point', 'string', 'plain', "'(1.5,-2)'"],
  ['box', 'string', 'plain', "'(1,1),(0,0)'"],
  ['polygon', 'string', 'plain', "'((0,0),(1,1),(1,0))'"],
  ['public.mood', 'string', 'plain', "'sad'", '\'very happy, "really"\''],
  ['public.pair', 'string', 'plain', "ROW(1, 'x y')", 'ROW(NULL, NULL)'],
  ['regclass', 'string', 'plain', "'types'::regclass", "'pg_class'::regclass"],
  ['pg_lsn', 'string', 'plain', "'16/B374D848'"],
  ['json', 'string', 'plain', '\'{"a": 12345678901234567890.10, "a":  2}\''],
  ['jsonb', 'string', 'plain', '\'{"b": 12345678901234567890.10, "a": [null, "x\\"y"]}\'', "'null'"],
  ['jsonpath', 'string', 'plain', "'$.a'"],
  ['bytea', 'binary', 'hex', "''", "'\\x00ff5c'", "decode(repeat('ab', 5000), 'hex')"],
  [
    'date',
    'date',
    'era',
    "'2024-02-29'",
    "'0001-01-01'",
    "'0044-03-15 BC'",
    "'infinity'",
    "'-infinity'",
    "'12024-01-01'",
  ],
  ['time without time zone', 'time', 'plain', "'00:00'", "'23:59:59.999999'", "'24:00:00'"],
  ['time(2) without time zone', 'time', 'plain', "'12:00:00.129'"],
  ['time with time zone', 'string', 'plain', "'12:00:00.5+02:30'"],
  [
    'timestamp without time zone',
    'timestamp',
    'era',
    "'2024-02-29 12:00:00.000001'",
    "'infinity'",
    "'4713-01-01 00:00:00 BC'",
  ],
  ['timestamp(3) without time zone', 'timestamp', 'era', "'2024-02-29 12:00:00.1239'"],
  [
    'timestamp with time zone',
    'timestamptz',
    'era',
    "'2024-07-01 12:00:00+02'",
    "'-infinity'",
    "'0001-01-01 00:00:00+00 BC'",
  ],
  ['interval', 'string', 'plain', "'1 year 2 months -3 days 04:05:06.7'", "'0'", "'-1 second'"],
  ['uuid', 'uuid', 'plain', "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"],
  ['integer[]', 'list<int>', 'list(plain)', "'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[0:1]={5,6}'"],
  ['text[]', 'list<string>', 'list(plain)', `ARRAY['a,b', '"', '', 'NULL', NULL, E'\\\\', ' ']`],
  ['numeric(10,2)[]', 'list<decimal(10, 2)>', 'list(plain)', "'{1.5,-2}'"],
  ['numeric[]', 'list<string>', 'list(plain)', "'{1e50}'"],
  ['bytea[]', 'list<binary>', 'list(hex)', "ARRAY['\\x00'::bytea, '\\xff']"],
  ['date[]', 'list<date>', 'list(era)', "'{2024-01-01,infinity}'"],
  ['timestamp with time zone[]', 'list<timestamptz>', 'list(era)', '\'{"2024-01-01 00:00:00+05"}\''],
  ['uuid[]', 'list<uuid>', 'list(plain)', "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"],
  ['box[]', 'list<string>', 'list;(plain)', "'{(1,1),(0,0);(2,2),(0,0)}'"],
  ['public.mood[]', 'list<string>', 'list(plain)', '\'{sad,"very happy, \\"really\\""}\''],
  ['public.pair[]', 'list<string>', 'list(plain)', "ARRAY[ROW(1,'x')::pair]"],
  ['public.price[]', 'list<decimal(10, 2)>', 'list(plain)', "'{1.25}'"],
  ['int2vector', 'string', 'plain', "'1 2 3'"],
  ['oidvector', 'string', 'plain', "'1 2'"],
  ['public.price', 'decimal(10, 2)', 'plain', '12.345'],
  ['public.dear', 'decimal(10, 2)', 'plain', '100.01'],
  ['public.small_ints', 'list<int>', 'list(plain)', "'{1,2}'"],
  ['public.small_ints[]', 'string', 'plain', `ARRAY['{1,2}'::small_ints]`],
  ['public.mail', 'string', 'plain', "'A@B'"],
];

function formText(form: TextForm): string {
  if (form.form !== 'list') return form.form;
  return `list${form.delimiter === ',' ? '' : form.delimiter}(${formText(form.element)})`;
}

async function compare(db: TestDatabase): Promise<void> {
  await db.query(DEFINITIONS);
  // Whoever writes has other settings than we do, and so have the database and the role.
  await db.query(
    `ALTER DATABASE "${db.name}" SET DateStyle = 'German'; ALTER DATABASE "${db.name}" SET TimeZone = 'Asia/Tokyo';
     ALTER DATABASE "${db.name}" SET IntervalStyle = 'postgres_verbose'; ALTER DATABASE "${db.name}" SET bytea_output = 'escape';
     ALTER DATABASE "${db.name}" SET extra_float_digits = -3; ALTER DATABASE "${db.name}" SET xmlbinary = 'hex'`,
  );
  const columns = TYPES.map(([native], at) => `c${at} ${native}`);
  await db.query(`CREATE TABLE types (id int PRIMARY KEY, ${columns.join(', ')})`);
  await using source = await openSource(db.connection);
  const [table] = await source.discover({ schemas: [], tables: [] }, never);
  const found = table!.schema.columns
    .slice(1)
    .map((column) => [column.native, typeText(column.type), formText(column.text)]);
  expect(found).toEqual(TYPES.map(([native, lake, form]) => [native, lake, form]));

  const from = await begin(source);
  const width = Math.max(...TYPES.map(([, , , ...values]) => values.length));
  for (let row = 0; row <= width; row++) {
    const values = TYPES.map(([native, , , ...values]) =>
      values[row] ? `(${values[row]})::${native}` : 'NULL',
    );
    await db.query(`INSERT INTO types VALUES (${row}, ${values.join(', ')})`);
  }
  const sink = new RecordingSink();
  await readLog(source, from, sink);
  const byLog = sink.rows('types').map(([, ...fields]) => fields);
  const byCopy = await loadTable(source, table!.schema.name, table!.schema.columns);
  expect(byLog).toHaveLength(width + 1);
  for (let row = 0; row <= width; row++)
    for (let at = 0; at <= TYPES.length; at++)
      expect([at > 0 && TYPES[at - 1]![0], byLog[row]![at]]).toEqual([
        at > 0 && TYPES[at - 1]![0],
        byCopy[row]![at],
      ]);

  const value = (native: string, row: number): unknown =>
    byCopy[row]![TYPES.findIndex(([name]) => name === native) + 1];
  expect(value('double precision', 0)).toBe('0.1');
  expect(value('double precision', 3)).toBe('1.7976931348623157e+308');
  expect(value('money', 0)).toBe('$1,234.50');
  expect(value('bytea', 1)).toBe('\\x00ff5c');
  expect(value('date', 2)).toBe('0044-03-15 BC');
  expect(value('timestamp with time zone', 0)).toBe('2024-07-01 10:00:00+00');
  expect(value('interval', 0)).toBe('P1Y2M-3DT4H5M6.7S');
  expect(value('character varying(10)', 0)).toBe('');
  expect(value('regclass', 0)).toBe('public.types');
  // The sample is the same text again.
  const sample = await postgresAdmin.sample(db.connection, table!.schema.name, 100, never);
  expect(sample.rows).toEqual(byCopy);
  expect(sample.columns).toEqual(table!.schema.columns.map((column) => column.name));
}

describe('types', () => {
  it('every type is what the table says, and its text is the same by COPY and by the log', async () => {
    await using db = await sharedPostgres().createDatabase();
    await compare(db);
  });

  it('on PostgreSQL 15 too', async (context) => {
    let server: Awaited<ReturnType<typeof startPostgres>>;
    try {
      server = await startPostgres({ version: 15 });
    } catch (error) {
      return context.skip(
        `PostgreSQL 15 is not on this machine: ${error instanceof Error ? error.message : error}`,
      );
    }
    await using _server = server;
    await using db = await server.createDatabase();
    await compare(db);
  });
});
