import { SluiceError } from '@sluice/contract';
import type { LiveFile } from '../data-file.ts';
import type { IcebergType } from '../metadata.ts';
import type { Storage } from '../storage.ts';
import { FILE_PATH_ID } from './position-delete.ts';
import { quoteIdentifier, quotePaths, quoteText } from './sql-text.ts';
import { duckType } from './types.ts';

export interface ScanColumn {
  readonly id: number;
  readonly name: string;
  readonly type: IcebergType;
}

/** Names that the options of scanSql add; no column may have one of them then. */
export const FILE_COLUMN = '#file';
export const POSITION_COLUMN = '#pos';

/**
 * A SELECT in parentheses that gives the live rows of the data files among `files`: position deletes applied, columns
 * found by field id, NULL where a file has no such column. A delete hits the data file that it names if that file's
 * sequence is not above its own (spec section "Scan Planning").
 * `positions` adds "#file", the location as in the manifests, and "#pos", the row's number in it, BIGINT.
 * `among` leaves only the rows that are in a relation, which costs less than to look for them in the answer: few rows
 * are then held against the deletes, and not all.
 * Names that DuckDB holds for equal (`a` and `A`) are for the caller to keep apart.
 * @throws SluiceError TABLE_SCHEMA where there are equality deletes, which are not read
 */
export function scanSql(
  storage: Storage,
  files: readonly LiveFile[],
  columns: readonly ScanColumn[],
  options: { readonly positions?: boolean; readonly among?: Among } = {},
): string {
  const positions = options.positions === true;
  const data = files.filter((file) => file.content === 'data' && file.records > 0);
  const deletes = files.filter((file) => file.content !== 'data');
  refuseEqualityDeletes(deletes);
  if (data.length === 0) return emptySql(columns, positions);
  const { clean, touched, hitting } = splitByDeletes(data, deletes);
  const parts: string[] = [];
  const only = amongSql(columns, options.among);
  if (clean.length > 0) parts.push(partSql(storage, clean, columns, positions, only, ''));
  if (touched.length > 0)
    parts.push(partSql(storage, touched, columns, positions, only, antiJoinSql(storage, touched, hitting)));
  return `(${parts.join(' UNION ALL ')})`;
}

/** @throws SluiceError TABLE_SCHEMA */
export function refuseEqualityDeletes(files: readonly LiveFile[]): void {
  if (files.some((file) => file.content === 'equality-deletes'))
    throw new SluiceError('TABLE_SCHEMA', 'Tables with equality deletes cannot be read here.');
}

/** Rows of a relation that the rows looked for are equal to in these columns, which have the same names in both. */
export interface Among {
  readonly relation: string;
  readonly columns: readonly string[];
}

export interface SplitFiles {
  readonly clean: readonly LiveFile[];
  /** Data files that a delete may hit. */
  readonly touched: readonly LiveFile[];
  readonly hitting: readonly LiveFile[];
}

export function splitByDeletes(data: readonly LiveFile[], deletes: readonly LiveFile[]): SplitFiles {
  const clean: LiveFile[] = [];
  const touched: LiveFile[] = [];
  const hitting = new Set<LiveFile>();
  const byTarget = new Map<string, LiveFile[]>();
  const wide: LiveFile[] = [];
  for (const file of deletes) {
    if (file.referencedDataFile === null) wide.push(file);
    else byTarget.set(file.referencedDataFile, [...(byTarget.get(file.referencedDataFile) ?? []), file]);
  }
  for (const file of data) {
    const path = Buffer.from(file.path);
    const own = [...(byTarget.get(file.path) ?? []), ...wide.filter((one) => mayName(one, path))].filter(
      (one) => one.sequence >= file.sequence,
    );
    (own.length > 0 ? touched : clean).push(file);
    for (const one of own) hitting.add(one);
  }
  return { clean, touched, hitting: [...hitting] };
}

/** By the bounds of file_path, which may be cut, but never to the wrong side. */
function mayName(file: LiveFile, path: Buffer): boolean {
  const lower = file.lowerBounds.get(FILE_PATH_ID);
  const upper = file.upperBounds.get(FILE_PATH_ID);
  if (lower && Buffer.compare(lower, path) > 0) return false;
  return !(upper && Buffer.compare(upper, path) < 0);
}

function emptySql(columns: readonly ScanColumn[], positions: boolean): string {
  const fields = columns.map((column) => `NULL::${duckType(column.type)} AS ${quoteIdentifier(column.name)}`);
  if (positions) fields.push(`NULL::VARCHAR AS "${FILE_COLUMN}"`, `NULL::BIGINT AS "${POSITION_COLUMN}"`);
  return `(SELECT ${fields.join(', ') || '1'} WHERE false)`;
}

