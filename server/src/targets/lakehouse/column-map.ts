import { SluiceError } from '@sluice/contract';
import { toLogical } from '../../lakehouse/iceberg-type.ts';
import type { IcebergField, TableMetadata } from '../../lakehouse/metadata.ts';
import { editSchema, type SchemaEdit } from '../../lakehouse/schema-edit.ts';
import { createTable, currentSchema } from '../../lakehouse/table-metadata.ts';
import { type LogicalType, sameType, widens } from '../../model/logical-type.ts';
import { type Column, type TableSchema, tableText } from '../../model/table.ts';

/**
 * Which field of the Iceberg table is which column of the source. It is kept in a property of the table itself, so
 * that it moves with the schema in one commit; names may change on both sides without it.
 */
export interface ColumnMap {
  /** sourceId → field id */
  readonly columns: ReadonlyMap<number, number>;
  /** Field ids of the two columns of ours. */
  readonly op: number;
  readonly sourceTs: number;
}

/** Version 1: `{"version":1,"columns":[[sourceId,fieldId],…],"op":id,"ts":id}` */
const PROPERTY = 'sluice.columns';

const OP_TYPE: LogicalType = { kind: 'string' };
const TS_TYPE: LogicalType = { kind: 'timestamptz' };

interface Kept {
  readonly version: 1;
  readonly columns: readonly (readonly [number, number])[];
  readonly op: number;
  readonly ts: number;
}

/** @returns null for a table that Sluice did not make */
export function columnMapOf(metadata: TableMetadata): ColumnMap | null {
  const text = metadata.properties[PROPERTY];
  if (text === undefined) return null;
  const kept = JSON.parse(text) as Kept;
  if (kept.version !== 1)
    throw new SluiceError('TABLE_SCHEMA', `The property ${PROPERTY} is of a newer version of Sluice.`);
  return { columns: new Map(kept.columns), op: kept.op, sourceTs: kept.ts };
}

function withColumnMap(metadata: TableMetadata, map: ColumnMap): TableMetadata {
  const kept: Kept = { version: 1, columns: [...map.columns], op: map.op, ts: map.sourceTs };
  return { ...metadata, properties: { ...metadata.properties, [PROPERTY]: JSON.stringify(kept) } };
}

/** A new table for these columns, `_op` and `_source_ts` behind them. */
export function newTable(schema: TableSchema, location: string, nowMs: number): TableMetadata {
  const [op, ts] = ownNames(schema.columns);
  const key = identifier(schema);
  const metadata = createTable({
    location,
    columns: [
      ...schema.columns.map((column) => ({
        name: column.name,
        type: column.type,
        required: key.includes(column.name),
      })),
      { name: op, type: OP_TYPE, required: false, doc: 'What last made the row: I (insert) or U (update)' },
      { name: ts, type: TS_TYPE, required: false, doc: 'When that was committed at the source' },
    ],
    identifier: key,
    properties: TABLE_PROPERTIES,
    nowMs,
  });
  const ids = currentSchema(metadata).fields.map((field) => field.id);
  const columns = new Map(schema.columns.map((column, index) => [column.sourceId, ids[index]!]));
  return withColumnMap(metadata, { columns, op: ids.at(-2)!, sourceTs: ids.at(-1)! });
}

/** Readers that write too (Spark) must not fall back to copy-on-write or other formats behind our back. */
const TABLE_PROPERTIES = {
  'write.format.default': 'parquet',
  'write.parquet.compression-codec': 'zstd',
  'write.delete.mode': 'merge-on-read',
  'write.update.mode': 'merge-on-read',
  'write.merge.mode': 'merge-on-read',
} as const;

/**
 * The table with the source's new columns: added, dropped, renamed, widened, reordered. `replace` allows a column
 * to become another type under a new field id; that loses its old values and is right only for an emptied table.
 * @throws SluiceError TABLE_SCHEMA for a change of type that rows which are there cannot follow
 */
