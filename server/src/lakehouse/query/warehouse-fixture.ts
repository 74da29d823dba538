/** A warehouse in a folder for tests: tables made by our own writers, pointers in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TableName } from '../../model/table.ts';
import { tableKey } from '../../model/table.ts';
import type { Catalog, LoadedTable } from '../catalog.ts';
import type { ContentFile } from '../data-file.ts';
import { Engine, type EngineConnection } from '../duckdb/engine.ts';
import { writeDataFiles } from '../duckdb/parquet-write.ts';
import { fileStorage } from '../file-storage.ts';
import type { TableMetadata } from '../metadata.ts';
import { readMetadata, writeMetadata } from '../metadata-file.ts';
import { type SnapshotChange, writeSnapshot } from '../snapshot.ts';
import type { Storage } from '../storage.ts';
import { tableLocation } from '../table-location.ts';
import { createTable, currentSchema, type NewColumn } from '../table-metadata.ts';

export interface WarehouseFixture {
  readonly root: string;
  readonly storage: Storage;
  readonly location: string;
  readonly catalog: Catalog;
  readonly engine: Engine;
  readonly connection: EngineConnection;
  create(
    name: TableName,
    columns: readonly NewColumn[],
    identifier?: readonly string[],
  ): Promise<LoadedTable>;
  append(name: TableName, select: string): Promise<readonly ContentFile[]>;
  commit(name: TableName, change: Partial<SnapshotChange>): Promise<LoadedTable>;
  /** Moves the pointer to metadata that is not written yet. */
  replace(name: TableName, metadata: TableMetadata): Promise<LoadedTable>;
  load(name: TableName): Promise<LoadedTable>;
  close(): Promise<void>;
}

export async function openWarehouse(prefix = 'sluice-warehouse-'): Promise<WarehouseFixture> {
  const root = await mkdtemp(join(tmpdir(), prefix));
  const storage = fileStorage();
  const location = storage.location(join(root, 'warehouse'));
  const engine = await Engine.open({
    threads: 2,
    memoryBytes: 256 << 20,
    tempFolder: join(root, 'temp'),
    maxTempBytes: 1 << 30,
  });
  const connection = await engine.connect();
  const pointers = new Map<string, { readonly name: TableName; readonly metadataLocation: string }>();

  const catalog: Catalog = {
    namespaces: async () => [...new Set([...pointers.values()].map(({ name }) => name.schema))],
    tables: async () => [...pointers.values()],
    load: async (name) => {
      const found = pointers.get(tableKey(name));
      return found ? { ...found, metadata: await readMetadata(storage, found.metadataLocation) } : null;
    },
    commit: async (moves) => {
      for (const move of moves)
        pointers.set(tableKey(move.name), { name: move.name, metadataLocation: move.to });
    },
  };
  const load = async (name: TableName): Promise<LoadedTable> => (await catalog.load(name))!;
  const replace = async (name: TableName, metadata: TableMetadata): Promise<LoadedTable> => {
    const from = pointers.get(tableKey(name))?.metadataLocation ?? null;
    const written = await writeMetadata(storage, metadata, from);
    await catalog.commit([{ name, from, to: written.location, uuid: metadata['table-uuid'] }]);
    return { name, metadata: written.metadata, metadataLocation: written.location };
  };
  const commit = async (name: TableName, change: Partial<SnapshotChange>): Promise<LoadedTable> => {
    const { metadata } = await load(name);
    const full = { add: [], remove: new Set<string>(), operation: 'append' as const, summary: {}, ...change };
    return replace(name, await writeSnapshot(storage, metadata, full));
  };
  return {
    root,
    storage,
    location,
    catalog,
    engine,
    connection,
    load,
    commit,
    replace,
    create: (name, columns, identifier = []) =>
      replace(
        name,
        createTable({
          location: tableLocation(storage, location, name),
          columns,
          identifier,
          properties: {},
          nowMs: Date.now(),
        }),
      ),
    append: async (name, select) => {
      const { metadata } = await load(name);
      const add = await writeDataFiles(connection, storage, {
        select,
        fields: currentSchema(metadata).fields,
        folder: storage.join(metadata.location, 'data'),
      });
      await commit(name, { add });
      return add;
    },
    close: async () => {
      engine.close();
      await rm(root, { recursive: true });
    },
  };
}