/** Inside, columns are named by id, so that no column's name can meet DuckDB's own. */
function partSql(
  storage: Storage,
  files: readonly LiveFile[],
  columns: readonly ScanColumn[],
  positions: boolean,
  only: string,
  antiJoin: string,
): string {
  const fields = columns.map((column) => `r.c${column.id} AS ${quoteIdentifier(column.name)}`);
  const located = positions || antiJoin !== '';
  if (positions)
    fields.push(
      `${locationSql(storage, files)} AS "${FILE_COLUMN}"`,
      `r.file_row_number AS "${POSITION_COLUMN}"`,
    );
  const source = readSql(storage, files, columns, located);
  return `SELECT ${fields.join(', ') || '1'} FROM ${source} AS r${only}${antiJoin}`;
}

function amongSql(columns: readonly ScanColumn[], among: Among | undefined): string {
  if (among === undefined) return '';
  const on = among.columns.map((name) => {
    const column = columns.find((one) => one.name === name);
    if (column === undefined) throw new Error(`${name} is not read`);
    return `r.c${column.id} = among.${quoteIdentifier(name)}`;
  });
  return ` SEMI JOIN ${among.relation} AS among ON ${on.join(' AND ')}`;
}

function readSql(
  storage: Storage,
  files: readonly LiveFile[],
  columns: readonly ScanColumn[],
  located: boolean,
): string {
  const paths = quotePaths(files.map((file) => storage.localPath(file.path)));
  const entries = columns.map(
    ({ id, type }) => `${id}: {name: 'c${id}', type: ${quoteText(duckType(type))}, default_value: NULL}`,
  );
  // A schema may not be empty; a column of no file is as good.
  if (entries.length === 0) entries.push(`2147483647: {name: 'none', type: 'BOOLEAN', default_value: NULL}`);
  const place = located ? `, filename = '#path', file_row_number = true` : '';
  return `read_parquet(${paths}, schema = MAP {${entries.join(', ')}}, hive_partitioning = false${place}${cardinality(files)})`;
}

/** With a schema given, DuckDB opens no file to plan, and would take each for a row or so: joins would hash the larger side. */
function cardinality(files: readonly LiveFile[]): string {
  return `, explicit_cardinality = ${files.reduce((sum, file) => sum + file.records, 0)}`;
}

/** The location of a row's file. Where each is its path with `file://` before it, which is the usual case, no map is needed. */
function locationSql(storage: Storage, files: readonly LiveFile[]): string {
  const plain = files.every((file) => file.path === `file://${storage.localPath(file.path)}`);
  if (plain) return `'file://' || r."#path"`;
  const entries = files.map((file) => `${quoteText(storage.localPath(file.path))}: ${quoteText(file.path)}`);
  return `MAP {${entries.join(', ')}}[r."#path"]`;
}

function antiJoinSql(storage: Storage, touched: readonly LiveFile[], hitting: readonly LiveFile[]): string {
  const location = locationSql(storage, touched);
  return (
    ` ANTI JOIN ${deletedPositionsSql(storage, touched, hitting)} AS gone` +
    ` ON gone.file_path = ${location} AND gone.pos = r.file_row_number`
  );
}

/**
 * A SELECT in parentheses, columns file_path and pos, of what the delete files list, without what is too old to hit one of the
 * `data` files; of other files it may hold positions, and a position may be there twice. It is one read: to plan a read takes
 * DuckDB as long as a file of some thousand positions does.
 */
export function deletedPositionsSql(
  storage: Storage,
  data: readonly LiveFile[],
  deletes: readonly LiveFile[],
): string {
  const older = new Set<LiveFile>();
  const younger = new Set<LiveFile>();
  for (const one of data) {
    const path = Buffer.from(one.path);
    for (const file of deletes)
      if (file.sequence < one.sequence && mayName(file, path)) {
        older.add(file);
        younger.add(one);
      }
  }
  if (older.size === 0) return `(SELECT file_path, pos FROM ${positionsSql(storage, deletes)})`;
  // The one is the same for all rows of a file, the other is looked up for each.
  const cases = [...older].map(
    (file) => `WHEN ${quoteText(storage.localPath(file.path))} THEN ${file.sequence}`,
  );
  const written = [...younger].map((file) => `(${quoteText(file.path)}, ${file.sequence})`);
  return (
    `(SELECT listed.file_path, listed.pos FROM ${positionsSql(storage, deletes, { located: true })} AS listed` +
    ` LEFT JOIN (VALUES ${written.join(', ')}) AS younger(path, sequence) ON younger.path = listed.file_path` +
    ` WHERE (younger.sequence > CASE listed."#path" ${cases.join(' ')} END) IS NOT TRUE)`
  );
}

/** What position-delete files hold, as columns file_path and pos; `located` adds "#path", the path of the delete file itself. */
export function positionsSql(
  storage: Storage,
  files: readonly LiveFile[],
  options: { readonly located?: boolean } = {},
): string {
  const paths = quotePaths(files.map((file) => storage.localPath(file.path)));
  const place = options.located === true ? `, filename = '#path'` : '';
  return (
    `read_parquet(${paths}, schema = MAP {2147483546: {name: 'file_path', type: 'VARCHAR', default_value: NULL},` +
    ` 2147483545: {name: 'pos', type: 'BIGINT', default_value: NULL}}, hive_partitioning = false${place}${cardinality(files)})`
  );
}
