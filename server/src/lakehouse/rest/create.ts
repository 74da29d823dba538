import { randomUUID } from 'node:crypto';
import type { IcebergField, IcebergSchema, IcebergType, TableMetadata } from '../metadata.ts';
import { applyUpdates, type MetadataUpdate } from '../metadata-update.ts';
import { EMPTY_TABLE } from '../table-metadata.ts';
import { badRequest } from './answer.ts';
import type { CreateTableBody } from './bodies.ts';

/**
 * The first metadata of a table that a client asks for. Field ids are given anew from 1, outer fields before
 * inner ones, as the Java implementation does; what refers to the client's ids follows.
 */
export function newTable(body: CreateTableBody, location: string, nowMs: number): TableMetadata {
  const { 'format-version': version = '2', ...properties } = body.properties ?? {};
  if (version !== '2' && version !== '3')
    throw badRequest(`Tables of format version ${version} are not made here; 2 and 3 are.`);
  const asked = body.schema as unknown as IcebergSchema;
  const ids = freshIds(asked.fields);
  const newId = (id: unknown): number => {
    const found = ids.get(id as number);
    if (found === undefined) throw badRequest(`There is no field ${id} in the schema.`);
    return found;
  };
  const follow = (fields: readonly object[]): object[] =>
    fields.map((field) => ({
      ...field,
      'source-id': newId((field as { 'source-id'?: number })['source-id']),
    }));
  const schema = {
    ...asked,
    fields: renumber(asked.fields, newId),
    'identifier-field-ids': (asked['identifier-field-ids'] ?? []).map(newId),
  };
  // Without the client's field ids: they are given from 1000 on.
  const spec = follow(body['partition-spec']?.fields ?? []).map((field) => {
    const { 'field-id': _, ...rest } = field as { 'field-id'?: number };
    return rest;
  });
  const updates = [
    { action: 'assign-uuid', uuid: randomUUID() },
    { action: 'upgrade-format-version', 'format-version': Number(version) },
    { action: 'set-location', location },
    { action: 'add-schema', schema },
    { action: 'set-current-schema', 'schema-id': -1 },
    { action: 'add-spec', spec: { fields: spec } },
    { action: 'set-default-spec', 'spec-id': -1 },
    { action: 'add-sort-order', 'sort-order': { fields: follow(body['write-order']?.fields ?? []) } },
    { action: 'set-default-sort-order', 'sort-order-id': -1 },
    { action: 'set-properties', updates: properties },
  ] as unknown as readonly MetadataUpdate[];
  return applyUpdates(EMPTY_TABLE, updates, nowMs);
}

/** @throws CatalogRefusal 400 where a commit that creates leaves out what a table cannot be without */
export function requireWhole(metadata: TableMetadata): void {
  const missing =
    (metadata['table-uuid'] === '' && 'a UUID') ||
    (metadata.location === '' && 'a location') ||
    (metadata['current-schema-id'] < 0 && 'a schema') ||
    (metadata['default-spec-id'] < 0 && 'a partition spec') ||
    (metadata['default-sort-order-id'] < 0 && 'a sort order');
  if (missing) throw badRequest(`The new table lacks ${missing}.`);
}

function freshIds(fields: readonly IcebergField[]): ReadonlyMap<number, number> {
  const ids = new Map<number, number>();
  const give = (id: number): void => {
    if (ids.has(id)) throw badRequest(`The field id ${id} is used twice.`);
    ids.set(id, ids.size + 1);
  };
  const inner = (type: IcebergType): void => {
    if (typeof type === 'string') return;
    if (type.type === 'struct') level(type.fields);
    else if (type.type === 'list') {
      give(type['element-id']);
      inner(type.element);
    } else {
      give(type['key-id']);
      give(type['value-id']);
      inner(type.key);
      inner(type.value);
    }
  };
  const level = (of: readonly IcebergField[]): void => {
    for (const field of of) give(field.id);
    for (const field of of) inner(field.type);
  };
  level(fields);
  return ids;
}

function renumber(fields: readonly IcebergField[], newId: (id: number) => number): IcebergField[] {
  const type = (old: IcebergType): IcebergType => {
    if (typeof old === 'string') return old;
    if (old.type === 'struct') return { ...old, fields: renumber(old.fields, newId) };
    if (old.type === 'list')
      return { ...old, 'element-id': newId(old['element-id']), element: type(old.element) };
    return {
      ...old,
      'key-id': newId(old['key-id']),
      key: type(old.key),
      'value-id': newId(old['value-id']),
      value: type(old.value),
    };
  };
  return fields.map((field) => ({ ...field, id: newId(field.id), type: type(field.type) }));
}
