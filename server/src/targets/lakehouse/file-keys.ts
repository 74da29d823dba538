import type { LiveFile } from '../../lakehouse/data-file.ts';
import { POSITION_COLUMN, type ScanColumn, scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { integersOf } from '../../lakehouse/duckdb/vector-data.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { isNullSql } from './key-words.ts';
import { SortedKeys } from './sorted-keys.ts';
import type { Sql } from './sql.ts';

/**
 * The keys of a data file, deleted rows among them.
 * @param words expressions of keyWords of the key
 * @returns null where a row has no key, or the rows are not as many as the file's entry says
 */
export async function readFileKeys(
  sql: Sql,
  storage: Storage,
  file: LiveFile,
  key: readonly ScanColumn[],
  words: readonly string[],
): Promise<SortedKeys | null> {
  const { records } = file;
  const columns = words.map(() => new Int32Array(records));
  const select = `SELECT CAST("${POSITION_COLUMN}" AS INTEGER), ${words.join(', ')} FROM ${scanSql(storage, [file], key, { positions: true })} WHERE NOT ${isNullSql(key)}`;
  let rows = 0;
  await sql.chunks(select, records, (chunk) => {
    const positions = integersOf(chunk, 0);
    for (const [n, column] of columns.entries()) {
      const words = integersOf(chunk, n + 1);
      for (let row = 0; row < words.length; row++) column[positions[row]!] = words[row]!;
    }
    rows += positions.length;
  });
  return rows === records ? SortedKeys.of(columns) : null;
}
