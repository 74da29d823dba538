import { normalise } from '../../demo/normalise.ts';
import type { Flavour } from '../support/mysql.ts';
import type { MysqlTypeRow } from './type-matrix-mysql.ts';

/** The source's side: an expression of text over a column (quoted). The session's zone is UTC. */
export function inSource({ as, type }: MysqlTypeRow, column: string, flavour: Flavour): string {
  switch (as) {
    case 'number':
      return `CAST(${column} + 0 AS CHAR)`;
    case 'boolean':
      return `CASE ${column} + 0 WHEN 0 THEN 'false' WHEN 1 THEN 'true' END`;
    case 'float':
    case 'double':
      return `CAST(${column} AS DOUBLE)`;
    case 'date':
      return `DATEDIFF(${column}, '1970-01-01')`;
    case 'instant':
      return `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column})`;
    case 'bytes':
      return `LOWER(HEX(${column}))`;
    case 'bits':
      return `LOWER(LPAD(HEX(${column} + 0), ${2 * Math.ceil(Number(/\d+/.exec(type)?.[0]) / 8)}, '0'))`;
    case 'geometry': {
      // Of places on earth MySQL shows the latitude first.
      const axes = flavour === 'mysql' ? ", 'axis-order=long-lat'" : '';
      const srid = `ST_SRID(${column})`;
      return `CONCAT(IF(${srid} = 0, '', CONCAT('SRID=', ${srid}, ';')), ST_AsText(${column}${axes}))`;
    }
    case 'text':
    case 'time':
      return column;
  }
}

/** The lake's side, in DuckDB's SQL. */
export function inLake({ as }: MysqlTypeRow, column: string): string {
  switch (as) {
    case 'float':
    case 'double':
      return `CAST(CAST(${column} AS BIT) AS VARCHAR)`;
    case 'date':
      return `CAST(date_diff('day', DATE '1970-01-01', ${column}) AS VARCHAR)`;
    case 'instant':
      return `CAST(epoch_us(${column}) AS VARCHAR)`;
    case 'bytes':
    case 'bits':
      return `lower(hex(${column}))`;
    default:
      return `CAST(${column} AS VARCHAR)`;
  }
}

export function sourceText({ as }: MysqlTypeRow, value: string | null): string | null {
  if (value === null) return null;
  if (as === 'float' || as === 'double') return bitsOf(Number(value), as);
  return as === 'time' || as === 'geometry' ? normalise(value, as) : value;
}

export function lakeText({ as, lake }: MysqlTypeRow, value: string | null): string | null {
  if (value === null) return null;
  if (as === 'float' || as === 'double')
    return BigInt(`0b${value}`)
      .toString(16)
      .padStart(value.length / 4, '0');
  if (as === 'time' || as === 'geometry') return normalise(value, as);
  return lake.startsWith('decimal') ? normalise(value, 'decimal') : value;
}

/** The server gives a float's and a double's value as the shortest text of that double. */
function bitsOf(value: number, as: 'float' | 'double'): string {
  const bytes = Buffer.alloc(as === 'float' ? 4 : 8);
  if (as === 'float') bytes.writeFloatBE(value);
  else bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}
