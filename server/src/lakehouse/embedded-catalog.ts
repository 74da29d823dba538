import { SluiceError } from '@sluice/contract';
import type { Kysely, Transaction } from 'kysely';
import type { TableName } from '../model/table.ts';
import { tableText } from '../model/table.ts';
import type { Metastore } from '../store/tables.ts';
import type { Catalog, LoadedTable, PointerMove } from './catalog.ts';
import { readMetadata } from './metadata-file.ts';
import type { Storage } from './storage.ts';

export type NamespaceProperties = Readonly<Record<string, string>>;

/** The catalog that Sluice keeps itself, in the metastore. Namespaces have one level. */
export interface EmbeddedCatalog extends Catalog {
  /** @throws SluiceError ALREADY_EXISTS */
  createNamespace(name: string, properties: NamespaceProperties): Promise<void>;
  /** @throws SluiceError NOT_FOUND, or CONFLICT where tables are in it */
  dropNamespace(name: string): Promise<void>;
  /** @returns null where there is no such namespace */
  namespaceProperties(name: string): Promise<NamespaceProperties | null>;
  /** Reads, changes and writes the properties as one step. @throws SluiceError NOT_FOUND */
  changeNamespaceProperties(
    name: string,
    change: (properties: NamespaceProperties) => NamespaceProperties,
  ): Promise<void>;
  /** Forgets the table; its files stay. @returns where its metadata was @throws SluiceError NOT_FOUND */
  dropTable(name: TableName): Promise<{ readonly metadataLocation: string }>;
  /** @throws SluiceError NOT_FOUND (the table, or the new namespace), ALREADY_EXISTS */
  renameTable(from: TableName, to: TableName): Promise<void>;
  /** @returns the pointer only, or null where there is no such table */
  pointer(name: TableName): Promise<string | null>;
  /** The lines of a merged table, by shard, the common root ('') included; none of another table. No listing shows them. */
  lines(
    table: TableName,
  ): Promise<readonly { readonly name: TableName; readonly metadataLocation: string }[]>;
}

export function embeddedCatalog(db: Kysely<Metastore>, storage: Storage): EmbeddedCatalog {
  const pointer = async (name: TableName): Promise<string | null> => {
    const row = await tableRow(db, name);
    return row?.metadata_location ?? null;
  };
  return {
    namespaces: async () => {
      const rows = await db.selectFrom('namespaces').select('name').orderBy('name').execute();
      return rows.map((row) => row.name);
    },
    tables: () => listTables(db),
    load: (name) => loadTable(storage, name, pointer),
    commit: (moves) => db.transaction().execute((trx) => commitWithin(trx, moves)),
    createNamespace: (name, properties) => createNamespace(db, name, properties),
    dropNamespace: (name) => db.transaction().execute((trx) => dropNamespace(trx, name)),
    namespaceProperties: async (name) => {
      const row = await namespaceRow(db, name);
      return row ? (JSON.parse(row.properties_json) as NamespaceProperties) : null;
    },
    changeNamespaceProperties: (name, change) =>
      db.transaction().execute(async (trx) => {
        const row = await namespaceRow(trx, name);
        if (!row) throw noNamespace(name);
        const properties = change(JSON.parse(row.properties_json) as NamespaceProperties);
        await trx
          .updateTable('namespaces')
          .set({ properties_json: JSON.stringify(properties) })
          .where('name', '=', name)
          .execute();
      }),
    dropTable: (name) => db.transaction().execute((trx) => dropTable(trx, name)),
    renameTable: (from, to) => db.transaction().execute((trx) => renameTable(trx, from, to)),
    pointer,
    lines: (table) => listLines(db, table),
  };
}

async function listLines(
  db: Kysely<Metastore>,
  { schema, table }: TableName,
): Promise<readonly { readonly name: TableName; readonly metadataLocation: string }[]> {
  const rows = await db
    .selectFrom('merge_lines')
    .select(['shard', 'metadata_location'])
    .where('namespace', '=', schema)
    .where('name', '=', table)
    .orderBy('shard')
    .execute();
  return rows.map((row) => ({
    name: { schema, table, shard: row.shard },
    metadataLocation: row.metadata_location,
  }));
}

/**
 * `Catalog.commit` inside the caller's own transaction, for what must be one with it (the position).
 * @throws SluiceError COMMIT_CONFLICT where a pointer is no longer at `from`; the transaction must roll back
 */
export async function commitWithin(
  trx: Transaction<Metastore>,
  moves: readonly PointerMove[],
): Promise<void> {
  for (const move of moves) {
    if (!(await movePointer(trx, move)))
      throw new SluiceError(
        'COMMIT_CONFLICT',
        move.from === null
          ? `The table ${tableText(move.name)} was made by another writer meanwhile.`
          : `The table ${tableText(move.name)} was changed by another writer meanwhile.`,
      );
  }
}

