/**
 * The type of a column in the lake. Source types are mapped to these (product table "Types"); the lakehouse
 * maps these to Iceberg and Parquet. Nothing else about a value's type crosses between the two.
 */
export type PrimitiveType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int' }
  | { readonly kind: 'long' }
  | { readonly kind: 'float' }
  | { readonly kind: 'double' }
  /** 1 ≤ precision ≤ 38, 0 ≤ scale ≤ precision */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'date' }
  | { readonly kind: 'time' }
  /** microseconds, no zone */
  | { readonly kind: 'timestamp' }
  /** microseconds, UTC */
  | { readonly kind: 'timestamptz' }
  | { readonly kind: 'string' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'binary' };

export type LogicalType = PrimitiveType | { readonly kind: 'list'; readonly element: PrimitiveType };

export function sameType(a: LogicalType, b: LogicalType): boolean {
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.precision === b.precision && a.scale === b.scale;
  if (a.kind === 'list' && b.kind === 'list') return sameType(a.element, b.element);
  return a.kind === b.kind;
}

/** Whether every value of `from` is a value of `to`, so that a table can follow without rewriting (Iceberg spec, "Schema Evolution"). */
export function widens(from: LogicalType, to: LogicalType): boolean {
  if (sameType(from, to)) return true;
  if (from.kind === 'int' && to.kind === 'long') return true;
  if (from.kind === 'float' && to.kind === 'double') return true;
  if (from.kind === 'decimal' && to.kind === 'decimal')
    return from.scale === to.scale && from.precision <= to.precision;
  return false;
}

export function typeText(type: LogicalType): string {
  if (type.kind === 'decimal') return `decimal(${type.precision}, ${type.scale})`;
  if (type.kind === 'list') return `list<${typeText(type.element)}>`;
  return type.kind;
}
