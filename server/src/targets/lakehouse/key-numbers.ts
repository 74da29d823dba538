import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier } from '../../lakehouse/duckdb/sql-text.ts';
import { decimalOf } from '../../lakehouse/duckdb/types.ts';

/** A number of a larger magnitude is not the only one that its text means: a key that has one is not held. */
export const EXACT_BELOW = 2 ** 53;

/**
 * A key as numbers that are equal where, and only where, the key is: expressions of type DOUBLE, one or several for each
 * column, NaN for what no number says (infinity). Where all are below EXACT_BELOW in magnitude they are whole and exact; a
 * value that is not has one that is not.
 * @returns null where a column's type has no such numbers
 */
export function keyNumbers(key: readonly ScanColumn[]): readonly string[] | null {
  const numbers: string[] = [];
  for (const { name, type } of key) {
    const own = typeof type === 'string' ? numbersOf(type, quoteIdentifier(name)) : null;
    if (own === null) return null;
    numbers.push(...own.map((number) => `coalesce(CAST(${number} AS DOUBLE), 'nan'::DOUBLE)`));
  }
  return numbers;
}

function numbersOf(type: string, value: string): readonly string[] | null {
  switch (type) {
    case 'int':
    case 'long':
      return [value];
    case 'date':
      return [`date_diff('day', DATE '1970-01-01', ${value})`];
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return [`epoch_us(${value})`];
    case 'uuid': {
      const hex = `replace(CAST(${value} AS VARCHAR), '-', '')`;
      return [1, 12, 23].map((first) => `CAST('0x' || substr(${hex}, ${first}, 11) AS BIGINT)`);
    }
    default:
      return decimalOf(type)?.scale === 0 ? [value] : null;
  }
}
