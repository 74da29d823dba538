import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestLake } from '../support/lake.ts';

/**
 * A second reader of the lake, which shares no code with ours: ClickHouse reads the Iceberg tables from their files,
 * from the metadata that the REST catalog names. Both sides are brought to one writing here, by expressions of their
 * own, so that an error in the other comparison's cannot hide.
 *
 *   boolean, int …   text                        date             days since 1970, what the lake has not is null
 *   decimal          text without end zeros      timestamp        microseconds since 1970, the same
 *   real, double     the bits, as hex            time             whole seconds
 *   bytes            hex                         lists            JSON of elements written like this
 *
 * ClickHouse has no null for a whole array, its dates are those of 1900 to 2299, and of a time in an Iceberg table it
 * reads the seconds only (it takes the file's microseconds for a moment and makes a whole number of that).
 */
export type Writing = 'text' | 'real' | 'double' | 'bytes' | 'date' | 'timestamp';

export interface ClickHouseColumn {
  readonly name: string;
  readonly writing: Writing;
  readonly list: boolean;
}

export type Row = readonly (string | null)[];

/** A table of the source: how ClickHouse is asked for it, and its rows in the same writing. */
export interface ClickHouseTable {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly ClickHouseColumn[];
  readonly rows: readonly Row[];
}

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
function value(writing: Writing, x: string): string {
  if (writing === 'double') return `lower(leftPad(hex(reinterpretAsUInt64(${x})), 16, '0'))`;
  if (writing === 'real') return `lower(leftPad(hex(reinterpretAsUInt32(${x})), 8, '0'))`;
  if (writing === 'bytes') return `lower(hex(${x}))`;
  if (writing === 'date') return `toString(toInt32(${x}))`;
  if (writing === 'timestamp') return `toString(toUnixTimestamp64Micro(${x}))`;
  return `toString(${x})`;
}

function expression({ name, writing, list }: ClickHouseColumn): string {
  const column = back(name);
  if (!list) return `if(isNull(${column}), NULL, ${value(writing, `assumeNotNull(${column})`)})`;
  return `toJSONString(arrayMap(x -> if(isNull(x), NULL, ${value(writing, 'assumeNotNull(x)')}), ${column}))`;
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
 * Reads every table by ClickHouse and compares it with the source's rows, as bags, and the bare count() besides, which
 * ClickHouse takes from the metadata.
 * @returns what differs, for people
 */
export async function clickhouseDifferences(
  lake: TestLake,
  tables: readonly ClickHouseTable[],
): Promise<readonly string[]> {
  const queries: string[] = [];
  for (const table of tables) {
    const source = await icebergTable(lake, table.schema, table.table);
    queries.push(
      `SELECT ${table.columns.map(expression).join(', ')} FROM ${source}`,
      `SELECT toString(count()) FROM ${source}`,
    );
  }
  const answers = await askClickHouse(lake, queries);
  return tables.flatMap((table, n) => {
    const there = sorted(answers[2 * n]!);
    const wanted = sorted(table.rows);
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
}