export function followSchema(
  metadata: TableMetadata,
  schema: TableSchema,
  nowMs: number,
  options: { readonly replace: boolean },
): TableMetadata {
  const map = columnMapOf(metadata) ?? ownMapByName(metadata);
  const fields = new Map(currentSchema(metadata).fields.map((field) => [field.id, field]));
  const [opName, tsName] = ownNames(schema.columns);
  const edits: SchemaEdit[] = [{ kind: 'identify', ids: [] }];
  const kept = new Map<number, number>();
  const fresh: Column[] = [];
  for (const column of schema.columns) {
    const field = fields.get(map.columns.get(column.sourceId) ?? -1);
    const fate = field === undefined ? 'add' : fateOf(field, column);
    if (fate === 'add' || (fate === 'impossible' && options.replace)) fresh.push(column);
    else if (fate === 'impossible')
      throw new SluiceError(
        'TABLE_SCHEMA',
        `The column ${column.name} of ${tableText(schema.name)} became ${column.native}, which ${JSON.stringify(field!.type)} cannot follow.`,
      );
    else {
      kept.set(column.sourceId, field!.id);
      if (field!.name !== column.name) edits.push({ kind: 'rename', id: field!.id, name: column.name });
      if (fate === 'widen') edits.push({ kind: 'widen', id: field!.id, type: column.type });
    }
  }
  const own = new Map([
    [map.op, opName],
    [map.sourceTs, tsName],
  ]);
  const stays = new Set([...kept.values(), ...own.keys()]);
  for (const id of fields.keys()) if (!stays.has(id)) edits.push({ kind: 'drop', id });
  for (const [id, name] of own)
    if (fields.has(id) && fields.get(id)!.name !== name) edits.push({ kind: 'rename', id, name });
  for (const column of fresh) edits.push({ kind: 'add', name: column.name, type: column.type });
  if (!fields.has(map.op)) edits.push({ kind: 'add', name: opName, type: OP_TYPE });
  if (!fields.has(map.sourceTs)) edits.push({ kind: 'add', name: tsName, type: TS_TYPE });

  const edited = editSchema(metadata, edits, nowMs);
  const byName = new Map(currentSchema(edited).fields.map((field) => [field.name, field]));
  const idOf = (name: string): number => byName.get(name)!.id;
  const columns = new Map(schema.columns.map((column) => [column.sourceId, idOf(column.name)]));
  const key = identifier(schema).map((name) => byName.get(name)!);
  const ordered = editSchema(
    edited,
    [
      { kind: 'order', ids: [...schema.columns.map((column) => column.name), opName, tsName].map(idOf) },
      // A key column that was optional before stays so, and a key of optional columns is none to Iceberg.
      ...(key.every((field) => field.required)
        ? ([{ kind: 'identify', ids: key.map((field) => field.id) }] as const)
        : []),
    ],
    nowMs,
  );
  return withColumnMap(ordered, { columns, op: idOf(opName), sourceTs: idOf(tsName) });
}

function fateOf(field: IcebergField, column: Column): 'same' | 'widen' | 'impossible' {
  const type = toLogical(field.type);
  if (sameType(type, column.type)) return 'same';
  return widens(type, column.type) ? 'widen' : 'impossible';
}

/** A table that another tool made under the target's name: none of its columns is ours. */
function ownMapByName(metadata: TableMetadata): ColumnMap {
  const byName = new Map(currentSchema(metadata).fields.map((field) => [field.name, field.id]));
  return { columns: new Map(), op: byName.get('_op') ?? -1, sourceTs: byName.get('_source_ts') ?? -1 };
}

/** Ours give way to columns of the source that have their names. */
function ownNames(columns: readonly Column[]): readonly [string, string] {
  const taken = new Set(columns.map((column) => column.name));
  const free = (name: string): string => (taken.has(name) ? free(`_${name}`) : name);
  return [free('_op'), free('_source_ts')];
}

/** The key as Iceberg allows one: no float, no double, no list (spec section "Identifier Field IDs"). */
function identifier(schema: TableSchema): readonly string[] {
  if (schema.identity.kind === 'row') return [];
  const key = schema.identity.columns.map((index) => schema.columns[index]!);
  const allowed = (type: LogicalType): boolean => !['float', 'double', 'list'].includes(type.kind);
  return key.every((column) => allowed(column.type)) ? key.map((column) => column.name) : [];
}
