import type { LiveFile } from '../../lakehouse/data-file.ts';
import { POSITION_COLUMN, type ScanColumn, scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { doublesOf, integersOf } from '../../lakehouse/duckdb/vector-data.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { SortedKeys } from './sorted-keys.ts';
import type { Sql } from './sql.ts';

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
  const { records } = file;
  const columns = numbers.map(() => new Float64Array(records));
  const positions = new Int32Array(records);
  const names = numbers.map((_, n) => `n${n}`);
  const values = numbers.map((number, n) => `${number} AS n${n}`);
  const select = `SELECT ${values.join(', ')}, CAST("${POSITION_COLUMN}" AS INTEGER) AS pos FROM ${scanSql(storage, [file], key, { positions: true })}`;
  const read = async (statement: string): Promise<boolean> => {
    let at = 0;
    await sql.chunks(statement, records, (chunk) => {
      if (at + chunk.rowCount <= records) {
        for (const [n, column] of columns.entries()) column.set(doublesOf(chunk, n), at);
        positions.set(integersOf(chunk, columns.length), at);
      }
      at += chunk.rowCount;
    });
    return at === records;
  };
  if (!(await read(select)) || !SortedKeys.areExact(columns)) return null;
  if (liesAsRead(positions)) {
    const keys = SortedKeys.of(columns, null) ?? SortedKeys.sorted(columns);
    if (keys !== null) return keys;
  }
  return (await read(`${select} ORDER BY ${names.join(', ')}`)) ? SortedKeys.of(columns, positions) : null;
}

/** DuckDB gives a file's rows in their order, and need not. */
function liesAsRead(positions: Int32Array): boolean {
  for (let at = 0; at < positions.length; at++) if (positions[at] !== at) return false;
  return true;
}
