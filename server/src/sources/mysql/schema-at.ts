import { randomInt } from 'node:crypto';
import type { Column, TableSchema } from '../../model/table.ts';
import type { DiscoveredTable } from '../source.ts';
import type { ColumnEffects } from './ddl/classify.ts';
import { renumbered } from './foreign-keys.ts';

export type SchemaAfter =
  | { readonly kind: 'schema'; readonly schema: TableSchema; readonly filled: readonly number[] }
  | { readonly kind: 'gap'; readonly reason: string };

/**
 * The schema behind an ALTER TABLE: which columns there are follows from the one before it and from the statement;
 * what types they have, and in which order, from the catalog, which was read behind it. The caller makes sure that
 * nothing has changed the table between the statement and the catalog.
 */
export function schemaAfter(
  before: TableSchema,
  effects: ColumnEffects,
  catalog: DiscoveredTable,
  newId: () => number = randomId,
): SchemaAfter {
  const ids = idsAfter(before.columns, effects, newId);
  if (ids === null) return gap('its columns could not be followed');
  const { columns: found, identity } = catalog.schema;
  if (found.length !== ids.size) return gap('its columns are others than the log says');
  const columns: Column[] = [];
  const filled: number[] = [];
  const numbers = new Map<number, number>();
  for (const column of found) {
    const known = ids.get(fold(column.name));
    if (known === undefined) return gap(`the log does not know its column ${column.name}`);
    if (known.filled) filled.push(known.sourceId);
    columns.push({ ...column, sourceId: known.sourceId });
    numbers.set(column.sourceId, known.sourceId);
  }
  const { cascades, versioned } = catalog.schema;
  const schema: TableSchema = { name: before.name, columns, identity, ...(versioned ? { versioned } : {}) };
  if (cascades === undefined) return { kind: 'schema', schema, filled };
  return { kind: 'schema', schema: { ...schema, cascades: renumbered(cascades, numbers) }, filled };
}

const gap = (reason: string): SchemaAfter => ({ kind: 'gap', reason });

/** Names of columns are compared without case, and without accents that no two of them differ in. */
const fold = (name: string): string => name.toLowerCase();

/** A number that no column has had: one that is dropped and made again under its name is another one. */
function randomId(): number {
  return randomInt(1 << 16, 0x7fffffff);
}

interface KnownColumn {
  readonly sourceId: number;
  readonly filled: boolean;
}

/** By folded name; null where the statement speaks of a column that there was none of. */
function idsAfter(
  columns: readonly Column[],
  { dropped, renamed, added }: ColumnEffects,
  newId: () => number,
): Map<string, KnownColumn> | null {
  const before = new Map(columns.map((column) => [fold(column.name), column.sourceId]));
  const after = new Map<string, KnownColumn>();
  const used = new Set(before.values());
  const gone = new Set<string>();
  for (const name of dropped) if (before.has(fold(name))) gone.add(fold(name));
  const newNames = new Map<string, string>();
  for (const { from, to } of renamed) {
    if (!before.has(fold(from)) || gone.has(fold(from)) || newNames.has(fold(from))) return null;
    newNames.set(fold(from), fold(to));
  }
  for (const [name, sourceId] of before) {
    if (gone.has(name)) continue;
    const now = newNames.get(name) ?? name;
    if (after.has(now)) return null;
    after.set(now, { sourceId, filled: false });
  }
  for (const { name, filled } of added) {
    // ADD COLUMN IF NOT EXISTS of a column that is there.
    if (after.has(fold(name))) continue;
    let sourceId = newId();
    while (used.has(sourceId)) sourceId = newId();
    used.add(sourceId);
    after.set(fold(name), { sourceId, filled });
  }
  return after;
}

/** A table as the log's reader tells it. */
export function discoveredTable(
  objectId: string,
  schema: TableSchema,
  filledColumns: readonly number[],
): DiscoveredTable {
  return {
    schema,
    objectId,
    logColumns: [],
    storage: '',
    columnVersions: {},
    pieces: [],
    filledColumns,
    estimatedRows: null,
    refused: null,
  };
}
