import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, type EngineConnection } from '../../server/src/lakehouse/duckdb/engine.ts';
import type { Column, TableName } from '../../server/src/model/table.ts';
import { never, openSource } from '../../server/src/sources/postgres/testing/reading.ts';
import type { LoadedTypedRows, Source, TableSnapshot } from '../../server/src/sources/source.ts';
import { readLines } from '../../server/src/targets/lakehouse/change-lines.ts';
import { textExpression } from '../../server/src/targets/lakehouse/text-expression.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { DEFINITIONS, TYPES } from './type-matrix.ts';

const RULES = { infiniteDates: 'null', zeroDates: 'error', outOfRange: 'error' } as const;

let database: TestDatabase;
let folder: string;
let engine: Engine;
let sql: EngineConnection;

beforeAll(async () => {
  database = await sharedPostgres().createDatabase();
  await database.query(DEFINITIONS);
  folder = await mkdtemp(join(tmpdir(), 'sluice-typed-'));
  engine = await Engine.open({
    threads: 2,
    memoryBytes: 512 << 20,
    tempFolder: join(folder, 'duckdb'),
    maxTempBytes: 2 ** 30,
  });
  sql = await engine.connect();
}, 60_000);

afterAll(async () => {
  engine?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
  await database?.[Symbol.asyncDispose]();
});

async function onlyTable(
  source: Source,
  table: string,
): Promise<{ name: TableName; columns: readonly Column[] }> {
  const [found] = await source.discover({ schemas: [], tables: [{ schema: 'public', table }] }, never);
  expect(found).toBeDefined();
  return found!.schema;
}

/** A table's rows by the one way, in a file. */
async function typedFile(snapshot: TableSnapshot, file: string): Promise<LoadedTypedRows | null> {
  const [chunk] = await snapshot.plan(1e12);
  const parts: Buffer[] = [];
  const done = await snapshot.copyTyped!(chunk!, async (bytes) => void parts.push(Buffer.from(bytes)), never);
  await writeFile(file, Buffer.concat(parts));
  return done;
}

/** And by the other. */
async function lineFile(snapshot: TableSnapshot, file: string): Promise<number> {
  const [chunk] = await snapshot.plan(1e12);
  const parts: Buffer[] = [];
  const done = await snapshot.copy(chunk!, async (bytes) => void parts.push(Buffer.from(bytes)), never);
  await writeFile(file, Buffer.concat(parts));
  return done.longestLine;
}

/** Rows that the two ways do not have in common, each value with its type. */
async function differences(table: string): Promise<{ rows: number; different: readonly unknown[] }> {
  await using source = await openSource(database.connection);
  const { name, columns } = await onlyTable(source, table);
  await using snapshot = await source.snapshot({ name, columns, identity: { kind: 'row' } }, never);
  const [typed, lines] = [join(folder, `${table}.parquet`), join(folder, `${table}.csv`)];
  const done = await typedFile(snapshot, typed);
  if (done === null) return { rows: -1, different: [] };
  const longest = await lineFile(snapshot, lines);
  const shown = (value: string): string => `[typeof(${value}), CAST(${value} AS VARCHAR)]`;
  const read = columns.map((column, index) => {
    const text = textExpression(column.type, column.text, `f${index}`, RULES);
    return { value: done.typed[index] ? `f${index}` : text, text };
  });
  const byValue = `SELECT ${read.map(({ value }) => shown(value)).join(', ')} FROM read_parquet('${typed}')`;
  const byText = `SELECT ${read.map(({ text }) => shown(text)).join(', ')} FROM ${readLines([lines], columns.length, longest)}`;
  const rows = await sql.rows(
    `(${byValue} EXCEPT ALL ${byText}) UNION ALL (${byText} EXCEPT ALL ${byValue})`,
  );
  const [count] = await sql.rows(`SELECT count(*) AS n FROM read_parquet('${typed}')`);
  expect(Number(count?.n)).toBe(done.rows);
  return {
    rows: done.rows,
    different: rows.slice(0, 3).map((row) => JSON.stringify(Object.values(row), String)),
  };
}

