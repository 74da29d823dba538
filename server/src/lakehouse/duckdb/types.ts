import { SluiceError } from '@sluice/contract';
import type { LogicalType } from '../../model/logical-type.ts';
import { icebergTypeText } from '../iceberg-type.ts';
import type { IcebergField, IcebergType } from '../metadata.ts';
import { quoteIdentifier } from './sql-text.ts';

const PLAIN: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  string: 'VARCHAR',
  uuid: 'UUID',
  binary: 'BLOB',
};

/**
 * The DuckDB type whose Parquet form is the Iceberg type's (spec appendix A, "Parquet").
 * @throws SluiceError TABLE_SCHEMA for maps
 */
export function duckType(type: IcebergType): string {
  if (typeof type !== 'string') {
    if (type.type === 'list') return `${duckType(type.element)}[]`;
    if (type.type === 'struct')
      return `STRUCT(${type.fields.map((field) => `${quoteIdentifier(field.name)} ${duckType(field.type)}`).join(', ')})`;
    throw new SluiceError('TABLE_SCHEMA', `Columns of type ${icebergTypeText(type)} are not supported.`);
  }
  const decimal = decimalOf(type);
  if (decimal) return `DECIMAL(${decimal.precision}, ${decimal.scale})`;
  if (type.startsWith('fixed[')) return 'BLOB';
  const plain = PLAIN[type];
  if (plain === undefined)
    throw new SluiceError('TABLE_SCHEMA', `Columns of type ${type} are not supported.`);
  return plain;
}

export function duckTypeOfLogical(type: LogicalType): string {
  if (type.kind === 'list') return `${duckTypeOfLogical(type.element)}[]`;
  return duckType(type.kind === 'decimal' ? `decimal(${type.precision}, ${type.scale})` : type.kind);
}

export function decimalOf(type: string): { readonly precision: number; readonly scale: number } | null {
  const match = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : null;
}

/** The FIELD_IDS struct of COPY … (FORMAT parquet) for columns of these names. */
export function fieldIdsText(
  columns: readonly { readonly name: string; readonly field: IcebergField }[],
): string {
  return `{${columns.map(({ name, field }) => `${quoteIdentifier(name)}: ${idText(field.id, field.type)}`).join(', ')}}`;
}

function idText(id: number, type: IcebergType): string {
  if (typeof type === 'string') return String(id);
  if (type.type === 'list')
    return `{__duckdb_field_id: ${id}, element: ${idText(type['element-id'], type.element)}}`;
  if (type.type === 'struct') {
    const inner = type.fields.map(
      (field) => `${quoteIdentifier(field.name)}: ${idText(field.id, field.type)}`,
    );
    return `{__duckdb_field_id: ${id}, ${inner.join(', ')}}`;
  }
  throw new SluiceError('TABLE_SCHEMA', `Columns of type ${icebergTypeText(type)} are not supported.`);
}
