import { SluiceError } from '@sluice/contract';
import { type LogicalType, typeText, widens } from '../model/logical-type.ts';
import { icebergTypeText, sameSchema, toIceberg, toLogical } from './iceberg-type.ts';
import type { IcebergField, IcebergSchema, TableMetadata } from './metadata.ts';
import { currentSchema, makeSchema } from './table-metadata.ts';

/** A change of a table's current schema. Columns are meant by field id, which a rename does not change. */
export type SchemaEdit =
  /** Rows that are there have NULL in it, so it is optional. */
  | { readonly kind: 'add'; readonly name: string; readonly type: LogicalType; readonly doc?: string }
  | { readonly kind: 'drop'; readonly id: number }
  | { readonly kind: 'rename'; readonly id: number; readonly name: string }
  | { readonly kind: 'widen'; readonly id: number; readonly type: LogicalType }
  /** NULL becomes allowed. */
  | { readonly kind: 'relax'; readonly id: number }
  /** The key becomes these columns; none: no key. */
  | { readonly kind: 'identify'; readonly ids: readonly number[] }
  /** All columns, in their new order. */
  | { readonly kind: 'order'; readonly ids: readonly number[] };

/**
 * Makes the edits, in their order, as one new schema; the metadata itself where they change nothing. Names and
 * key are checked at the end, so two columns can swap names, and a key column can go with its key.
 * An id that was once given is never given again.
 * @throws SluiceError TABLE_SCHEMA
 */
export function editSchema(
  metadata: TableMetadata,
  edits: readonly SchemaEdit[],
  nowMs: number,
): TableMetadata {
  const before = currentSchema(metadata);
  let draft: Draft = {
    fields: before.fields,
    identifier: before['identifier-field-ids'] ?? [],
    lastId: metadata['last-column-id'],
  };
  for (const edit of edits) draft = apply(draft, edit);
  const schema = makeSchema(nextSchemaId(metadata), draft.fields, draft.identifier);
  if (sameSchema(schema, before)) return metadata;
  return {
    ...withCurrentSchema(metadata, schema),
    'last-column-id': draft.lastId,
    'last-updated-ms': Math.max(nowMs, metadata['last-updated-ms']),
  };
}

export function nextSchemaId(metadata: TableMetadata): number {
  return Math.max(-1, ...metadata.schemas.map((schema) => schema['schema-id'])) + 1;
}

/** A schema that says the same as an earlier one is that one again (as other writers do it). */
export function withCurrentSchema(metadata: TableMetadata, schema: IcebergSchema): TableMetadata {
  const same = metadata.schemas.find((one) => sameSchema(one, schema));
  if (same) return { ...metadata, 'current-schema-id': same['schema-id'] };
  return { ...metadata, schemas: [...metadata.schemas, schema], 'current-schema-id': schema['schema-id'] };
}

interface Draft {
  readonly fields: readonly IcebergField[];
  readonly identifier: readonly number[];
  readonly lastId: number;
}

function apply(draft: Draft, edit: SchemaEdit): Draft {
  switch (edit.kind) {
    case 'add':
      return add(draft, edit);
    case 'drop':
      fieldOf(draft, edit.id);
      return { ...draft, fields: draft.fields.filter((field) => field.id !== edit.id) };
    case 'rename':
      return change(draft, edit.id, (field) => ({ ...field, name: edit.name }));
    case 'widen':
      return change(draft, edit.id, (field) => widen(field, edit.type));
    case 'relax':
      return change(draft, edit.id, (field) => ({ ...field, required: false }));
    case 'identify':
      return { ...draft, identifier: edit.ids };
    case 'order':
      return { ...draft, fields: reorder(draft, edit.ids) };
  }
}

function add(draft: Draft, edit: SchemaEdit & { kind: 'add' }): Draft {
  let lastId = draft.lastId;
  const nextId = (): number => ++lastId;
  const id = nextId();
  const type = toIceberg(edit.type, nextId);
  const doc = edit.doc === undefined ? {} : { doc: edit.doc };
  const field: IcebergField = { id, name: edit.name, required: false, type, ...doc };
  return { ...draft, fields: [...draft.fields, field], lastId };
}

function change(draft: Draft, id: number, make: (field: IcebergField) => IcebergField): Draft {
  fieldOf(draft, id);
  return { ...draft, fields: draft.fields.map((field) => (field.id === id ? make(field) : field)) };
}

function fieldOf(draft: Draft, id: number): IcebergField {
  const field = draft.fields.find((one) => one.id === id);
  if (!field) throw new SluiceError('TABLE_SCHEMA', `The table has no column with id ${id}.`);
  return field;
}

function widen(field: IcebergField, to: LogicalType): IcebergField {
  const from = toLogical(field.type);
  if (!widens(from, to))
    throw new SluiceError(
      'TABLE_SCHEMA',
      `The column ${field.name} cannot go from ${icebergTypeText(field.type)} to ${typeText(to)}.`,
    );
  // Only primitives widen; a list is equal to itself and keeps its element's id.
  return to.kind === 'list' ? field : { ...field, type: toIceberg(to, () => 0) };
}

function reorder(draft: Draft, ids: readonly number[]): readonly IcebergField[] {
  const fields = ids.map((id) => fieldOf(draft, id));
  if (new Set(ids).size !== ids.length || ids.length !== draft.fields.length)
    throw new SluiceError('TABLE_SCHEMA', 'The new order must name every column once.');
  return fields;
}
