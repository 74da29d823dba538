import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { TestLake } from '../support/lake.ts';

/**
 * A second reader of the lake, which shares no code with ours: ClickHouse reads the Iceberg tables from their files,
 * from the metadata that the REST catalog names. Both sides are brought to one writing here, by expressions of their
 * own, so that an error in the other comparison's cannot hide.
 *
 *   boolean, int …   text                        date             days since 1970, infinities null
 *   decimal          text without end zeros      timestamp        microseconds since 1970, infinities null
 *   real, double     the bits, as hex            time             whole seconds
 *   bytea            hex                         arrays           JSON of elements written like this
 *
 * ClickHouse has no null for a whole array, its dates are those of 1900 to 2299, and of a time in an Iceberg table it
 * reads the seconds only (it takes the file's microseconds for a moment and makes a whole number of that).
 */
interface Column {
  readonly name: string;
  /** format_type() with its modifier. */
  readonly type: string;
}

interface Table {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly Column[];
}

type Row = readonly (string | null)[];

const CHILD = fileURLToPath(new URL('./clickhouse-child.mjs', import.meta.url));

/** Where the tables' folders are, and what the REST catalog says is their metadata. */
async function metadataFile(lake: TestLake, schema: string, table: string): Promise<string> {
  const token = (await readFile(join(lake.dataDir, 'token'), 'utf8')).trim();
  const path = `/iceberg/v1/namespaces/${encodeURIComponent(schema)}/tables/${encodeURIComponent(table)}`;
  const response = await fetch(lake.url + path, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  const answer = (await response.json()) as { 'metadata-location': string };
  return fileURLToPath(answer['metadata-location']);
}

/** SQL strings of ClickHouse know backslashes. */
const text = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`;

/** The table as ClickHouse names it. */
export async function icebergTable(lake: TestLake, schema: string, table: string): Promise<string> {
  const metadata = await metadataFile(lake, schema, table);
  const folder = metadata.slice(0, metadata.lastIndexOf('/metadata/'));
  return `icebergLocal(${text(folder)}, 'Parquet', SETTINGS iceberg_metadata_file_path = ${text(relative(folder, metadata))})`;
}

/** Answers of several queries, in a process that sees the data folder. */
export async function askClickHouse(
  lake: TestLake,
  queries: readonly string[],
): Promise<readonly (readonly Row[])[]> {
  const child = spawn(process.execPath, [CHILD], { cwd: lake.dataDir, stdio: ['pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin.end(JSON.stringify({ queries }));
  const code = await ended;
  if (code !== 0) throw new Error(`ClickHouse failed (${code}): ${errors}`);
  return JSON.parse(Buffer.concat(out).toString('utf8')) as Row[][];
}

const back = (name: string): string => `\`${name.replace(/[\\`]/g, '\\$&')}\``;

/** An expression of ClickHouse that gives the value as text. `x` is not null inside. */
function clickhouseValue(type: string, x: string): string {
  if (type === 'double precision') return `lower(leftPad(hex(reinterpretAsUInt64(${x})), 16, '0'))`;
  if (type === 'real') return `lower(leftPad(hex(reinterpretAsUInt32(${x})), 8, '0'))`;
  if (type === 'bytea') return `lower(hex(${x}))`;
  if (type === 'date') return `toString(toInt32(${x}))`;
  if (type.startsWith('timestamp')) return `toString(toUnixTimestamp64Micro(${x}))`;
  return `toString(${x})`;
}

function clickhouseExpression({ name, type }: Column): string {
  const column = back(name);
  if (!type.endsWith('[]'))
    return `if(isNull(${column}), NULL, ${clickhouseValue(type, `assumeNotNull(${column})`)})`;
  const element = clickhouseValue(type.slice(0, -2), 'assumeNotNull(x)');
  return `toJSONString(arrayMap(x -> if(isNull(x), NULL, ${element}), ${column}))`;
}

