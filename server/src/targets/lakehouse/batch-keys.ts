import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier } from '../../lakehouse/duckdb/sql-text.ts';
import { EXACT_BELOW, keyNumbers } from './key-numbers.ts';
import type { Sql } from './sql.ts';

/** Of more keys a look in files costs less than the rest of the step, and what is found is better not held. */
const FEW = 100_000;

/** Keys as numbers (keyNumbers), in ascending order, a column for each number. */
export type KeyColumns = readonly Float64Array[];

/** The keys of a batch whose old rows are looked for. */
export interface GoingKeys {
  readonly count: number;
  readonly numbers: KeyColumns;
  /** The least and the greatest value of the key's first column, as text. */
  readonly low: string;
  readonly high: string;
}

export interface BatchKeys {
  /** null: no old row goes */
  readonly going: GoingKeys | null;
  /** Keys of the rows that the batch leaves behind; null: not all are what numbers say exactly. */
  readonly staying: KeyColumns | null;
  /** How many keys there are. */
  readonly count: number;
}

/**
 * @param select of the key's columns, under their names, `goes` and `stays` (KeyedOutcome.keys)
 * @param rows so many at most
 * @returns null where they are many, or old rows go whose keys are not what numbers say exactly
 */
export async function readBatchKeys(
  sql: Sql,
  key: readonly ScanColumn[],
  select: string,
  rows: number,
): Promise<BatchKeys | null> {
  const numbers = keyNumbers(key);
  if (numbers === null || rows > FEW) return null;
  const going = new Gathered(numbers.length);
  const staying = new Gathered(numbers.length);
  let low = '';
  let high = '';
  let count = 0;
  const order = numbers.map((_, n) => n + 4).join(', ');
  await sql.heldChunks(
    `SELECT CAST(${quoteIdentifier(key[0]!.name)} AS VARCHAR), goes, stays, ${numbers.join(', ')} FROM (${select}) ORDER BY ${order}`,
    (chunk) => {
      const [texts, goes, stays] = [0, 1, 2].map((column) => chunk.getColumnVector(column));
      const vectors = numbers.map((_, n) => chunk.getColumnVector(n + 3));
      let last = -1;
      count += chunk.rowCount;
      for (let row = 0; row < chunk.rowCount; row++) {
        if (stays!.getItem(row) === true) staying.add(vectors, row);
        if (goes!.getItem(row) !== true) continue;
        if (going.count === 0) low = String(texts!.getItem(row));
        going.add(vectors, row);
        last = row;
      }
      if (last >= 0) high = String(texts!.getItem(last));
    },
  );
  const goingNumbers = going.columns();
  if (goingNumbers === null) return null;
  return {
    going: going.count === 0 ? null : { count: going.count, numbers: goingNumbers, low, high },
    staying: staying.columns(),
    count,
  };
}

class Gathered {
  readonly #columns: number[][];
  #isExact = true;

  constructor(numbers: number) {
    this.#columns = Array.from({ length: numbers }, () => []);
  }

  get count(): number {
    return this.#columns[0]!.length;
  }

  add(vectors: readonly { getItem(row: number): unknown }[], row: number): void {
    for (let n = 0; n < vectors.length; n++) {
      const number = vectors[n]!.getItem(row) as number;
      // Then their order is not that of the keys.
      if (!(Math.abs(number) < EXACT_BELOW)) this.#isExact = false;
      this.#columns[n]!.push(number);
    }
  }

  /** null: a number is not exact */
  columns(): KeyColumns | null {
    return this.#isExact ? this.#columns.map((column) => Float64Array.from(column)) : null;
  }
}
