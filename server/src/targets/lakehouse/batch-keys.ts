import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier } from '../../lakehouse/duckdb/sql-text.ts';
import { doublesOf, integersOf } from '../../lakehouse/duckdb/vector-data.ts';
import { EXACT_BELOW, keyNumbers } from './key-numbers.ts';
import type { Sql } from './sql.ts';

/** Of more keys a look in files costs less than the rest of the step, and what is found is better not held. */
const FEW = 100_000;

/** What a key of the batch does, in one number. */
const GOES = 1;
const STAYS = 2;

/** Keys as numbers (keyNumbers), all exact, in ascending order, a column for each number. */
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
  const first = quoteIdentifier(key[0]!.name);
  const order = numbers.map((_, n) => n + 3).join(', ');
  await sql.chunks(
    `SELECT CAST(${first} AS VARCHAR), CASE WHEN goes THEN ${GOES} ELSE 0 END + CASE WHEN stays THEN ${STAYS} ELSE 0 END, ${numbers.join(', ')} FROM (${select}) ORDER BY ${order}`,
    rows,
    (chunk) => {
      const does = integersOf(chunk, 1);
      const own = numbers.map((_, n) => doublesOf(chunk, n + 2));
      const textOf = (row: number): string => String(chunk.getColumnVector(0).getItem(row));
      let last = -1;
      count += does.length;
      for (let row = 0; row < does.length; row++) {
        if ((does[row]! & STAYS) !== 0) staying.add(own, row);
        if ((does[row]! & GOES) === 0) continue;
        if (going.count === 0) low = textOf(row);
        going.add(own, row);
        last = row;
      }
      if (last >= 0) high = textOf(last);
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

  add(columns: KeyColumns, row: number): void {
    for (let n = 0; n < columns.length; n++) {
      const number = columns[n]![row]!;
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
