import type { LiveFile } from '../../lakehouse/data-file.ts';
import { bound } from '../../lakehouse/duckdb/bounds.ts';
import { keyRangePrune } from '../../lakehouse/duckdb/key-range.ts';
import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import type { IcebergType } from '../../lakehouse/metadata.ts';
import type { Sql } from './sql.ts';

/** Types whose text by CAST is the text that bounds are made of. */
const RANGED = new Set(['int', 'long', 'decimal', 'date', 'timestamp', 'timestamptz', 'string', 'uuid']);

/** The data files that can hold one of these keys, by the range of the key's first column, and all delete files. */
export async function holdingKeys(
  sql: Sql,
  files: readonly LiveFile[],
  column: ScanColumn,
  keys: string,
  name: string,
): Promise<readonly LiveFile[]> {
  if (!RANGED.has(kindOf(column.type))) return files;
  const [row] = await sql.rows(
    `SELECT CAST(min(${name}) AS VARCHAR), CAST(max(${name}) AS VARCHAR) FROM ${keys}`,
  );
  const [low, high] = row ?? [];
  if (typeof low !== 'string' || typeof high !== 'string') return [];
  const range = {
    id: column.id,
    type: column.type,
    lower: bound(column.type, 'lower', low),
    upper: bound(column.type, 'upper', high),
  };
  return [
    ...keyRangePrune(
      files.filter((file) => file.content === 'data'),
      [range],
    ),
    ...files.filter((file) => file.content !== 'data'),
  ];
}

function kindOf(type: IcebergType): string {
  return typeof type === 'string' ? type.replace(/\(.*$/, '') : type.type;
}