/** The same of PostgreSQL. */
function postgresValue(type: string, x: string): string {
  if (type === 'double precision') return `encode(float8send(${x}), 'hex')`;
  if (type === 'real') return `encode(float4send(${x}), 'hex')`;
  if (type === 'bytea') return `encode(${x}, 'hex')`;
  if (type === 'date') return `CASE WHEN isfinite(${x}) THEN (${x} - date '1970-01-01')::text END`;
  if (type.startsWith('timestamp'))
    return `CASE WHEN isfinite(${x}) THEN (extract(epoch FROM ${x}) * 1000000)::numeric(30)::text END`;
  if (type === 'time without time zone') return `floor(extract(epoch FROM ${x}))::text`;
  if (/^numeric\(/.test(type)) return `trim_scale(${x})::text`;
  if (type === 'bit(1)') return `CASE ${x}::text WHEN '1' THEN 'true' WHEN '0' THEN 'false' END`;
  if (type === 'uuid') return `${x}::text`;
  // A cast of char(n) to text would cut its blanks, which are part of what the type gives out.
  if (type.startsWith('character(')) return `rpad(${x}::text, ${/\d+/.exec(type)?.[0]})`;
  return `${x}::text`;
}

function postgresExpression({ name, type }: Column): string {
  const column = pg.escapeIdentifier(name);
  if (!type.endsWith('[]')) return postgresValue(type, column);
  const element = postgresValue(type.slice(0, -2), 'e');
  return `coalesce((SELECT json_agg(${element} ORDER BY n)::text FROM unnest(${column}) WITH ORDINALITY AS u(e, n)), '[]')`;
}

async function tablesOf(client: pg.Client): Promise<readonly Table[]> {
  const { rows } = await client.query<{ schema: string; table: string; columns: Column[] }>(`
    SELECT n.nspname AS schema, c.relname AS "table",
           json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY 1, 2 ORDER BY 1, 2`);
  return rows;
}

/** ClickHouse refuses a whole column for one date that it does not have. */
async function readable(client: pg.Client, table: Table): Promise<readonly Column[]> {
  const from = `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.table)}`;
  const columns: Column[] = [];
  for (const column of table.columns) {
    const name = pg.escapeIdentifier(column.name);
    const beyond = `SELECT 1 FROM ${from} WHERE isfinite(${name}) AND (${name} < '1900-01-01' OR ${name} > '2299-12-31') LIMIT 1`;
    if (column.type !== 'date' || (await client.query(beyond)).rowCount === 0) columns.push(column);
  }
  return columns;
}

const sorted = (rows: readonly Row[]): string[] =>
  rows
    .map((row) => JSON.stringify(row.map((value) => (value === null ? null : value.replaceAll(', ', ',')))))
    .sort();

/** Where two rows part. */
function around(source = '', lake = ''): string {
  let at = 0;
  while (at < source.length && source[at] === lake[at]) at++;
  const part = (row: string): string => row.slice(Math.max(0, at - 80), at + 80);
  return `source …${part(source)}… ClickHouse …${part(lake)}…`;
}

/**
 * Reads every table of the database by ClickHouse and compares it with PostgreSQL, as bags of rows, and the bare
 * count() besides, which ClickHouse takes from the metadata.
 * @returns what differs, for people
 */
export async function clickhouseDifferences(lake: TestLake, databaseUrl: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601'",
    );
    const tables = await tablesOf(client);
    const queries: string[] = [];
    const expected: (readonly Row[])[] = [];
    for (const table of tables) {
      const columns = await readable(client, table);
      const source = await icebergTable(lake, table.schema, table.table);
      queries.push(
        `SELECT ${columns.map(clickhouseExpression).join(', ')} FROM ${source}`,
        `SELECT toString(count()) FROM ${source}`,
      );
      const from = `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.table)}`;
      const { rows } = await client.query<(string | null)[]>({
        text: `SELECT ${columns.map(postgresExpression).join(', ')} FROM ${from}`,
        rowMode: 'array',
      });
      expected.push(rows);
    }
    const answers = await askClickHouse(lake, queries);
    return tables.flatMap((table, n) => {
      const there = sorted(answers[2 * n]!);
      const wanted = sorted(expected[n]!);
      const count = answers[2 * n + 1]![0]![0];
      const problems: string[] = [];
      if (count !== String(wanted.length))
        problems.push(`${table.table}: count() is ${count}, not ${wanted.length}`);
      const at = wanted.findIndex((row, index) => row !== there[index]);
      if (at >= 0 || there.length !== wanted.length)
        problems.push(
          `${table.table}: ${wanted.length} rows, ClickHouse ${there.length}; ${around(wanted[at], there[Math.max(0, at)])}`,
        );
      return problems;
    });
  } finally {
    await client.end();
  }
}
