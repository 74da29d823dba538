import type { TableName } from '../../model/table.ts';
import type { Catalog, LoadedTable } from '../catalog.ts';
import { quoteIdentifier } from '../duckdb/sql-text.ts';
import { icebergTypeText } from '../iceberg-type.ts';
import type { Snapshot, TableMetadata } from '../metadata.ts';
import { readMetadata } from '../metadata-file.ts';
import { liveFiles, snapshotOf } from '../scan.ts';
import { statedTotals } from '../snapshot-summary.ts';
import type { Storage } from '../storage.ts';
import { currentSchema } from '../table-metadata.ts';

export interface TableTotals {
  /** null where another writer's summary does not tell. */
  readonly rows: number | null;
  /** Of data and delete files. */
  readonly bytes: number | null;
  readonly dataFiles: number | null;
  readonly deleteFiles: number | null;
}

export interface TableInfo extends TableTotals {
  readonly schema: string;
  readonly table: string;
  readonly snapshotId: string | null;
  /** Of the current snapshot, or of the table where it has none; milliseconds since 1970. */
  readonly updatedMs: number;
  readonly location: string;
}

/** All tables of the catalog. One that cannot be read is listed with its trouble, and holds up no other. */
export async function listTables(
  catalog: Catalog,
  storage: Storage,
): Promise<
  readonly (TableInfo | { readonly schema: string; readonly table: string; readonly error: string })[]
> {
  const found = [];
  for (const { name, metadataLocation } of await catalog.tables()) {
    try {
      found.push(tableInfo(name, await readMetadata(storage, metadataLocation)));
    } catch (error) {
      found.push({ ...name, error: error instanceof Error ? error.message : String(error) });
    }
  }
  return found;
}

export function tableInfo(name: TableName, metadata: TableMetadata): TableInfo {
  const snapshot = snapshotOf(metadata);
  return {
    schema: name.schema,
    table: name.table,
    ...totalsOf(snapshot),
    snapshotId: snapshot === null ? null : String(snapshot['snapshot-id']),
    updatedMs: snapshot?.['timestamp-ms'] ?? metadata['last-updated-ms'],
    location: metadata.location,
  };
}

/** Each deleted position is listed once and only while its data file lives, so rows are records less positions. */
function totalsOf(snapshot: Snapshot | null): TableTotals {
  if (snapshot === null) return { rows: 0, bytes: 0, dataFiles: 0, deleteFiles: 0 };
  const totals = statedTotals(snapshot.summary);
  if (totals === null) return { rows: null, bytes: null, dataFiles: null, deleteFiles: null };
  return {
    rows: totals.equalityDeletes > 0 ? null : totals.records - totals.positionDeletes,
    bytes: totals.bytes,
    dataFiles: totals.dataFiles,
    deleteFiles: totals.deleteFiles,
  };
}

export interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly key: boolean;
  readonly id: number;
  readonly doc: string | null;
}

export function describeTable(loaded: LoadedTable): TableInfo & {
  readonly uuid: string;
  readonly metadataLocation: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly columns: readonly ColumnInfo[];
} {
  const { metadata } = loaded;
  const schema = currentSchema(metadata);
  const key = new Set(schema['identifier-field-ids'] ?? []);
  return {
    ...tableInfo(loaded.name, metadata),
    uuid: metadata['table-uuid'],
    metadataLocation: loaded.metadataLocation,
    properties: metadata.properties,
    columns: schema.fields.map(({ id, name, type, required, doc }) => ({
      name,
      type: icebergTypeText(type),
      required,
      key: key.has(id),
      id,
      doc: doc ?? null,
    })),
  };
}

export interface TableStats extends TableTotals {
  readonly deletedRows: number;
  readonly smallestFileBytes: number | null;
  readonly largestFileBytes: number | null;
  readonly snapshots: number;
  readonly columns: readonly {
    readonly name: string;
    /** Compressed, in all data files. */
    readonly bytes: number;
    /** Of rows in data files, deleted ones included; null where a file does not tell. */
    readonly nulls: number | null;
  }[];
}

/** What the manifests tell of the current files; no data file is read. */
export async function tableStats(storage: Storage, metadata: TableMetadata): Promise<TableStats> {
  const files = await liveFiles(storage, metadata);
  const data = files.filter((file) => file.content === 'data');
  const deletes = files.filter((file) => file.content === 'position-deletes');
  const sizes = data.map((file) => file.bytes);
  const records = data.reduce((sum, file) => sum + file.records, 0);
  const deletedRows = deletes.reduce((sum, file) => sum + file.records, 0);
  const total = (counts: readonly (number | undefined)[]): number | null =>
    counts.reduce<number | null>(
      (sum, count) => (sum === null || count === undefined ? null : sum + count),
      0,
    );
  return {
    rows: data.length + deletes.length === files.length ? records - deletedRows : null,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    dataFiles: data.length,
    deleteFiles: files.length - data.length,
    deletedRows,
    smallestFileBytes: sizes.length > 0 ? Math.min(...sizes) : null,
    largestFileBytes: sizes.length > 0 ? Math.max(...sizes) : null,
    snapshots: metadata.snapshots.length,
    columns: currentSchema(metadata).fields.map(({ id, name, type }) => {
      const sizeId = typeof type === 'object' && type.type === 'list' ? type['element-id'] : id;
      return {
        name,
        bytes: data.reduce((sum, file) => sum + (file.columnSizes.get(sizeId) ?? 0), 0),
        nulls: total(data.map((file) => file.nullCounts.get(id))),
      };
    }),
  };
}

export interface HistoryEntry {
  readonly snapshotId: string;
  readonly parentId: string | null;
  readonly sequence: number;
  readonly timestampMs: number;
  readonly operation: string;
  readonly summary: Readonly<Record<string, string>>;
  /** As in TableTotals. */
  readonly rows: number | null;
  readonly current: boolean;
}

/** The snapshots that are kept, newest first. */
export function tableHistory(metadata: TableMetadata): readonly HistoryEntry[] {
  return metadata.snapshots
    .map((snapshot): HistoryEntry => {
      const { operation, ...summary } = snapshot.summary;
      const parent = snapshot['parent-snapshot-id'];
      return {
        snapshotId: String(snapshot['snapshot-id']),
        parentId: parent === undefined ? null : String(parent),
        sequence: snapshot['sequence-number'],
        timestampMs: snapshot['timestamp-ms'],
        operation,
        summary,
        rows: totalsOf(snapshot).rows,
        current: snapshot['snapshot-id'] === metadata['current-snapshot-id'],
      };
    })
    .reverse();
}

/** The statement that a preview of a table runs. */
export function previewSql(name: TableName): string {
  return `SELECT * FROM ${quoteIdentifier(name.schema)}.${quoteIdentifier(name.table)}`;
}
