import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier } from '../../lakehouse/duckdb/sql-text.ts';
import { EXACT_BELOW, keyNumbers } from './key-numbers.ts';
import type { Sql } from './sql.ts';

/** Of more keys a look in files costs less than the rest of the step, and what is found is better not held. */
const FEW = 100_000;

/** Keys whose old rows are looked for, as numbers (keyNumbers). */
export interface TouchedKeys {
  readonly count: number;
  /** In ascending order, a column for each number. */
  readonly numbers: readonly Float64Array[];
  /** The least and the greatest value of the key's first column, as text. */
  readonly low: string;
  readonly high: string;
}

/**
 * @param select of the key's columns, under their names
 * @param rows so many at most
 * @returns null where they are many, or not all of them are what numbers say exactly; `empty` where there is none
 */
export async function readTouched(
  sql: Sql,
  key: readonly ScanColumn[],
  select: string,
  rows: number,
): Promise<TouchedKeys | 'empty' | null> {
  const numbers = keyNumbers(key);
  if (numbers === null || rows > FEW) return null;
  const columns: number[][] = numbers.map(() => []);
  let low = '';
  let high = '';
  let exact = true;
  const order = numbers.map((_, n) => n + 2).join(', ');
  await sql.chunks(
    `SELECT CAST(${quoteIdentifier(key[0]!.name)} AS VARCHAR), ${numbers.join(', ')} FROM (${select}) ORDER BY ${order}`,
    (chunk) => {
      const texts = chunk.getColumnVector(0);
      if (columns[0]!.length === 0) low = String(texts.getItem(0));
      high = String(texts.getItem(chunk.rowCount - 1));
      for (const [n, column] of columns.entries()) {
        const vector = chunk.getColumnVector(n + 1);
        for (let row = 0; row < chunk.rowCount; row++) {
          const number = vector.getItem(row) as number;
          // Then their order is not that of the keys.
          if (!(Math.abs(number) < EXACT_BELOW)) exact = false;
          column.push(number);
        }
      }
    },
  );
  if (!exact) return null;
  const count = columns[0]!.length;
  if (count === 0) return 'empty';
  return { count, numbers: columns.map((column) => Float64Array.from(column)), low, high };
}
