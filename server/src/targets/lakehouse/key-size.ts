import { SluiceError } from '@sluice/contract';
import { quoteText } from '../../lakehouse/duckdb/sql-text.ts';
import type { LogicalType, PrimitiveType } from '../../model/logical-type.ts';
import { type TableName, tableText } from '../../model/table.ts';

/** A column of the key, and the SQL expression that its typed value is. */
export interface KeyPart {
  readonly name: string;
  readonly type: LogicalType;
  readonly sql: string;
}

/** Bytes that a value has as Parquet holds it; null: that depends on the value. */
function fixedSize(type: PrimitiveType): number | null {
  switch (type.kind) {
    case 'boolean':
      return 1;
    case 'int':
    case 'float':
    case 'date':
      return 4;
    case 'long':
    case 'double':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return 8;
    case 'decimal':
      return type.precision <= 9 ? 4 : type.precision <= 18 ? 8 : 16;
    case 'uuid':
      return 16;
    case 'string':
    case 'binary':
      return null;
  }
}

function sizeSql({ type, sql }: KeyPart): string {
  if (type.kind !== 'list') return primitiveSize(type, sql);
  return `coalesce(list_sum(list_transform(${sql}, lambda e: ${primitiveSize(type.element, 'e')})), 0)`;
}

function primitiveSize(type: PrimitiveType, sql: string): string {
  const fixed = fixedSize(type);
  if (fixed !== null) return String(fixed);
  return `coalesce(${type.kind === 'binary' ? 'octet_length' : 'strlen'}(${sql}), 0)`;
}

const MARK = 'sluice: a key is too long:';

/**
 * The value of one of the key's columns, as an expression that raises where the whole key is longer than the limit.
 * Where no key of these types can be, it is the value as it is.
 */
export function withinKeyLimit(value: string, key: readonly KeyPart[], limit: number): string {
  const fixed = key.map(({ type }) => (type.kind === 'list' ? null : fixedSize(type)));
  const most = fixed.reduce<number>((sum, size) => sum + (size ?? Number.POSITIVE_INFINITY), 0);
  if (most <= limit) return value;
  const size = key.map(sizeSql).join(' + ');
  const text = key.map(({ sql }) => `coalesce(CAST(${sql} AS VARCHAR), '')`).join(` || ', ' || `);
  const raise = `error(${quoteText(MARK)} || (${size}) || ' ' || left(${text}, ${SHOWN}))`;
  return `CASE WHEN ${size} > ${limit} THEN ${raise} ELSE ${value} END`;
}

const SHOWN = 40;

/** What to say of an error that such an expression raised; null: it is another error. */
export function keyLimitTrouble(
  error: unknown,
  table: TableName,
  key: readonly Pick<KeyPart, 'name'>[],
  limit: number,
): SluiceError | null {
  const message = error instanceof Error ? error.message : '';
  const place = message.indexOf(MARK);
  if (place < 0) return null;
  const [, size, begins] = /^(\d+) (.*)$/s.exec(message.slice(place + MARK.length)) ?? [];
  const names = key.map(({ name }) => `"${name}"`).join(', ');
  return new SluiceError(
    'TABLE_KEY_LENGTH',
    `Encoded key size ${size} exceeds max size ${limit}: a row of ${tableText(table)}, whose key (${names}) begins with ${JSON.stringify(begins)}.`,
    { cause: error },
  );
}
