import { randomUUID } from 'node:crypto';
import { DuckDBMapValue, type DuckDBValue } from '@duckdb/node-api';
import { SluiceError } from '@sluice/contract';
import type { ContentFile } from '../data-file.ts';
import type { IcebergField, IcebergType } from '../metadata.ts';
import type { Storage } from '../storage.ts';
import { bound } from './bounds.ts';
import type { EngineConnection, Row } from './engine.ts';
import { FILE_PATH_ID, POSITION_DELETE_FIELDS } from './position-delete.ts';
import { quoteIdentifier, quoteText } from './sql-text.ts';
import { fieldIdsText } from './types.ts';

export interface DataWrite {
  /** A query whose columns are the fields, by position; their names do not matter. */
  readonly select: string;
  readonly fields: readonly IcebergField[];
  /** Location of the folder that the files go into: `<table location>/data`. Made if missing. */
  readonly folder: string;
  /**
   * Begin another file when one has grown to about so many bytes. Then several threads write, and rows are only roughly in
   * the order of the query; without it there is one file, in that order.
   */
  readonly maxBytes?: number;
  /** What is written once and long kept: a third more processor time, a tenth fewer bytes. */
  readonly dense?: boolean;
}

/** zstd's levels: of what rows come in by, and of what is rewritten to stay. */
const QUICK_LEVEL = 1;
const DENSE_LEVEL = 3;

/**
 * Writes the query's rows as zstd Parquet files, named `<uuid>.parquet`, or `<uuid>-<n>.parquet` with maxBytes. No rows, no
 * file. They are not durable yet: that takes `storage.sync` of their paths. On an error what was written is removed.
 * @throws SluiceError STORAGE_*; what DuckDB throws for the query; the signal's reason
 */
export async function writeDataFiles(
  connection: EngineConnection,
  storage: Storage,
  write: DataWrite,
  signal?: AbortSignal,
): Promise<readonly ContentFile[]> {
  const columns = fileColumns(write.fields);
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const select = `SELECT * FROM (${write.select}) AS t(${names})`;
  const rows = await copy(connection, storage, select, columns, write, signal);
  return rows.map((row) => contentFile('data', storage, columns, row));
}

export interface DeleteWrite {
  /** A query of two columns: the data file's location (VARCHAR), the row's number in it (BIGINT). No pair twice. */
  readonly select: string;
  readonly folder: string;
}

/** One position-delete file, sorted as the spec asks (section "Position Delete Files"). @returns null where there are no rows */
export async function writePositionDeletes(
  connection: EngineConnection,
  storage: Storage,
  write: DeleteWrite,
  signal?: AbortSignal,
): Promise<ContentFile | null> {
  const columns = fileColumns(POSITION_DELETE_FIELDS);
  const select = `SELECT file_path, pos FROM (${write.select}) AS t(file_path, pos) ORDER BY file_path, pos`;
  const [row] = await copy(connection, storage, select, columns, { folder: write.folder }, signal);
  return row ? contentFile('position-deletes', storage, columns, row) : null;
}

interface FileColumn {
  /** In the file. Readers go by the id. */
  readonly name: string;
  readonly field: IcebergField;
}

/** Columns that DuckDB adds where a file's rows are to be placed (scan-sql.ts); it reads no file that has one of its own. */
const ADDED_BY_READER = ['file_row_number', '#path'] as const;

/** DuckDB holds `a` and `A` for the same column of a file, so the second one gets its id behind it. */
function fileColumns(fields: readonly IcebergField[]): readonly FileColumn[] {
  const taken = new Set<string>(ADDED_BY_READER);
  return fields.map((field) => {
    let name = field.name;
    while (taken.has(name.toLowerCase())) name = `${name}_${field.id}`;
    taken.add(name.toLowerCase());
    return { name, field };
  });
}

function isFloating(type: IcebergType): boolean {
  if (typeof type === 'object' && type.type === 'list') return isFloating(type.element);
  return type === 'float' || type === 'double';
}

