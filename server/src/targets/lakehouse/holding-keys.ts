import type { LiveFile } from '../../lakehouse/data-file.ts';
import { bound } from '../../lakehouse/duckdb/bounds.ts';
import { keyRangePrune } from '../../lakehouse/duckdb/key-range.ts';
import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import type { IcebergType } from '../../lakehouse/metadata.ts';
import type { Sql } from './sql.ts';

/** Types whose text by CAST is the text that bounds are made of. */
const RANGED = new Set(['int', 'long', 'decimal', 'date', 'timestamp', 'timestamptz', 'string', 'uuid']);

/** The data files that can hold one of the keys of a relation, by the range of the key's first column, and all delete files. */
export async function holdingKeys(
  sql: Sql,
  files: readonly LiveFile[],
  column: ScanColumn,
  keys: string,
  name: string,
): Promise<readonly LiveFile[]> {
  if (!isRanged(column)) return files;
  const [row] = await sql.rows(
    `SELECT CAST(min(${name}) AS VARCHAR), CAST(max(${name}) AS VARCHAR) FROM ${keys}`,
  );
  const [low, high] = row ?? [];
  if (typeof low !== 'string' || typeof high !== 'string') return [];
  return inRange(files, column, low, high);
}

/** The same by the texts of the least and the greatest value. */
export function inRange(
  files: readonly LiveFile[],
  column: ScanColumn,
  low: string,
  high: string,
): readonly LiveFile[] {
  if (!isRanged(column)) return files;
  const { id, type } = column;
  const range = { id, type, lower: bound(type, 'lower', low), upper: bound(type, 'upper', high) };
  const data = files.filter((file) => file.content === 'data');
  return [...keyRangePrune(data, [range]), ...files.filter((file) => file.content !== 'data')];
}

const isRanged = (column: ScanColumn): boolean => RANGED.has(kindOf(column.type));

function kindOf(type: IcebergType): string {
  return typeof type === 'string' ? type.replace(/\(.*$/, '') : type.type;
}