async function movePointer(trx: Transaction<Metastore>, move: PointerMove): Promise<boolean> {
  if (move.name.shard !== undefined) return moveLine(trx, move, move.name.shard);
  const pointer = { metadata_location: move.to, uuid: move.uuid, updated_at: Date.now() };
  if (move.from !== null) {
    const moved = await trx
      .updateTable('iceberg_tables')
      .set(pointer)
      .where('namespace', '=', move.name.schema)
      .where('name', '=', move.name.table)
      .where('metadata_location', '=', move.from)
      .executeTakeFirst();
    return moved.numUpdatedRows === 1n;
  }
  await trx
    .insertInto('namespaces')
    .values({ name: move.name.schema, properties_json: '{}' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  if (await tableRow(trx, move.name)) return false;
  await trx
    .insertInto('iceberg_tables')
    .values({ namespace: move.name.schema, name: move.name.table, ...pointer })
    .execute();
  return true;
}

async function moveLine(trx: Transaction<Metastore>, move: PointerMove, shard: string): Promise<boolean> {
  const key = { namespace: move.name.schema, name: move.name.table, shard };
  const pointer = { metadata_location: move.to, updated_at: Date.now() };
  if (move.from === null) {
    if (await tableRow(trx, move.name)) return false;
    await trx
      .insertInto('merge_lines')
      .values({ ...key, ...pointer })
      .execute();
    return true;
  }
  const moved = await trx
    .updateTable('merge_lines')
    .set(pointer)
    .where('namespace', '=', key.namespace)
    .where('name', '=', key.name)
    .where('shard', '=', shard)
    .where('metadata_location', '=', move.from)
    .executeTakeFirst();
  return moved.numUpdatedRows === 1n;
}

async function listTables(
  db: Kysely<Metastore>,
): Promise<readonly { readonly name: TableName; readonly metadataLocation: string }[]> {
  const rows = await db
    .selectFrom('iceberg_tables')
    .select(['namespace', 'name', 'metadata_location'])
    .orderBy('namespace')
    .orderBy('name')
    .execute();
  return rows.map((row) => ({
    name: { schema: row.namespace, table: row.name },
    metadataLocation: row.metadata_location,
  }));
}

async function loadTable(
  storage: Storage,
  name: TableName,
  pointer: (name: TableName) => Promise<string | null>,
): Promise<LoadedTable | null> {
  const metadataLocation = await pointer(name);
  if (metadataLocation === null) return null;
  return { name, metadata: await readMetadata(storage, metadataLocation), metadataLocation };
}

async function createNamespace(
  db: Kysely<Metastore>,
  name: string,
  properties: NamespaceProperties,
): Promise<void> {
  const made = await db
    .insertInto('namespaces')
    .values({ name, properties_json: JSON.stringify(properties) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (made.numInsertedOrUpdatedRows !== 1n)
    throw new SluiceError('ALREADY_EXISTS', `There is a namespace ${name} already.`);
}

async function dropNamespace(trx: Transaction<Metastore>, name: string): Promise<void> {
  const inside = await trx
    .selectFrom('iceberg_tables')
    .select('name')
    .where('namespace', '=', name)
    .limit(1)
    .executeTakeFirst();
  if (inside) throw new SluiceError('CONFLICT', `The namespace ${name} is not empty.`);
  const dropped = await trx.deleteFrom('namespaces').where('name', '=', name).executeTakeFirst();
  if (dropped.numDeletedRows !== 1n) throw noNamespace(name);
}

async function dropTable(
  trx: Transaction<Metastore>,
  name: TableName,
): Promise<{ metadataLocation: string }> {
  const row = await tableRow(trx, name);
  if (!row) throw noTable(name);
  await trx
    .deleteFrom('iceberg_tables')
    .where('namespace', '=', name.schema)
    .where('name', '=', name.table)
    .execute();
  await trx
    .deleteFrom('merge_lines')
    .where('namespace', '=', name.schema)
    .where('name', '=', name.table)
    .execute();
  return { metadataLocation: row.metadata_location };
}

async function renameTable(trx: Transaction<Metastore>, from: TableName, to: TableName): Promise<void> {
  if (!(await tableRow(trx, from))) throw noTable(from);
  if (!(await namespaceRow(trx, to.schema))) throw noNamespace(to.schema);
  if (await tableRow(trx, to))
    throw new SluiceError('ALREADY_EXISTS', `There is a table ${tableText(to)} already.`);
  // Its lines would go on making a table under the old name, in the same folder.
  const line = await trx
    .selectFrom('merge_lines')
    .select('shard')
    .where('namespace', '=', from.schema)
    .where('name', '=', from.table)
    .limit(1)
    .executeTakeFirst();
  if (line)
    throw new SluiceError('CONFLICT', `A sharded-table merge keeps the table ${tableText(from)}.`, {
      remedy: 'Undeploy the merge first; then the table is an ordinary one.',
    });
  await trx
    .updateTable('iceberg_tables')
    .set({ namespace: to.schema, name: to.table, updated_at: Date.now() })
    .where('namespace', '=', from.schema)
    .where('name', '=', from.table)
    .execute();
}

function tableRow(
  db: Kysely<Metastore>,
  name: TableName,
): Promise<{ readonly metadata_location: string } | undefined> {
  if (name.shard !== undefined)
    return db
      .selectFrom('merge_lines')
      .select('metadata_location')
      .where('namespace', '=', name.schema)
      .where('name', '=', name.table)
      .where('shard', '=', name.shard)
      .executeTakeFirst();
  return db
    .selectFrom('iceberg_tables')
    .select('metadata_location')
    .where('namespace', '=', name.schema)
    .where('name', '=', name.table)
    .executeTakeFirst();
}

function namespaceRow(
  db: Kysely<Metastore>,
  name: string,
): Promise<{ readonly properties_json: string } | undefined> {
  return db.selectFrom('namespaces').select('properties_json').where('name', '=', name).executeTakeFirst();
}

function noNamespace(name: string): SluiceError {
  return new SluiceError('NOT_FOUND', `There is no namespace ${name}.`);
}

function noTable(name: TableName): SluiceError {
  return new SluiceError('NOT_FOUND', `There is no table ${tableText(name)}.`);
}
