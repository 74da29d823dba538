import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { DEFINITIONS, TYPES } from './type-matrix.ts';
import { inLake, inSource, lakeText, sourceText } from './type-writing.ts';

const TASK = 'types';
const TABLES = ['loaded', 'inserted', 'updated'] as const;
const ROWS = Math.max(...TYPES.map((row) => row.values.length));
const COLUMNS = TYPES.map((_, at) => `c${at}`);

/** Types that are keys too, and whose order PostgreSQL knows. */
const KEYS = [
  'boolean',
  'bit(3)',
  'smallint',
  'bigint',
  'oid',
  'numeric(10,2)',
  'numeric(38,38)',
  'real',
  'double precision',
  'money',
  'character varying',
  'character(5)',
  '"char"',
  'name',
  'citext',
  'bytea',
  'uuid',
  'date',
  'time without time zone',
  'time with time zone',
  'timestamp without time zone',
  'timestamp with time zone',
  'interval',
  'jsonb',
  'tsvector',
  'inet',
  'macaddr',
  'int4range',
  'mood',
  'pair',
  'pg_lsn',
  'integer[]',
  'numeric(10,2)[]',
  'double precision[]',
  'bytea[]',
  'mood[]',
  'price',
  'small_ints',
].map((type) => TYPES.find((row) => row.type === type)!);
const keyValues = (type: (typeof TYPES)[number]): readonly string[] =>
  type.values.filter((value) => !/infinity'|length|repeat/.test(value) || /real|double/.test(type.type));

let database: TestDatabase;
let lake: TestLake;

beforeAll(async () => {
  database = await sharedPostgres().createDatabase();
  await database.query(DEFINITIONS);
  // Whoever writes has other settings than the mirror, and so have the database and the role.
  await database.query(
    `ALTER DATABASE "${database.name}" SET DateStyle = 'German'; ALTER DATABASE "${database.name}" SET TimeZone = 'Asia/Tokyo';
     ALTER DATABASE "${database.name}" SET IntervalStyle = 'postgres_verbose'; ALTER DATABASE "${database.name}" SET bytea_output = 'escape';
     ALTER DATABASE "${database.name}" SET extra_float_digits = -3`,
  );
  const columns = TYPES.map((row, at) => `c${at} ${row.type}`).join(', ');
  for (const table of TABLES)
    await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, n int, ${columns})`);
  for (const [at, row] of KEYS.entries())
    await database.query(`CREATE TABLE key${at} (k ${row.type} PRIMARY KEY, n int)`);
  await write('loaded');
  await database.query(`INSERT INTO updated (id, n) SELECT i, 0 FROM generate_series(0, ${ROWS}) i`);
  for (const [at, row] of KEYS.entries())
    for (const [n, value] of keyValues(row).entries())
      await database.query(
        `INSERT INTO key${at} VALUES ((${value})::${row.type}, ${n}) ON CONFLICT DO NOTHING`,
      );
  lake = await TestLake.start();
  await lake.createMirror(TASK, database.connection);
  await lake.start(TASK);
  await lake.caughtUp(TASK, 120);
  await write('inserted');
  await writeByUpdate();
  // Large values that do not change are not in the log again.
  await database.query('UPDATE updated SET n = n + 1');
  await lake.caughtUp(TASK, 120);
}, 400_000);

afterAll(async () => {
  await lake?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
}, 60_000);

const cell = (row: (typeof TYPES)[number], n: number): string =>
  row.values[n] === undefined ? 'NULL' : `(${row.values[n]})::${row.type}`;

async function write(table: string): Promise<void> {
  for (let n = 0; n <= ROWS; n++)
    await database.query(
      `INSERT INTO ${table} (id, n, ${COLUMNS.join(', ')}) VALUES (${n}, 0, ${TYPES.map((row) => cell(row, n)).join(', ')})`,
    );
}

async function writeByUpdate(): Promise<void> {
  for (let n = 0; n <= ROWS; n++)
    await database.query(
      `UPDATE updated SET ${TYPES.map((row, at) => `c${at} = ${cell(row, n)}`).join(', ')} WHERE id = ${n}`,
    );
}

async function source(sql: string): Promise<(string | null)[][]> {
  await database.query(
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 1; SET bytea_output = 'hex'",
  );
  const client = await database.client();
  await client.query(
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 1; SET bytea_output = 'hex'",
  );
  return (await client.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows;
}

const inTheLake = async (sql: string): Promise<(string | null)[][]> =>
  (await lake.sql(sql)).rows as (string | null)[][];

describe.each(TABLES)('%s', (table) => {
  let theirs: (string | null)[][];
  let ours: (string | null)[][];
  let types: Map<string, string>;
  beforeAll(async () => {
    expect((await lake.tables(TASK)).find((row) => row.source.table === table)).toMatchObject({
      state: 'live',
      error: null,
    });
    theirs = await source(
      `SELECT ${TYPES.map((row, at) => inSource(row, `c${at}`)).join(', ')} FROM ${table} ORDER BY id`,
    );
    ours = await inTheLake(
      `SELECT ${TYPES.map((row, at) => inLake(row, `c${at}`)).join(', ')} FROM public.${table} ORDER BY id`,
    );
    const found = await (await lake.api()).get<{ columns: { name: string; type: string }[] }>(
      `/lake-tables/describe?schema=public&table=${table}`,
    );
    types = new Map(found.columns.map(({ name, type }) => [name, type]));
    expect(ours).toHaveLength(ROWS + 1);
  });

  it.each(TYPES.map((row, at) => [row.type, row, at] as const))('%s', (_type, row, at) => {
    expect(types.get(`c${at}`)).toBe(row.lake);
    for (let n = 0; n <= ROWS; n++) {
      const value = row.values[n];
      const [there, here] = [sourceText(row, theirs[n]![at]!), lakeText(row, ours[n]![at]!)];
      // A long value is not worth a page of differences.
      if (JSON.stringify(here).length < 5000) expect([value, here]).toEqual([value, there]);
      else expect(JSON.stringify(here) === JSON.stringify(there)).toBe(true);
      // The comparison itself would not notice what is null on both sides for no reason.
      if (value !== undefined && !/infinity/.test(value)) expect(here).not.toBeNull();
    }
  });
});

it('what became null is counted', async () => {
  const expected = TYPES.flatMap((row) => (/^(date|instant)$/.test(row.as) ? row.values : [])).filter(
    (value) => /infinity/.test(value),
  ).length;
  const counts = (await lake.tables(TASK))
    .filter((row) => TABLES.some((table) => table === row.source.table))
    .map((row) => row.nulledValues);
  // Each line of the log counts, and the rows of `updated` were written twice.
  expect([...counts].sort((a, b) => a - b)).toEqual([expected, expected, 2 * expected]);
});

it('types as keys: rows are found again', async () => {
  for (const [at] of KEYS.entries())
    await database.query(
      `UPDATE key${at} SET n = n + 100; DELETE FROM key${at} WHERE n % 3 = 2; UPDATE key${at} SET n = -n WHERE n % 2 = 0`,
    );
  await lake.caughtUp(TASK, 120);
  const sorted = (rows: (string | null)[][]): string[] => rows.map((one) => JSON.stringify(one)).sort();
  for (const [at, row] of KEYS.entries()) {
    const theirs = await source(`SELECT ${inSource(row, 'k')}, n::text FROM key${at}`);
    const ours = await inTheLake(`SELECT ${inLake(row, 'k')}, CAST(n AS VARCHAR) FROM public.key${at}`);
    const writtenHere = ours.map(([k, n]) => [lakeText(row, k!), n] as (string | null)[]);
    const writtenThere = theirs.map(([k, n]) => [sourceText(row, k!), n] as (string | null)[]);
    expect([row.type, sorted(writtenHere)]).toEqual([row.type, sorted(writtenThere)]);
    expect(writtenThere.length).toBeGreaterThan(0);
  }
}, 120_000);

describe('values without a counterpart', () => {
  const refused = TYPES.flatMap((row) => (row.refused ?? []).map((value) => ({ row, value })));

  it('stop their table, by full load and by the log, and no other', async () => {
    for (const [at, { row, value }] of refused.entries()) {
      await database.query(
        `CREATE TABLE refused_load${at} (id int PRIMARY KEY, "the column" ${row.type}); INSERT INTO refused_load${at} VALUES (1, (${value})::${row.type})`,
      );
      await database.query(
        `CREATE TABLE refused_log${at} (id int PRIMARY KEY, "the column" ${row.type}); INSERT INTO refused_log${at} VALUES (1, NULL)`,
      );
    }
    await lake.caughtUp(TASK, 120);
    for (const [at, { row, value }] of refused.entries())
      await database.query(`INSERT INTO refused_log${at} VALUES (2, (${value})::${row.type})`);
    await database.query('UPDATE loaded SET n = 77 WHERE id = 0');
    await lake.caughtUp(TASK, 120);
    const tables = new Map((await lake.tables(TASK)).map((table) => [table.source.table, table]));
    for (const [at] of refused.entries())
      for (const table of [`refused_load${at}`, `refused_log${at}`]) {
        // What a load could not read is not there; what the log told is kept for when it can be.
        const state = table.startsWith('refused_log') ? 'stalled' : 'blocked';
        expect(tables.get(table)).toMatchObject({ state, error: { code: 'TABLE_VALUE' } });
        expect(tables.get(table)!.error!.message).toContain('the column');
      }
    // What was visible stays; nothing nearly right comes after it.
    expect(await inTheLake('SELECT CAST(id AS VARCHAR) FROM public.refused_log0')).toEqual([['1']]);
    expect(await inTheLake('SELECT CAST(n AS VARCHAR) FROM public.loaded WHERE id = 0')).toEqual([['77']]);
  }, 120_000);

  it('or become null and are counted', async () => {
    const api = await lake.api();
    const tables = refused
      .flatMap((_, at) => [`refused_load${at}`, `refused_log${at}`])
      .map((table) => ({ schema: 'public', table }));
    const spec = {
      dataSource: TASK,
      database: database.name,
      pipelineType: 1,
      tables,
      targetSchema: 'nulled',
      targetTable: '{SOURCE_DATABASE}.{SOURCE_SCHEMA}.{SOURCE_TABLE}',
      parameters: { out_of_range: 'null', commit_interval: '200ms' },
    };
    await api.post('/tasks', { name: 'nulled', folder: 'tests', spec });
    await api.post('/tasks/nulled/publish');
    await lake.start('nulled');
    await lake.caughtUp('nulled', 120);
    for (const [at, { row, value }] of refused.entries())
      await database.query(`INSERT INTO refused_load${at} VALUES (3, (${value})::${row.type})`);
    await lake.caughtUp('nulled', 120);
    for (const table of await lake.tables('nulled')) {
      expect(table).toMatchObject({
        state: 'live',
        error: null,
        nulledValues: table.source.table.startsWith('refused_load') ? 2 : 1,
      });
      expect(table.target).toEqual({
        schema: 'nulled',
        table: `${database.name}.public.${table.source.table}`,
      });
      const rows = await inTheLake(
        `SELECT count(*)::VARCHAR, count("the column")::VARCHAR FROM nulled."${table.target.table}"`,
      );
      expect(rows).toEqual([['2', '0']]);
    }
  }, 120_000);
});