async function copy(
  connection: EngineConnection,
  storage: Storage,
  select: string,
  columns: readonly FileColumn[],
  write: Pick<DataWrite, 'folder' | 'maxBytes' | 'dense'>,
  signal: AbortSignal | undefined,
): Promise<readonly Row[]> {
  await storage.makeFolder(write.folder);
  const name = randomUUID();
  const options = [
    'FORMAT parquet',
    'COMPRESSION zstd',
    `COMPRESSION_LEVEL ${write.dense === true ? DENSE_LEVEL : QUICK_LEVEL}`,
    `FIELD_IDS ${fieldIdsText(columns)}`,
    'RETURN_STATS true',
    'WRITE_EMPTY_FILE false',
    // DuckDB up to 1.5.6 looks for bytes beyond ASCII by another text than it made the filter of, and finds nothing
    // (duckdb/duckdb#24994).
    'WRITE_BLOOM_FILTER false',
    // A dictionary holds -0 and 0 as one value, whichever came first. There is no telling it one column alone.
    ...(columns.some(({ field }) => isFloating(field.type)) ? ['DICTIONARY_SIZE_LIMIT 0'] : []),
  ];
  let target = storage.join(write.folder, `${name}.parquet`);
  if (write.maxBytes !== undefined) {
    target = write.folder;
    const size = Math.max(1, Math.floor(write.maxBytes));
    options.push(`FILE_SIZE_BYTES ${size}`, `FILENAME_PATTERN '${name}-{i}'`, 'OVERWRITE_OR_IGNORE true');
  }
  const sql = `COPY (${select}) TO ${quoteText(storage.localPath(target))} (${options.join(', ')})`;
  try {
    const rows = await connection.rows(sql, signal);
    return rows.filter((row) => row.count !== 0n);
  } catch (error) {
    await removeWritten(storage, write.folder, name);
    throw error;
  }
}

async function removeWritten(storage: Storage, folder: string, name: string): Promise<void> {
  const written: string[] = [];
  try {
    for await (const { location } of storage.list(folder))
      if (location.includes(name)) written.push(location);
    await storage.remove(written);
  } catch {
    // The error that led here is the one to tell; what is left is an orphan, and those are cleaned up.
  }
}

function contentFile(
  content: 'data' | 'position-deletes',
  storage: Storage,
  columns: readonly FileColumn[],
  row: Row,
): ContentFile {
  const statistics = columnStatistics(row.column_statistics);
  const file = {
    columnSizes: new Map<number, number>(),
    valueCounts: new Map<number, number>(),
    nullCounts: new Map<number, number>(),
    nanCounts: new Map<number, number>(),
    lowerBounds: new Map<number, Uint8Array>(),
    upperBounds: new Map<number, Uint8Array>(),
  };
  for (const column of columns) {
    const { id, type } = column.field;
    const key = quoteIdentifier(column.name);
    if (typeof type !== 'string') {
      // Bounds and counts are for columns that repeat in no row; of a list there is only the size.
      if (type.type === 'list')
        setCount(
          file.columnSizes,
          type['element-id'],
          statistics.get(`${key}."element"`)?.get('column_size_bytes'),
        );
      continue;
    }
    const values = statistics.get(key);
    if (!values) throw noStatistics(column.name);
    setCount(file.columnSizes, id, values.get('column_size_bytes'));
    setCount(file.valueCounts, id, values.get('num_values'));
    setCount(file.nullCounts, id, values.get('null_count'));
    // DuckDB says whether there is a NaN, not how many.
    if (values.get('has_nan') === 'false') file.nanCounts.set(id, 0);
    for (const side of ['lower', 'upper'] as const) {
      const text = values.get(side === 'lower' ? 'min' : 'max');
      if (text === undefined) continue;
      // A cut file_path would send readers of the bounds to files that no delete names.
      const value = id === FILE_PATH_ID ? Buffer.from(text) : bound(type, side, text);
      if (value !== null) file[`${side}Bounds`].set(id, value);
    }
  }
  return {
    content,
    path: storage.location(String(row.filename)),
    records: Number(row.count),
    bytes: Number(row.file_size_bytes),
    ...file,
    referencedDataFile: content === 'position-deletes' ? onlyPath(statistics) : null,
  };
}

function onlyPath(statistics: Statistics): string | null {
  const values = statistics.get('"file_path"');
  const min = values?.get('min');
  return min !== undefined && min === values?.get('max') ? min : null;
}

function setCount(counts: Map<number, number>, id: number, text: string | undefined): void {
  if (text !== undefined) counts.set(id, Number(text));
}

type Statistics = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** MAP(VARCHAR, MAP(VARCHAR, VARCHAR)): by quoted path of a column, name to text. */
function columnStatistics(value: DuckDBValue | undefined): Statistics {
  if (!(value instanceof DuckDBMapValue)) return new Map();
  return new Map(
    value.entries.map((entry) => {
      const inner = entry.value instanceof DuckDBMapValue ? entry.value.entries : [];
      return [String(entry.key), new Map(inner.map((one) => [String(one.key), String(one.value)]))];
    }),
  );
}

function noStatistics(name: string): SluiceError {
  return new SluiceError('INTERNAL', `DuckDB returned no statistics of the column ${name}.`);
}
