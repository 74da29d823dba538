import { SluiceError } from '@sluice/contract';
import type { NativeType } from './native-type.ts';
import { quoteIdent, quoteLiteral } from './quote.ts';

/**
 * A column of a key, in the index's order. `descending`: the index holds it so, and "behind" in what follows means
 * what comes later in the index.
 */
export interface KeyColumn {
  readonly name: string;
  readonly native: NativeType;
  readonly descending: boolean;
}

/**
 * A row's key: texts in the columns' order, as `keySelect` has the server write them. They are exact: put back as
 * `keyLiteral` they compare equal to the value that they were made of.
 */
export type Key = readonly string[];

/** SQL of the text of a key's column. */
export function keySelect({ name, native }: KeyColumn): string {
  const column = quoteIdent(name);
  switch (native.kind) {
    case 'text':
    case 'bytes':
      return `HEX(${column})`;
    case 'float':
    case 'double':
      // The column itself is rounded for display.
      return `${column} * 1e0`;
    case 'enum':
    case 'set':
    case 'bit':
      // The number by which the index is sorted.
      return `${column} + 0`;
    default:
      return column;
  }
}

/**
 * SQL of a constant of the column's own type and character set, so that comparing it converts nothing and follows the
 * column's collation.
 */
export function keyLiteral({ name, native }: KeyColumn, text: string): string {
  const checked = (pattern: RegExp): string => {
    if (pattern.test(text)) return text;
    throw new SluiceError('INTERNAL', `not a key of the column ${name}: ${text}`);
  };
  switch (native.kind) {
    case 'integer':
    case 'year':
    case 'enum':
    case 'set':
    case 'bit':
      return checked(/^-?\d+$/);
    case 'decimal':
      return checked(/^-?\d*\.?\d+$/);
    case 'float':
    case 'double': {
      const number = checked(/^-?\d*\.?\d+(e[-+]?\d+)?$/i);
      return /e/i.test(number) ? number : `${number}e0`;
    }
    case 'text':
      return `_${native.charset} x'${checked(/^([0-9a-f]{2})*$/i)}'`;
    case 'bytes':
      return `x'${checked(/^([0-9a-f]{2})*$/i)}'`;
    default:
      return quoteLiteral(text);
  }
}

/**
 * Keys behind `from` (null: from the first) up to `to`, that included. Written column by column, since the server finds
 * no range of an index in a comparison of rows: `a > 1 OR (a = 1 AND b > 2)`.
 */
export function rangeCondition(columns: readonly KeyColumn[], from: Key | null, to: Key): string {
  return between(columns, from && { key: from, included: false }, to);
}

/** Keys from `first` to `last`, both included. */
export function spanCondition(columns: readonly KeyColumn[], first: Key, last: Key): string {
  return between(columns, { key: first, included: true }, last);
}

function between(
  columns: readonly KeyColumn[],
  from: { readonly key: Key; readonly included: boolean } | null,
  to: Key,
): string {
  const parts: string[] = [];
  let same = 0;
  if (from !== null)
    while (same < columns.length - 1 && from.key[same] === to[same]) {
      parts.push(`${quoteIdent(columns[same]!.name)} = ${literalAt(columns, to, same)}`);
      same++;
    }
  if (from !== null) parts.push(side(columns, from.key, same, 'behind', from.included));
  parts.push(side(columns, to, same, 'before', true));
  return parts.join(' AND ');
}

/** Keys that lie behind (or before) this one, looking at the columns from `index` on. */
function side(
  columns: readonly KeyColumn[],
  key: Key,
  index: number,
  where: 'behind' | 'before',
  included: boolean,
): string {
  const column = columns[index]!;
  const name = quoteIdent(column.name);
  const literal = literalAt(columns, key, index);
  const sign = (where === 'behind') !== column.descending ? '>' : '<';
  if (index === columns.length - 1) return `${name} ${sign}${included ? '=' : ''} ${literal}`;
  const rest = side(columns, key, index + 1, where, included);
  return `(${name} ${sign} ${literal} OR (${name} = ${literal} AND ${rest}))`;
}

/** At or before a value of one column; with `behind`, what lies behind it. */
export function valueCondition(column: KeyColumn, literal: string, where: 'behind' | 'upTo'): string {
  const sign = where === 'behind' ? (column.descending ? '<' : '>') : column.descending ? '>=' : '<=';
  return `${quoteIdent(column.name)} ${sign} ${literal}`;
}

export function orderBy(columns: readonly KeyColumn[], backwards: boolean): string {
  return columns
    .map((column) => `${quoteIdent(column.name)} ${column.descending !== backwards ? 'DESC' : 'ASC'}`)
    .join(', ');
}

function literalAt(columns: readonly KeyColumn[], key: Key, index: number): string {
  const text = key[index];
  if (text === undefined) throw new SluiceError('INTERNAL', `a key with ${key.length} of its columns`);
  return keyLiteral(columns[index]!, text);
}
