import type { LiveFile } from '../../lakehouse/data-file.ts';
import { POSITION_COLUMN, type ScanColumn, scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { doublesOf, integersOf } from '../../lakehouse/duckdb/vector-data.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { sortRuns } from './sort-runs.ts';
import { SortedKeys } from './sorted-keys.ts';
import type { Sql } from './sql.ts';

/** So many are merged here in less than it takes DuckDB to sort; of random keys each other row begins one. */
const MOST_RUNS = 8192;

/**
 * The keys of a data file, deleted rows among them.
 * @param numbers keyNumbers of the key
 * @returns null where its keys are not what numbers say exactly, or not what the file's entry says
 */
export async function readFileKeys(
  sql: Sql,
  storage: Storage,
  file: LiveFile,
  key: readonly ScanColumn[],
  numbers: readonly string[],
): Promise<SortedKeys | null> {
  const columns = numbers.map(() => new Float64Array(file.records));
  const positions = new Int32Array(file.records);
  const names = numbers.map((_, n) => `n${n}`);
  const values = numbers.map((number, n) => `${number} AS n${n}`);
  const select = `SELECT ${values.join(', ')}, CAST("${POSITION_COLUMN}" AS INTEGER) AS pos FROM ${scanSql(storage, [file], key, { positions: true })}`;
  /** A row's place in the arrays: `at` is its number in what the statement gives. */
  const read = async (statement: string, placeOf: (at: number, position: number) => number) => {
    let at = 0;
    await sql.chunks(statement, file.records, (chunk) => {
      const own = columns.map((_, n) => doublesOf(chunk, n));
      const rows = integersOf(chunk, columns.length);
      for (let row = 0; row < rows.length; row++) {
        const place = placeOf(at + row, rows[row]!);
        positions[place] = rows[row]!;
        for (let n = 0; n < columns.length; n++) columns[n]![place] = own[n]![row]!;
      }
      at += rows.length;
    });
    return at === file.records;
  };
  // A file that a load wrote is mostly in the order of its keys, and one of many commits is in a few hundred runs of them.
  if (!(await read(select, (_, position) => position)) || !SortedKeys.areExact(columns)) return null;
  const asTheyLie = SortedKeys.of(columns, null);
  if (asTheyLie !== null) return asTheyLie;
  if (sortRuns({ columns, positions }, MOST_RUNS)) return SortedKeys.of(columns, positions);
  const isWhole = await read(`${select} ORDER BY ${names.join(', ')}`, (at) => at);
  return isWhole ? SortedKeys.of(columns, positions) : null;
}
