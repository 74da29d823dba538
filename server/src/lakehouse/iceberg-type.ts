import { SluiceError } from '@sluice/contract';
import type { LogicalType, PrimitiveType } from '../model/logical-type.ts';
import type { IcebergField, IcebergPrimitive, IcebergSchema, IcebergType } from './metadata.ts';

/** @param nextId called once for a list, which needs an id for its element */
export function toIceberg(type: LogicalType, nextId: () => number): IcebergType {
  if (type.kind !== 'list') return primitive(type);
  return {
    type: 'list',
    'element-id': nextId(),
    'element-required': false,
    element: primitive(type.element),
  };
}

function primitive(type: PrimitiveType): IcebergPrimitive {
  return type.kind === 'decimal' ? `decimal(${type.precision}, ${type.scale})` : type.kind;
}

/** @throws SluiceError TABLE_SCHEMA for types that we never write: struct, map, fixed, nested lists */
export function toLogical(type: IcebergType): LogicalType {
  if (typeof type === 'object' && type.type === 'list') {
    const element = toLogical(type.element);
    if (element.kind !== 'list') return { kind: 'list', element };
  }
  if (typeof type === 'string') {
    const decimal = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type);
    if (decimal) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) };
    if (isPlain(type)) return { kind: type };
  }
  throw new SluiceError('TABLE_SCHEMA', `Columns of type ${icebergTypeText(type)} are not supported.`);
}

export function icebergTypeText(type: IcebergType): string {
  if (typeof type === 'string') return type;
  if (type.type === 'list') return `list<${icebergTypeText(type.element)}>`;
  if (type.type === 'map') return `map<${icebergTypeText(type.key)}, ${icebergTypeText(type.value)}>`;
  return `struct<${type.fields.map((field) => `${field.name}: ${icebergTypeText(field.type)}`).join(', ')}>`;
}

const PLAIN = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
] as const;

function isPlain(type: string): type is (typeof PLAIN)[number] {
  return (PLAIN as readonly string[]).includes(type);
}

/** Every id that a field, an element, a key or a value of the fields has. */
export function fieldIds(fields: readonly IcebergField[]): number[] {
  return fields.flatMap((field) => [field.id, ...typeIds(field.type)]);
}

function typeIds(type: IcebergType): number[] {
  if (typeof type === 'string') return [];
  if (type.type === 'struct') return fieldIds(type.fields);
  if (type.type === 'list') return [type['element-id'], ...typeIds(type.element)];
  return [type['key-id'], type['value-id'], ...typeIds(type.key), ...typeIds(type.value)];
}

/** Equality of what a schema says, its id aside. */
export function sameSchema(a: IcebergSchema, b: IcebergSchema): boolean {
  const text = (schema: IcebergSchema): string =>
    JSON.stringify([
      schema.fields.map(fieldText),
      [...(schema['identifier-field-ids'] ?? [])].sort((x, y) => x - y),
    ]);
  return text(a) === text(b);
}

function fieldText(field: IcebergField): unknown {
  const { id, name, required, type, ...rest } = field;
  const others = Object.entries(rest).sort(([x], [y]) => (x < y ? -1 : 1));
  return [id, name, required, typeKey(type), others];
}

function typeKey(type: IcebergType): unknown {
  if (typeof type === 'string') return type.replaceAll(/\s/g, '');
  if (type.type === 'struct') return type.fields.map(fieldText);
  if (type.type === 'list')
    return ['list', type['element-id'], type['element-required'], typeKey(type.element)];
  const { 'key-id': key, 'value-id': value, 'value-required': required } = type;
  return ['map', key, typeKey(type.key), value, required, typeKey(type.value)];
}