/** Values that no typed column tells. Within lists and in types that are text they are nothing special. */
const isSpecial = (type: string, value: string): boolean =>
  !type.endsWith(']') &&
  ((/^(date|timestamp|day)/.test(type) && /infinity|BC|'\d{5,}-|'0001.*\+14/.test(value)) ||
    (/^time without/.test(type) && value.includes('24:00')) ||
    (/^numeric\(/.test(type) && /NaN|infinity/i.test(value)));

describe('typed rows of a full load', () => {
  it('are those that text is read as, whatever the type', async () => {
    const columns = TYPES.map((row, at) => `c${at} ${row.type}`).join(', ');
    await database.query(`CREATE TABLE every (id int PRIMARY KEY, ${columns})`);
    const values = TYPES.map((row) =>
      row.values.filter((value) => !isSpecial(row.type, value) && !/repeat|array_fill/.test(value)),
    );
    const most = Math.max(...values.map((each) => each.length));
    for (let n = 0; n <= most; n++)
      await database.query(
        `INSERT INTO every VALUES (${n}, ${TYPES.map((row, at) => (values[at]![n] === undefined ? 'NULL' : `(${values[at]![n]})::${row.type}`)).join(', ')})`,
      );
    expect(await differences('every')).toEqual({ rows: most + 1, different: [] });
  }, 120_000);

  it('go through groups of rows, with nulls in some of them', async () => {
    await database.query(`CREATE TABLE many (id bigint PRIMARY KEY, flag boolean, small smallint, whole int, large bigint,
        a numeric(9,2), b numeric(18,18), c numeric(18,0), d numeric(38,10), e numeric(5,-2), f numeric(12,3), at timestamptz, local timestamp, day date,
        clock time, u uuid, bytes bytea, t text, r real, x double precision, ip inet)`);
    await database.query(`SELECT setseed(0.4)`);
    await database.query(`INSERT INTO many SELECT i, random() < 0.5,
        (random() * 65535 - 32768)::int, ((random() - 0.5) * 4294967294)::bigint,
        CASE i % 7 WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807 WHEN 2 THEN NULL ELSE ((random() - 0.5) * 1.8e19)::numeric::bigint END,
        round(((random() - 0.5) * power(10, i % 8))::numeric, 2), round(((random() - 0.5))::numeric * 0.99, 18) / (10 ^ (i % 17))::numeric,
        round((random() * 1e9)::numeric * (random() * 1e9)::numeric - 5e17),
        round((random() - 0.5)::numeric * (10 ^ (i % 29))::numeric + random()::numeric, 10), round(((random() - 0.5) * 1e6)::numeric, -2),
        ((random() - 0.5) * 1e9)::numeric(12,3) * (10 ^ -(i % 9))::numeric,
        timestamptz '0001-01-01 00:00+00' + random() * 3155378975 * interval '100 second', timestamp '0001-01-01' + random() * 3155378975 * interval '100 second',
        date '0001-01-01' + (random() * 3652058)::int, time '00:00' + random() * interval '86399.999999 second', gen_random_uuid(),
        CASE WHEN i % 3 = 0 THEN NULL ELSE decode(md5(i::text), 'hex') END, CASE WHEN i BETWEEN 60000 AND 62000 THEN NULL ELSE repeat('é,"' || chr(10), (i % 40)::int) || i END,
        CASE i % 50 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' WHEN 2 THEN '-Infinity' ELSE ((random() - 0.5) * 1e30)::real END,
        CASE i % 50 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' WHEN 2 THEN 'Infinity' WHEN 3 THEN 'Infinity'::float8 - 'Infinity' ELSE (random() - 0.5) * 10 ^ (i % 300) END,
        ('10.0.0.' || i % 256)::inet
      FROM generate_series(1, 65000::bigint) i`);
    expect(await differences('many')).toEqual({ rows: 65_000, different: [] });
  }, 120_000);

  it.each([
    ['date', `'infinity'`],
    ['date', `'0044-03-15 BC'`],
    ['date', `'10000-01-01'`],
    ['timestamp', `'-infinity'`],
    ['timestamp', `'0001-12-31 23:59:59.999999 BC'`],
    ['timestamptz', `'10000-01-01 00:00:00+00'`],
    ['time', `'24:00'`],
    ['numeric(10,2)', `'NaN'`],
    ['numeric(30,2)', `'NaN'`],
    ['text', `repeat('x', 1200000)`],
  ])('are given up for %s %s, which text has rules for', async (type, value) => {
    await database.query(`DROP TABLE IF EXISTS odd; CREATE TABLE odd (v ${type})`);
    await database.query(`INSERT INTO odd VALUES (NULL), (${value})`);
    await using source = await openSource(database.connection);
    const { name, columns } = await onlyTable(source, 'odd');
    await using snapshot = await source.snapshot({ name, columns, identity: { kind: 'row' } }, never);
    expect(await typedFile(snapshot, join(folder, 'odd'))).toBeNull();
    expect(await typedFile(snapshot, join(folder, 'odd'))).toBeNull();
    expect(await lineFile(snapshot, join(folder, 'odd'))).toBeGreaterThan(3);
  });

  it('of the edges of what they tell, and of a table without rows', async () => {
    await database.query(`CREATE TABLE edges (d date, t timestamp, z timestamptz, c time);
      INSERT INTO edges VALUES ('0001-01-01', '0001-01-01', '0001-01-01 00:00+00', '00:00'),
        ('9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00', '23:59:59.999999'),
        ('1970-01-01', '1969-12-31 23:59:59.999999', '2000-01-01 00:00+00', NULL);
      CREATE TABLE none (d date)`);
    expect(await differences('edges')).toEqual({ rows: 3, different: [] });
    await using source = await openSource(database.connection);
    const { name, columns } = await onlyTable(source, 'none');
    await using snapshot = await source.snapshot({ name, columns, identity: { kind: 'row' } }, never);
    expect(await snapshot.plan(1e12)).toEqual([]);
  });
});
