import { SluiceError } from '@sluice/contract';
import { composeLines } from '../../lakehouse/compose-lines.ts';
import { removeSnapshots } from '../../lakehouse/expire-snapshots.ts';
import { sameSchema } from '../../lakehouse/iceberg-type.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import { adoptSchema } from '../../lakehouse/snapshot-adopt.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { currentSchema } from '../../lakehouse/table-metadata.ts';
import { type TableName, type TableSchema, tableText } from '../../model/table.ts';
import { columnMapOf, followSchema, newTable } from './column-map.ts';

/*
 * A merged table in the lake. Each shard has a line of metadata of its own, which nobody reads: to whoever loads it,
 * catches it up, pauses it or compacts it, a line is a table. All lines begin with one root, so that a field id means
 * the same in each, and have the table's location, so that their files are the table's. What the table shows is one
 * snapshot made of the manifests of all lines (lakehouse/compose-lines.ts), in the same commit that moves them.
 */

export const ROOT = '';

export function rootOf({ schema, table }: TableName): TableName {
  return { schema, table, shard: ROOT };
}

export function isLineOf(line: TableName, { schema, table }: TableName): boolean {
  return line.shard !== undefined && line.schema === schema && line.table === table;
}

/** The root of now, from the one before or, where there is none, from the table that bears the name. */
export function followRoot(
  before: { readonly root: TableMetadata | null; readonly visible: TableMetadata | null },
  schema: TableSchema,
  options: { readonly replace: boolean; readonly location: () => string },
): TableMetadata {
  const base = before.root ?? before.visible;
  if (base === null) return newTable(schema, options.location(), Date.now());
  if (columnMapOf(base) === null)
    throw new SluiceError(
      'TABLE_NAME_TAKEN',
      `The lake has a table ${tableText(schema.name)} that Sluice did not make; it is not overwritten.`,
    );
  // The log of files is the table's own, whose files these are.
  const begun = before.root === null ? { ...emptied(base), 'metadata-log': [] } : base;
  return followSchema(begun, schema, Date.now(), { replace: options.replace });
}

/** The metadata without any snapshot. */
export function emptied(metadata: TableMetadata): TableMetadata {
  const all = new Set(metadata.snapshots.map((snapshot) => snapshot['snapshot-id']));
  const empty = removeSnapshots(metadata, all);
  return { ...empty, 'current-snapshot-id': null, refs: {}, 'snapshot-log': [] };
}

/** A line under the root's schema of now. */
export function underRoot(line: TableMetadata, root: TableMetadata): TableMetadata {
  if (hasSchemaOf(line, root)) return line;
  return withColumns(adoptSchema(line, root), root);
}

/** Which field is which column stands in the properties, and goes with the schema. */
function withColumns(metadata: TableMetadata, root: TableMetadata): TableMetadata {
  return { ...metadata, properties: { ...metadata.properties, ...root.properties } };
}

export function hasSchemaOf(metadata: TableMetadata, root: TableMetadata): boolean {
  return sameSchema(currentSchema(metadata), currentSchema(root));
}

/** A line without its history: what readers may look back to is in the table's own snapshots. */
export function withoutHistory(line: TableMetadata): TableMetadata {
  const old = line.snapshots.filter((snapshot) => snapshot['snapshot-id'] !== line['current-snapshot-id']);
  if (old.length === 0) return line;
  return removeSnapshots(line, new Set(old.map((snapshot) => snapshot['snapshot-id'])));
}

/** Lists of manifests that only a state of a line before had: no other metadata names them. */
export function listsLeft(before: TableMetadata, after: TableMetadata): readonly string[] {
  const kept = new Set(after.snapshots.map((snapshot) => snapshot['manifest-list']));
  return before.snapshots.map((snapshot) => snapshot['manifest-list']).filter((list) => !kept.has(list));
}

/** The merged table, showing what the lines hold. `visible` null: it shows nothing yet. */
export function compose(
  storage: Storage,
  visible: TableMetadata | null,
  root: TableMetadata,
  lines: readonly TableMetadata[],
  position: string,
): Promise<TableMetadata> {
  const target = visible === null ? emptied(root) : underRoot(visible, root);
  return composeLines(storage, target, lines, {
    'sluice.position': position,
    'sluice.lines': String(lines.length),
  });
}
