import type { LiveFile } from '../../lakehouse/data-file.ts';
import { bound } from '../../lakehouse/duckdb/bounds.ts';
import { keyRangePrune } from '../../lakehouse/duckdb/key-range.ts';
import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import type { IcebergType } from '../../lakehouse/metadata.ts';
import type { Sql } from './sql.ts';

/** Types whose text by CAST is the text that bounds are made of. */
const RANGED = new Set(['int', 'long', 'decimal', 'date', 'timestamp', 'timestamptz', 'string', 'uuid']);

export interface HoldingKeys {
  /** Rows of the relation of keys. */
  readonly keys: number;
  /** The data files that can hold one of them, by the range of the key's first column, and all delete files. */
  readonly files: readonly LiveFile[];
}

export async function holdingKeys(
  sql: Sql,
  files: readonly LiveFile[],
  column: ScanColumn,
  keys: string,
  name: string,
): Promise<HoldingKeys> {
  const [row] = await sql.rows(
    `SELECT count(*), CAST(min(${name}) AS VARCHAR), CAST(max(${name}) AS VARCHAR) FROM ${keys}`,
  );
  const [count, low, high] = row ?? [];
  const found = { keys: Number(count ?? 0) };
  if (!RANGED.has(kindOf(column.type))) return { ...found, files };
  if (typeof low !== 'string' || typeof high !== 'string') return { ...found, files: [] };
  const range = {
    id: column.id,
    type: column.type,
    lower: bound(column.type, 'lower', low),
    upper: bound(column.type, 'upper', high),
  };
  const data = files.filter((file) => file.content === 'data');
  return {
    ...found,
    files: [...keyRangePrune(data, [range]), ...files.filter((file) => file.content !== 'data')],
  };
}

function kindOf(type: IcebergType): string {
  return typeof type === 'string' ? type.replace(/\(.*$/, '') : type.type;
}
