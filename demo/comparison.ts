import { createHash } from 'node:crypto';
import { type Kind, lakeExpression, normaliseLake, type Value } from './normalise.ts';

/** How the source is read, all of it at one position. */
export interface ComparedSource {
  /** The tables that a lake should have. */
  tables(): Promise<readonly SourceTable[]>;
  /** All rows, in the columns' order, every value in the writing of normalise.ts. */
  rows(table: SourceTable): AsyncIterable<readonly Value[]>;
}

/** How the lake is read. */
export interface Lake {
  /** Names of a table's columns; null: there is no such table. */
  columns(schema: string, table: string): Promise<readonly string[] | null>;
  /** All rows of one SELECT, whose columns are text. */
  query(sql: string): Promise<readonly (readonly Value[])[]>;
}

export interface TableComparison {
  readonly table: string;
  readonly sourceRows: number;
  readonly lakeRows: number;
  /** Keys that the source has and the lake lacks; the other way round; rows of one key with other values. */
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  /** Of all normalised rows, whatever their order; made from each side by itself. */
  readonly sourceChecksum: string;
  readonly lakeChecksum: string;
  /** What is wrong with the table as a whole: not in the lake, other columns. */
  readonly problem: string | null;
  /** A few differences, for people. */
  readonly examples: readonly string[];
}

export interface SourceColumn {
  readonly name: string;
  readonly kind: Kind;
}

export interface SourceTable {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly SourceColumn[];
  /** Names of the primary key's columns; empty: rows are compared as a bag. */
  readonly key: readonly string[];
}

/** Columns of the lake's tables that the source does not have. */
const OWN_COLUMNS = new Set(['_op', '_source_ts']);

const PAGE_ROWS = 20_000;
const EXAMPLES = 5;

export function equal(result: TableComparison): boolean {
  return (
    result.problem === null &&
    result.missing + result.extra + result.different === 0 &&
    result.sourceChecksum === result.lakeChecksum
  );
}

export interface ComparisonOptions {
  /** Called with each table as soon as it is done. */
  readonly report?: (result: TableComparison) => void;
  /** The names of the tables to compare; all by default. */
  readonly wanted?: (table: string) => boolean;
}

/**
 * Compares every table of the source with its namesake in the lake, all rows, all columns. Both sides have to
 * stand still: the writers stopped, the lake caught up.
 */
export async function compareDatabase(
  source: ComparedSource,
  lake: Lake,
  { report, wanted }: ComparisonOptions = {},
): Promise<readonly TableComparison[]> {
  const results: TableComparison[] = [];
  for (const table of await source.tables()) {
    if (wanted?.(table.table) === false) continue;
    const result = await compareTable(source, lake, table);
    report?.(result);
    results.push(result);
  }
  return results;
}

async function compareTable(
  database: ComparedSource,
  lake: Lake,
  table: SourceTable,
): Promise<TableComparison> {
  const source = new Side(table);
  for await (const row of database.rows(table)) source.add(row);
  const target = new Side(table);
  let problem: string | null = null;
  try {
    problem = await columnProblem(lake, table);
    if (problem === null) for await (const row of lakeRows(lake, table, source.count)) target.add(row);
  } catch (error) {
    problem = `the lake does not answer: ${(error as Error).message}`;
  }
  return {
    table: `${table.schema}.${table.table}`,
    sourceRows: source.count,
    lakeRows: target.count,
    ...difference(source, target),
    sourceChecksum: source.checksum,
    lakeChecksum: target.checksum,
    problem,
  };
}

/** The rows of one side by their key. */
class Side {
  count = 0;
  readonly #rows = new Map<string, string[]>();
  readonly #key: readonly number[];
  #sum = 0n;

  constructor({ key, columns }: SourceTable) {
    this.#key = key.map((name) => columns.findIndex((column) => column.name === name));
  }

  add(row: readonly Value[]): void {
    this.count++;
    const text = JSON.stringify(row);
    this.#sum += createHash('md5').update(text).digest().readBigUInt64BE();
    const key = this.#key.length === 0 ? text : JSON.stringify(this.#key.map((index) => row[index]));
    const same = this.#rows.get(key);
    if (same === undefined) this.#rows.set(key, [text]);
    else same.push(text);
  }

  get rows(): ReadonlyMap<string, readonly string[]> {
    return this.#rows;
  }

  /** A sum, so that the order does not matter and a row that is there twice does. */
  get checksum(): string {
    return BigInt.asUintN(64, this.#sum).toString(16).padStart(16, '0');
  }
}

export function difference(source: Pick<Side, 'rows'>, lake: Pick<Side, 'rows'>) {
  const found = { missing: 0, extra: 0, different: 0 };
  const examples: string[] = [];
  const note = (text: string) => {
    if (examples.length < EXAMPLES) examples.push(text);
  };
  for (const [key, texts] of source.rows) {
    const there = lake.rows.get(key) ?? [];
    if (there.length < texts.length) {
      found.missing += texts.length - there.length;
      note(`missing ${key}`);
    } else if (there.length > texts.length) {
      found.extra += there.length - texts.length;
      note(`${there.length} times ${key}`);
    }
    if (there.length > 0 && !texts.every((text) => there.includes(text))) {
      found.different++;
      note(`source ${texts[0]}\n  lake ${there[0]}`);
    }
  }
  for (const [key, texts] of lake.rows) {
    if (source.rows.has(key)) continue;
    found.extra += texts.length;
    note(`extra ${key}`);
  }
  return { ...found, examples };
}

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Pages by a hash of the key, so that an answer stays small and no order has to be agreed on. */
async function* lakeRows(lake: Lake, table: SourceTable, rows: number): AsyncGenerator<Value[]> {
  const columns = table.columns.map(({ name, kind }) => lakeExpression(quote(name), kind));
  const key = table.key.map(quote);
  const pages = key.length === 0 ? 1 : Math.max(1, Math.ceil(rows / PAGE_ROWS));
  for (let page = 0; page < pages; page++) {
    const where = pages === 1 ? '' : ` WHERE hash(${key.join(', ')}) % ${pages} = ${page}`;
    const order = key.length === 0 ? '' : ` ORDER BY ${key.join(', ')}`;
    const sql = `SELECT ${columns.join(', ')} FROM ${quote(table.schema)}.${quote(table.table)}${where}${order}`;
    for (const row of await lake.query(sql))
      yield row.map((text, index) => normaliseLake(text, table.columns[index]?.kind ?? 'text'));
  }
}

/** A column too many or too few on either side is a difference, even where all the others agree. */
async function columnProblem(lake: Lake, table: SourceTable): Promise<string | null> {
  const columns = await lake.columns(table.schema, table.table);
  if (columns === null) return 'the lake has no such table';
  const there = new Set(columns.filter((name) => !OWN_COLUMNS.has(name)));
  const wanted = new Set(table.columns.map(({ name }) => name));
  const differing = [
    ...[...wanted].filter((name) => !there.has(name)).map((name) => `no ${name}`),
    ...[...there].filter((name) => !wanted.has(name)).map((name) => `${name} too many`),
  ];
  return differing.length === 0 ? null : `columns differ: ${differing.join(', ')}`;
}
