import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { sharedPostgres } from '../tests/support/postgres.ts';
import { equal, type Lake } from './comparison.ts';
import { comparePostgres } from './comparison-postgres.ts';
import type { Value } from './normalise.ts';

/** A lake that is nothing but a query engine with tables of its own. */
async function duckLake(statements: readonly string[]): Promise<Lake & { run(sql: string): Promise<void> }> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const query = async (sql: string) =>
    (await connection.runAndReadAll(sql)).getRowsJson() as readonly (readonly Value[])[];
  for (const statement of statements) await connection.run(statement);
  return {
    query,
    columns: async (schema, table) => {
      const rows = await query(
        `SELECT column_name FROM duckdb_columns() WHERE schema_name = '${schema}' AND table_name = '${table}'`,
      );
      return rows.length === 0 ? null : rows.map(([name]) => String(name));
    },
    run: async (sql) => {
      await connection.run(sql);
    },
  };
}

const SOURCE = `
  CREATE TABLE "Odd ""names""" (id bigint, part text, ok boolean, at timestamptz, local timestamp, day date, clock time,
    raw bytea, f4 real, f8 double precision, price numeric(20,4), big numeric, tags text[], numbers int[], doc jsonb,
    who uuid, PRIMARY KEY (id, part));
  INSERT INTO "Odd ""names""" VALUES
    (1, 'ä', true, '2024-02-29 12:00:00.123456+02', '0044-03-15 12:00:00 BC', '1999-12-31', '23:59:59.999999',
     '\\x00ff5c', 0.1, 1e-300, 12345678901234.5678, 1e30, '{a,"b \\"c\\"",NULL,🛒}', '{1,NULL,-3}', '{"a": 1.10}',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
    (1, '', NULL, 'infinity', NULL, 'infinity', NULL, '', 'NaN', '-Infinity', NULL, NULL, '{}', NULL, NULL, NULL);
  CREATE TABLE bag (a int, b text);
  INSERT INTO bag VALUES (1, 'x'), (1, 'x'), (2, NULL);
  CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
  CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
  INSERT INTO parted SELECT generate_series(1, 45000);`;

const LAKE = [
  'CREATE SCHEMA public',
  `CREATE TABLE public."Odd ""names""" (id BIGINT, part VARCHAR, ok BOOLEAN, "at" TIMESTAMPTZ, local TIMESTAMP, day DATE,
     clock TIME, raw BLOB, f4 FLOAT, f8 DOUBLE, price DECIMAL(20,4), big VARCHAR, tags VARCHAR[], numbers INTEGER[],
     doc VARCHAR, who UUID, _op VARCHAR, _source_ts TIMESTAMPTZ)`,
  `INSERT INTO public."Odd ""names""" VALUES
    (1, 'ä', true, '2024-02-29 10:00:00.123456+00', '0044-03-15 (BC) 12:00:00', '1999-12-31', '23:59:59.999999',
     '\\x00\\xFF\\x5C'::BLOB, 0.1, 1e-300, 12345678901234.5678, '1000000000000000000000000000000',
     ['a', 'b "c"', NULL, '🛒'], [1, NULL, -3], '{"a": 1.10}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'I', now()),
    (1, '', NULL, NULL, NULL, NULL, NULL, ''::BLOB, 'NaN', '-inf', NULL, NULL, [], NULL, NULL, NULL, 'I', now())`,
  'CREATE TABLE public.bag (a INTEGER, b VARCHAR)',
  "INSERT INTO public.bag VALUES (1, 'x'), (2, NULL), (1, 'x')",
  'CREATE TABLE public.parted (id INTEGER)',
  'INSERT INTO public.parted SELECT range FROM range(45000, 0, -1)',
];

describe('the comparison of source and lake', () => {
  it('finds every kind of difference, and none where there is none', async () => {
    await using database = await sharedPostgres().createDatabase();
    await database.query(SOURCE);
    const lake = await duckLake(LAKE);
    const client = await database.client();

    const same = await comparePostgres(client, lake);
    expect(same.map(({ examples, problem }) => [problem, ...examples])).toEqual([[null], [null], [null]]);
    expect(same.map(({ table, sourceRows }) => [table, sourceRows])).toEqual([
      ['public.Odd "names"', 2],
      ['public.bag', 3],
      ['public.parted', 45_000],
    ]);
    expect(same.every(equal)).toBe(true);

    await lake.run(`UPDATE public."Odd ""names""" SET price = 12345678901234.5679 WHERE part = 'ä'`);
    await lake.run('DELETE FROM public.bag WHERE a = 2');
    await lake.run('UPDATE public.parted SET id = 45001 WHERE id = 77');
    const changed = await comparePostgres(client, lake);
    expect(changed.map(({ missing, extra, different }) => [missing, extra, different])).toEqual([
      [0, 0, 1],
      [1, 0, 0],
      [1, 1, 0],
    ]);
    expect(changed.some(equal)).toBe(false);

    await lake.run('INSERT INTO public.parted VALUES (5), (77)');
    await lake.run('DELETE FROM public.parted WHERE id = 45001');
    await lake.run('ALTER TABLE public.bag DROP COLUMN b');
    await lake.run('DROP TABLE public."Odd ""names"""');
    const worse = await comparePostgres(client, lake);
    expect(worse.map(({ problem }) => problem)).toEqual([
      'the lake has no such table',
      'columns differ: no b',
      null,
    ]);
    expect(worse[2]).toMatchObject({ missing: 0, extra: 1, different: 0, examples: ['2 times ["5"]'] });
    expect(worse.some(equal)).toBe(false);
  });
});
