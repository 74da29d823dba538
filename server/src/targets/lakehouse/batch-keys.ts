import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier } from '../../lakehouse/duckdb/sql-text.ts';
import { integersOf } from '../../lakehouse/duckdb/vector-data.ts';
import { isNullSql, keyWords } from './key-words.ts';
import type { KeyColumns } from './sorted-keys.ts';
import type { Sql } from './sql.ts';

/** Of more keys a look in files costs less than the rest of the step, and what is found is better not held. */
const FEW = 100_000;

/** What a key of the batch does, in one number. */
const GOES = 1;
const STAYS = 2;
const IS_NULL = 4;

/** The keys of a batch whose old rows are looked for. */
export interface GoingKeys {
  readonly count: number;
  /** Ascending. */
  readonly words: KeyColumns;
  /** The least and the greatest value of the key's first column, as text; null: the keys were not read in their order. */
  readonly range: { readonly low: string; readonly high: string } | null;
}

export interface BatchKeys {
  /** null: no old row goes */
  readonly going: GoingKeys | null;
  /** Keys of the rows that the batch leaves behind, ascending by `order`. */
  readonly staying: KeyColumns;
  /** Expressions of the words (keyWords). */
  readonly order: readonly string[];
  /** How many keys there are. */
  readonly count: number;
}

/**
 * @param select of the key's columns, under their names, `goes` and `stays` (KeyedOutcome.keys)
 * @param rows so many at most
 * @returns null where they are many, one is NULL, or words do not tell them
 */
export async function readBatchKeys(
  sql: Sql,
  key: readonly ScanColumn[],
  select: string,
  rows: number,
): Promise<BatchKeys | null> {
  const words = keyWords(key);
  if (words === null || rows > FEW) return null;
  const { kind, expressions } = words;
  const going = new Gathered(expressions.length);
  const staying = new Gathered(expressions.length);
  let low = '';
  let high = '';
  let count = 0;
  let hasNull = false;
  const first = quoteIdentifier(key[0]!.name);
  const order = expressions.map((_, n) => n + 3).join(', ');
  await sql.chunks(
    `SELECT CAST(${first} AS VARCHAR), CASE WHEN goes THEN ${GOES} ELSE 0 END + CASE WHEN stays THEN ${STAYS} ELSE 0 END + CASE WHEN ${isNullSql(key)} THEN ${IS_NULL} ELSE 0 END, ${expressions.join(', ')} FROM (${select}) ORDER BY ${order}`,
    rows,
    (chunk) => {
      const does = integersOf(chunk, 1);
      const own = expressions.map((_, n) => integersOf(chunk, n + 2));
      const textOf = (row: number): string => String(chunk.getColumnVector(0).getItem(row));
      let last = -1;
      count += does.length;
      for (let row = 0; row < does.length; row++) {
        if ((does[row]! & IS_NULL) !== 0) hasNull = true;
        if ((does[row]! & STAYS) !== 0) staying.add(own, row);
        if ((does[row]! & GOES) === 0) continue;
        if (going.count === 0) low = textOf(row);
        going.add(own, row);
        last = row;
      }
      if (last >= 0) high = textOf(last);
    },
  );
  if (hasNull) return null;
  const range = kind === 'values' ? { low, high } : null;
  return {
    going: going.count === 0 ? null : { count: going.count, words: going.columns(), range },
    staying: staying.columns(),
    order: expressions,
    count,
  };
}

class Gathered {
  readonly #columns: number[][];

  constructor(words: number) {
    this.#columns = Array.from({ length: words }, () => []);
  }

  get count(): number {
    return this.#columns[0]!.length;
  }

  add(columns: KeyColumns, row: number): void {
    for (let n = 0; n < columns.length; n++) this.#columns[n]!.push(columns[n]![row]!);
  }

  columns(): KeyColumns {
    return this.#columns.map((column) => Int32Array.from(column));
  }
}
