import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { Session } from 'chdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContentFile } from './data-file.ts';
import { expireSnapshots } from './expire-snapshots.ts';
import { fileStorage } from './file-storage.ts';
import type { TableMetadata } from './metadata.ts';
import { writeMetadata } from './metadata-file.ts';
import { writePlaces } from './position-delete-file.ts';
import { liveFiles } from './scan.ts';
import { editSchema } from './schema-edit.ts';
import { type SnapshotChange, writeSnapshot } from './snapshot.ts';
import { adoptSnapshot } from './snapshot-adopt.ts';
import { createTable, currentSchema } from './table-metadata.ts';

/** ClickHouse shares no code with ours: what it reads is what we wrote. */
const folder = mkdtempSync(join(tmpdir(), 'sluice iceberg é%20-'));
const home = process.cwd();
const storage = fileStorage();
let duckdb: DuckDBConnection;
let session: Session;

beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  duckdb = await instance.connect();
  // The engine reads files below its working folder only.
  process.chdir(folder);
  session = new Session();
});
afterAll(() => {
  duckdb.closeSync();
  session.close();
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;

/** A Parquet file of what a SELECT gives; `ids` as DuckDB's FIELD_IDS wants them. */
async function parquet(table: TableMetadata, select: string, ids: string): Promise<string> {
  await storage.makeFolder(`${table.location}/data`);
  const location = `${table.location}/data/${++files}.parquet`;
  const path = storage.localPath(location).replaceAll("'", "''");
  await duckdb.run(`COPY (${select}) TO '${path}' (FORMAT parquet, COMPRESSION zstd, FIELD_IDS ${ids})`);
  await storage.sync([location]);
  return location;
}

async function content(
  location: string,
  kind: ContentFile['content'],
  ref: string | null,
): Promise<ContentFile> {
  const path = storage.localPath(location).replaceAll("'", "''");
  const rows = await duckdb.runAndReadAll(`SELECT count(*)::INT FROM read_parquet('${path}')`);
  const none = new Map<number, never>();
  return {
    content: kind,
    path: location,
    records: Number(rows.getRows()[0]?.[0]),
    bytes: (await storage.read(location)).length,
    columnSizes: none,
    valueCounts: none,
    nullCounts: none,
    nanCounts: none,
    lowerBounds: none,
    upperBounds: none,
    referencedDataFile: ref,
  };
}

async function data(table: TableMetadata, select: string, ids: string): Promise<ContentFile> {
  return content(await parquet(table, select, ids), 'data', null);
}

function deletes(
  table: TableMetadata,
  hits: readonly (readonly [ContentFile, number])[],
): Promise<ContentFile> {
  const places = new Map<string, number[]>();
  for (const [{ path }, position] of hits) places.set(path, [...(places.get(path) ?? []), position]);
  return writePlaces(storage, storage.join(table.location, 'data'), places);
}

interface Version {
  readonly metadata: TableMetadata;
  readonly location: string;
  readonly rows: readonly unknown[];
}

/** All rows in order, and the bare count, which ClickHouse takes from the snapshot's summary. */
function readBack(version: { metadata: TableMetadata; location: string }): readonly unknown[] {
  const path = storage.localPath(version.metadata.location);
  const file = relative(path, storage.localPath(version.location));
  const from = path.replaceAll("'", "\\'");
  const source = `icebergLocal('${from}', 'Parquet', SETTINGS iceberg_metadata_file_path = '${file}')`;
  const settings = 'SETTINGS output_format_json_quote_64bit_integers = 0';
  const answer = session.query(`SELECT * FROM ${source} ORDER BY 1 ${settings}`, 'JSONEachRow');
  const rows = answer
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
  const count = session.query(`SELECT count() FROM ${source} ${settings}`, 'TSV');
  expect(Number(count)).toBe(rows.length);
  return rows;
}

describe('an Iceberg table, read by ClickHouse', () => {
  const versions: Version[] = [];
  const change = (part: Partial<SnapshotChange>): SnapshotChange => ({
    add: [],
    remove: new Set(),
    operation: 'overwrite',
    summary: { 'sluice.position': '0/0' },
    ...part,
  });
  async function keep(metadata: TableMetadata, rows: readonly unknown[]): Promise<TableMetadata> {
    const written = await writeMetadata(storage, metadata, versions.at(-1)?.location ?? null);
    versions.push({ ...written, rows });
    expect(readBack(written)).toEqual(rows);
    return written.metadata;
  }

  it('sees every version of a table as it was written', async () => {
    let table = createTable({
      location: storage.location(join(folder, "it's")),
      columns: [
        { name: 'id', type: { kind: 'long' }, required: true },
        { name: 'name', type: { kind: 'string' }, required: false },
        { name: 'amount', type: { kind: 'decimal', precision: 10, scale: 2 }, required: false },
        { name: 'tags', type: { kind: 'list', element: { kind: 'string' } }, required: false },
        { name: 'n', type: { kind: 'int' }, required: false },
      ],
      identifier: ['id'],
      properties: {},
      nowMs: Date.now(),
    });
    expect(table['last-column-id']).toBe(6);
    const ids = '{id: 1, name: 2, amount: 3, tags: {__duckdb_field_id: 4, element: 6}, n: 5}';
    const select = (values: string): string =>
      `SELECT id::BIGINT AS id, name::VARCHAR AS name, amount::DECIMAL(10,2) AS amount, tags::VARCHAR[] AS tags, n::INT AS n
       FROM (VALUES ${values}) t(id, name, amount, tags, n)`;
    const a = await data(table, select("(1, 'one', 1.5, ['x', NULL], 7), (2, NULL, -0.01, NULL, 8)"), ids);
    const b = await data(table, select("(3, 'drei', 12345678.9, [], NULL)"), ids);
    const one = { id: 1, name: 'one', amount: 1.5, tags: ['x', null], n: 7 };
    const two = { id: 2, name: null, amount: -0.01, tags: [], n: 8 };
    const three = { id: 3, name: 'drei', amount: 12345678.9, tags: [], n: null };

    table = await keep(table, []);
    table = await writeSnapshot(storage, table, change({ add: [a, b], operation: 'append' }));
    table = await keep(table, [one, two, three]);

    // 2 is updated, 1 deleted: both old rows lie in one file.
    const c = await data(table, select("(2, 'two', 2, ['y'], 9)"), ids);
    const gone = await deletes(table, [
      [a, 0],
      [a, 1],
    ]);
    expect(gone.referencedDataFile).toBe(a.path);
    table = await writeSnapshot(storage, table, change({ add: [c, gone] }));
    table = await keep(table, [{ id: 2, name: 'two', amount: 2, tags: ['y'], n: 9 }, three]);

    // Positions in two files at once.
    const d = await data(table, select("(3, 'three', 3, ['z'], 1), (4, 'four', 4, NULL, 2)"), ids);
    table = await writeSnapshot(
      storage,
      table,
      change({
        add: [
          d,
          await deletes(table, [
            [b, 0],
            [c, 0],
          ]),
        ],
      }),
    );
    table = await keep(table, [
      { id: 3, name: 'three', amount: 3, tags: ['z'], n: 1 },
      { id: 4, name: 'four', amount: 4, tags: [], n: 2 },
    ]);

    // Columns dropped, renamed, added and widened; a column of a dropped one's name is another column.
    table = editSchema(
      table,
      [
        { kind: 'drop', id: 3 },
        { kind: 'rename', id: 2, name: 'title' },
        { kind: 'add', name: 'amount', type: { kind: 'string' } },
        { kind: 'widen', id: 5, type: { kind: 'long' } },
        { kind: 'add', name: 'more', type: { kind: 'list', element: { kind: 'int' } } },
      ],
      Date.now(),
    );
    expect(currentSchema(table).fields.map((field) => [field.id, field.name])).toEqual([
      [1, 'id'],
      [2, 'title'],
      [4, 'tags'],
      [5, 'n'],
      [7, 'amount'],
      [8, 'more'],
    ]);
    const e = await data(
      table,
      `SELECT 5::BIGINT AS id, 'five' AS title, NULL::VARCHAR[] AS tags, 5000000000 AS n, 'text' AS amount, [1, 2]::INT[] AS more`,
      '{id: 1, title: 2, tags: {__duckdb_field_id: 4, element: 6}, n: 5, amount: 7, more: {__duckdb_field_id: 8, element: 9}}',
    );
    table = await writeSnapshot(storage, table, change({ add: [e], operation: 'append' }));
    const five = { id: 5, title: 'five', tags: [], n: 5_000_000_000, amount: 'text', more: [1, 2] };
    table = await keep(table, [
      { id: 3, title: 'three', tags: ['z'], n: 1, amount: null, more: [] },
      { id: 4, title: 'four', tags: [], n: 2, amount: null, more: [] },
      five,
    ]);

    // All deleted rows' files go, with the delete files: the positions-only one by itself.
    const multi = (await liveFiles(storage, table)).find(
      (file) => file.content === 'position-deletes' && file.referencedDataFile === null,
    );
    table = await writeSnapshot(
      storage,
      table,
      change({ remove: new Set([a.path, b.path, c.path, d.path, multi!.path]) }),
    );
    expect((await liveFiles(storage, table)).map((file) => file.path)).toEqual([e.path]);
    table = await keep(table, [five]);

    // A table loaded anew beside it takes its place.
    let staged = editSchema(table, [{ kind: 'add', name: 'late', type: { kind: 'boolean' } }], Date.now());
    const f = await data(
      staged,
      `SELECT 6::BIGINT AS id, 'six' AS title, true AS late UNION ALL SELECT 7, 'seven', false`,
      '{id: 1, title: 2, late: 10}',
    );
    staged = await writeSnapshot(storage, staged, change({ add: [f], replaceAll: true }));
    staged = await writeSnapshot(storage, staged, change({ add: [await deletes(staged, [[f, 0]])] }));
    table = await adoptSnapshot(storage, table, staged, {});
    table = await keep(table, [
      { id: 7, title: 'seven', tags: [], n: null, amount: null, more: [], late: false },
    ]);

    for (const version of versions) expect(readBack(version)).toEqual(version.rows);

    // What expiry removes, no kept version needs.
    const { metadata, filesToRemove } = await expireSnapshots(storage, table, {
      keepLast: 1,
      olderThanMs: 0,
      nowMs: Date.now() + 1,
    });
    expect(metadata.snapshots).toHaveLength(1);
    expect(filesToRemove).toContain(e.path);
    expect(filesToRemove).not.toContain(f.path);
    await storage.remove(filesToRemove);
    await keep(metadata, versions.at(-1)!.rows);
  });
});
