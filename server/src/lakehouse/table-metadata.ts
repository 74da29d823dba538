import { randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/contract';
import type { LogicalType } from '../model/logical-type.ts';
import { toIceberg } from './iceberg-type.ts';
import type { IcebergField, IcebergSchema, TableMetadata } from './metadata.ts';

export interface NewColumn {
  readonly name: string;
  readonly type: LogicalType;
  readonly required: boolean;
  readonly doc?: string;
}

export interface NewTable {
  readonly location: string;
  readonly columns: readonly NewColumn[];
  /** Names of the columns that are the key; they must be required, and of a type with equality (no float, no double, no list). */
  readonly identifier: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

/** Field ids of partitions count from 1000; this says that none is given away (spec section "Partition Evolution"). */
export const NO_PARTITION_ID = 999;

/**
 * A table without snapshots, format version 2, unpartitioned, unsorted; columns have ids 1, 2, … in their order.
 * @throws SluiceError TABLE_SCHEMA where the columns make no valid schema
 */
export function createTable(table: NewTable): TableMetadata {
  let lastId = table.columns.length;
  const fields = table.columns.map((column, index): IcebergField => {
    const { name, required, doc } = column;
    const type = toIceberg(column.type, () => ++lastId);
    return { id: index + 1, name, required, type, ...(doc === undefined ? {} : { doc }) };
  });
  const identifier = table.identifier.map((name) => {
    const field = fields.find((one) => one.name === name);
    if (!field) throw new SluiceError('TABLE_SCHEMA', `The key column ${name} is not a column of the table.`);
    return field.id;
  });
  const schema = makeSchema(0, fields, identifier);
  return {
    ...EMPTY_TABLE,
    'table-uuid': randomUUID(),
    location: table.location,
    'last-updated-ms': table.nowMs,
    'last-column-id': lastId,
    schemas: [schema],
    'current-schema-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'default-spec-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    properties: table.properties,
  };
}

/** What a table is before anything is known of it: the start of a REST commit that creates. No valid metadata yet. */
export const EMPTY_TABLE: TableMetadata = {
  'format-version': 2,
  'table-uuid': '',
  location: '',
  'last-sequence-number': 0,
  'last-updated-ms': 0,
  'last-column-id': 0,
  schemas: [],
  'current-schema-id': -1,
  'partition-specs': [],
  'default-spec-id': -1,
  'last-partition-id': NO_PARTITION_ID,
  'sort-orders': [],
  'default-sort-order-id': -1,
  properties: {},
  'current-snapshot-id': null,
  refs: {},
  snapshots: [],
  'snapshot-log': [],
  'metadata-log': [],
};

export function currentSchema(metadata: TableMetadata): IcebergSchema {
  return schemaById(metadata, metadata['current-schema-id']);
}

/** @throws SluiceError TABLE_SCHEMA */
export function schemaById(metadata: TableMetadata, id: number): IcebergSchema {
  const schema = metadata.schemas.find((one) => one['schema-id'] === id);
  if (!schema) throw new SluiceError('TABLE_SCHEMA', `The table has no schema ${id}.`);
  return schema;
}

/** @throws SluiceError TABLE_SCHEMA where names or ids repeat or a key column cannot be one */
export function makeSchema(
  id: number,
  fields: readonly IcebergField[],
  identifier: readonly number[],
): IcebergSchema {
  const names = new Set<string>();
  const byId = new Map<number, IcebergField>();
  for (const field of fields) {
    if (field.name === '') throw new SluiceError('TABLE_SCHEMA', 'A column needs a name.');
    if (names.has(field.name))
      throw new SluiceError('TABLE_SCHEMA', `There are two columns named ${field.name}.`);
    if (byId.has(field.id))
      throw new SluiceError('TABLE_SCHEMA', `There are two columns with id ${field.id}.`);
    names.add(field.name);
    byId.set(field.id, field);
  }
  for (const key of identifier) checkKey(byId.get(key), key);
  return {
    type: 'struct',
    'schema-id': id,
    fields,
    ...(identifier.length > 0 ? { 'identifier-field-ids': identifier } : {}),
  };
}

/** Spec section "Identifier Field IDs". */
function checkKey(field: IcebergField | undefined, id: number): void {
  if (!field) throw new SluiceError('TABLE_SCHEMA', `The key names column ${id}, which is not there.`);
  if (!field.required || typeof field.type !== 'string' || field.type === 'float' || field.type === 'double')
    throw new SluiceError(
      'TABLE_SCHEMA',
      `The column ${field.name} cannot be part of the key: it must be required, of a simple type, and not float or double.`,
    );
}
