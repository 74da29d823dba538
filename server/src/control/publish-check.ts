import { type MirrorSpec, parseParameters, SluiceError, targetName } from '@sluice/contract';
import { type TableName, tableKey, tableText } from '../model/table.ts';
import { sourceAdmin } from '../sources/registry.ts';
import type { DiscoveredTable } from '../sources/source.ts';
import { readConnection } from '../store/connections.ts';
import type { Control } from './context.ts';

/** Names in messages; more are counted. */
const NAMED = 5;

/** The source's tables that a spec means, of those that the database has. */
export function selectTables<T extends Pick<DiscoveredTable, 'schema'>>(
  spec: MirrorSpec,
  objects: readonly T[],
): T[] {
  if (spec.pipelineType === 1) {
    const wanted = new Set(spec.tables.map(tableKey));
    return objects.filter((object) => wanted.has(tableKey(object.schema.name)));
  }
  const schemas = new Set(spec.schemas);
  return objects.filter((object) => schemas.size === 0 || schemas.has(object.schema.name.schema));
}

/**
 * Two source tables that lead to one target name. Names are compared as case-blind file systems and query engines
 * do; a table that is listed twice does not collide with itself.
 */
export function findCollision(
  spec: Parameters<typeof targetName>[0],
  tables: readonly TableName[],
): { readonly target: TableName; readonly sources: readonly [TableName, TableName] } | null {
  const taken = new Map<string, TableName>();
  for (const table of tables) {
    const target = targetName(spec, table);
    const key = tableKey({ schema: target.schema.toLowerCase(), table: target.table.toLowerCase() });
    const other = taken.get(key);
    if (other !== undefined && tableKey(other) !== tableKey(table))
      return { target, sources: [other, table] };
    taken.set(key, table);
  }
  return null;
}

/** @throws SluiceError SOURCE_*, NO_TABLES, TABLE_NAME_TAKEN, INVALID_REQUEST */
export async function checkMirror(control: Control, spec: MirrorSpec, signal: AbortSignal): Promise<void> {
  parseParameters(spec.parameters);
  const { dsType, connection } = await readConnection(
    control.db,
    control.sealer,
    spec.dataSource,
    spec.database,
  );
  const objects = await sourceAdmin(control.sources, dsType).objects(connection, signal);
  if (spec.pipelineType === 1) {
    const known = new Set(objects.map((object) => tableKey(object.schema.name)));
    const missing = spec.tables.filter((table) => !known.has(tableKey(table)));
    if (missing.length > 0)
      throw new SluiceError(
        'NO_TABLES',
        `The database ${spec.database} has no table ${list(missing.map(tableText))}.`,
      );
  } else {
    // A schema without tables is no error: tables may come later, and an empty database is one to be mirrored.
    const known = new Set(objects.map((object) => object.schema.name.schema));
    const empty = spec.schemas.filter((schema) => !known.has(schema));
    if (empty.length > 0)
      control.log.warn({ database: spec.database, schemas: empty }, 'schemas of a task hold no table yet');
  }
  const collision = findCollision(
    spec,
    selectTables(spec, objects).map((object) => object.schema.name),
  );
  if (collision !== null) {
    const [one, other] = collision.sources;
    throw new SluiceError(
      'TABLE_NAME_TAKEN',
      `The tables ${tableText(one)} and ${tableText(other)} would both become ${tableText(collision.target)}.`,
    );
  }
}

function list(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
