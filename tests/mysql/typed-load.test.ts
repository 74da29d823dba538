import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, type EngineConnection } from '../../server/src/lakehouse/duckdb/engine.ts';
import type { TableSchema } from '../../server/src/model/table.ts';
import { openSession } from '../../server/src/sources/mysql/connect.ts';
import { discoverTables } from '../../server/src/sources/mysql/discover.ts';
import { never, snapshotOf } from '../../server/src/sources/mysql/testing/loading.ts';
import {
  DEFAULT_READING,
  type LoadedTypedRows,
  type TableSnapshot,
} from '../../server/src/sources/source.ts';
import { readLines } from '../../server/src/targets/lakehouse/change-lines.ts';
import { textExpression } from '../../server/src/targets/lakehouse/text-expression.ts';
import { FLAVOURS, type Flavour, sharedMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { freshSeed } from '../support/seed.ts';
import { typesOf } from './type-matrix-mysql.ts';

const RULES = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' } as const;
const WRITER = `SET sql_mode = 'NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES', time_zone = '+09:00'`;

let folder: string;
let engine: Engine;
let sql: EngineConnection;

beforeAll(async () => {
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
});

async function onlyTable(database: TestMysqlDatabase, table: string): Promise<TableSchema> {
  await using session = await openSession(database.connection, { applicationName: 'sluice test' }, never);
  const [found] = await discoverTables(
    session,
    { schemas: [], tables: [{ schema: database.name, table }] },
    { database: database.name, reading: DEFAULT_READING },
  );
  expect(found).toBeDefined();
  return found!.schema;
}

/** A table's rows by the one way, in a file. */
async function typedFile(snapshot: TableSnapshot, file: string): Promise<LoadedTypedRows | null> {
  const chunks = await snapshot.plan(1e12);
  expect(chunks).toHaveLength(1);
  const parts: Buffer[] = [];
  const done = await snapshot.copyTyped!(
    chunks[0]!,
    async (bytes) => void parts.push(Buffer.from(bytes)),
    never,
  );
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
async function differences(
  database: TestMysqlDatabase,
  table: string,
): Promise<{ rows: number; different: readonly unknown[] }> {
  const schema = await onlyTable(database, table);
  const { columns } = schema;
  await using snapshot = await snapshotOf(database, schema);
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

/** The year 0 is left to text; so is whatever is well-known text in the lake. */
const isLeft = (value: string): boolean => value.startsWith(`'0000-03-01`);

describe.each(FLAVOURS)('typed rows of a full load of %s', (flavour: Flavour) => {
  let database: TestMysqlDatabase;

  beforeAll(async () => {
    database = await sharedMysql(flavour).createDatabase();
    await database.query(WRITER);
  }, 60_000);

  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
  });

  it('are those that text is read as, whatever the type', async () => {
    const types = typesOf(flavour).filter((row) => row.as !== 'geometry');
    const columns = types.map((row, at) => `c${at} ${row.type} NULL`).join(', ');
    await database.query(`CREATE TABLE every (id int PRIMARY KEY, ${columns})`);
    const values = types.map((row) => row.values.filter((value) => !isLeft(value)));
    const most = Math.max(...values.map((each) => each.length));
    for (let n = 0; n <= most; n++)
      await database.query(
        `INSERT INTO every VALUES (${n}, ${types.map((_, at) => values[at]![n] ?? 'NULL').join(', ')})`,
      );
    expect(await differences(database, 'every')).toEqual({ rows: most + 1, different: [] });
  }, 120_000);

  it('go through groups of rows, with nulls in some of them', async () => {
    const seed = freshSeed();
    await database.query(`CREATE TABLE many (id bigint PRIMARY KEY, flag boolean, tiny tinyint, small smallint unsigned, medium mediumint,
        whole int, wide int unsigned, large bigint, huge bigint unsigned, a decimal(9,2), b decimal(18,18), c decimal(18,0), d decimal(38,10),
        e decimal(15,3), at datetime(6), moment timestamp(3) NULL, plain datetime, day date, clock time(6), y year, one bit(1), nine bit(9),
        bytes varbinary(40), t varchar(4000), r float, x double)`);
    const some = (times: number, sql: string): string => `IF(rand() < 1 / ${times}, NULL, ${sql})`;
    await database.query('SET SESSION cte_max_recursion_depth = 100000').catch(() => undefined);
    await database.query('SET SESSION max_recursive_iterations = 100000').catch(() => undefined);
    await database.query(`INSERT INTO many WITH RECURSIVE up (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM up WHERE k < 9000)
      SELECT k, rand(${seed}) < 0.5, floor(rand() * 256) - 128, floor(rand() * 65536), floor(rand() * 16777216) - 8388608,
        ${some(3, 'floor(rand() * 4294967296) - 2147483648')}, floor(rand() * 4294967296),
        CASE k % 7 WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807 WHEN 2 THEN NULL ELSE CAST(floor((rand() - 0.5) * 1.8e19) AS SIGNED) END,
        CAST(concat(floor(rand() * 18000000000), lpad(floor(rand() * 1e9), 9, '0')) AS UNSIGNED), round((rand() - 0.5) * pow(10, k % 8), 2), round(rand() - 0.5, 18), ${some(5, 'round((rand() - 0.5) * pow(10, k % 18))')},
        (CAST(rand() AS DECIMAL(30,10)) - 0.5) * CAST(concat('1', repeat('0', k % 28)) AS DECIMAL(38,0)), round((rand() - 0.5) * 1e12, 3),
        ${some(4, `timestampadd(MICROSECOND, floor(rand() * 999999), timestampadd(SECOND, floor(rand() * 315537897599), '0001-01-01 00:00:00'))`)},
        timestampadd(SECOND, floor(rand() * 2000000000), '1970-01-02 00:00:00.125'), timestampadd(SECOND, floor(rand() * 315537897599), '0001-01-01 00:00:00'),
        timestampadd(DAY, floor(rand() * 3652058), '0001-01-01'), sec_to_time(floor(rand() * 86400)) + INTERVAL floor(rand() * 999999) MICROSECOND,
        1901 + floor(rand() * 255), IF(rand() < 0.5, b'1', b'0'), floor(rand() * 512), ${some(3, 'unhex(sha2(k, 256))')},
        ${some(6, `concat(repeat('é,"\n', k % 600), k)`)}, (rand() - 0.5) * 1e30, (rand() - 0.5) * pow(10, k % 300) FROM up`);
    expect(await differences(database, 'many'), `seed ${seed}`).toEqual({ rows: 9_000, different: [] });
  }, 120_000);

  it.each([
    ['date', `'0000-00-00'`],
    ['date', `'2024-00-10'`],
    ['date', `'2024-02-00'`],
    ['date', `'2023-02-29'`],
    ['date', `'1900-02-29'`],
    ['date', `'0000-03-01'`],
    ['datetime', `'0000-00-00 00:00:00'`],
    ['datetime(6)', `'2024-04-31 00:00:00.000001'`],
    ['timestamp', `'0000-00-00 00:00:00'`],
    ['time', `'24:00:00'`],
    ['time', `'-00:00:01'`],
    ['time(6)', `'838:59:58.999999'`],
    ['tinyint(1)', '2'],
    ['tinyint(1)', '-1'],
    ['geometry', `ST_GeomFromText('POINT(1 2)')`],
    ['mediumtext', `repeat('x', 1200000)`],
  ])('are given up for %s %s, which text has rules for', async (type, value) => {
    await database.query('DROP TABLE IF EXISTS odd');
    await database.query(`CREATE TABLE odd (id int PRIMARY KEY, v ${type} NULL)`);
    await database.query(`INSERT INTO odd VALUES (1, NULL), (2, ${value})`);
    await using snapshot = await snapshotOf(database, await onlyTable(database, 'odd'));
    expect(await typedFile(snapshot, join(folder, 'odd'))).toBeNull();
    expect(await typedFile(snapshot, join(folder, 'odd'))).toBeNull();
    expect(await lineFile(snapshot, join(folder, 'odd'))).toBeGreaterThan(3);
  });

  it('of the edges of what they tell', async () => {
    await database.query('CREATE TABLE edges (id int PRIMARY KEY, d date, t datetime(6), c time(6))');
    await database.query(`INSERT INTO edges VALUES (1, '0001-01-01', '0001-01-01', '00:00'),
        (2, '9999-12-31', '9999-12-31 23:59:59.999999', '23:59:59.999999'), (3, '1970-01-01', '1969-12-31 23:59:59.999999', NULL),
        (4, '2000-02-29', '2000-03-01 00:00:00.5', '00:00:00.000001'), (5, '1900-02-28', '1900-03-01', '01:00'),
        (6, '2024-12-31', '2400-02-29 12:00', '12:34:56')`);
    expect(await differences(database, 'edges')).toEqual({ rows: 6, different: [] });
  });

  it('come as text where the server takes no prepared statement', async () => {
    await database.query('CREATE TABLE unprepared (id int PRIMARY KEY)');
    await database.query('INSERT INTO unprepared VALUES (1)');
    await using snapshot = await snapshotOf(database, await onlyTable(database, 'unprepared'));
    const [[before]] = (await database.rows('SELECT @@GLOBAL.max_prepared_stmt_count')) as [[string]];
    await database.query('SET GLOBAL max_prepared_stmt_count = 0');
    try {
      expect(await typedFile(snapshot, join(folder, 'unprepared'))).toBeNull();
    } finally {
      await database.query(`SET GLOBAL max_prepared_stmt_count = ${before}`);
    }
    expect(await lineFile(snapshot, join(folder, 'unprepared'))).toBe(2);
  });
});
