import type { TypeRow, Writing } from './type-matrix.ts';

/** The source's side: an expression of text over a column (quoted). Arrays become JSON. */
export function inSource(row: TypeRow, column: string): string {
  if (!row.lake.startsWith('list<')) return sourceScalar(row.as, column);
  return `CASE WHEN ${column} IS NULL THEN NULL ELSE coalesce((SELECT json_agg(${sourceScalar(row.as, `${column}[n]`)} ORDER BY n) FROM generate_subscripts(${column}, 1) n), '[]')::text END`;
}

/** The lake's side, in DuckDB's SQL. */
export function inLake(row: TypeRow, column: string): string {
  if (!row.lake.startsWith('list<')) return lakeScalar(row.as, column);
  return `CAST(to_json(list_transform(${column}, lambda e: ${lakeScalar(row.as, 'e')})) AS VARCHAR)`;
}

function sourceScalar(as: Writing, value: string): string {
  switch (as) {
    case 'boolean':
      return `CASE ${value}::text WHEN 'true' THEN 'true' WHEN '1' THEN 'true' WHEN 'false' THEN 'false' WHEN '0' THEN 'false' END`;
    case 'float':
      return `encode(float4send(${value}), 'hex')`;
    case 'double':
      return `encode(float8send(${value}), 'hex')`;
    case 'date':
      return `CASE WHEN isfinite(${value}) THEN (${value} - DATE '1970-01-01')::text END`;
    case 'instant':
      return `CASE WHEN isfinite(${value}) THEN trunc(extract(epoch FROM ${value}) * 1000000)::text END`;
    case 'bytes':
      return `encode(${value}, 'hex')`;
    case 'text':
      // The output function's text: a cast to text would take the blanks off a character(n).
      // A composite of nulls IS NULL and is none.
      return `CASE WHEN num_nulls(${value}) = 0 THEN format('%s', ${value}) END`;
  }
}

function lakeScalar(as: Writing, value: string): string {
  switch (as) {
    case 'float':
    case 'double':
      return `CAST(CAST(${value} AS BIT) AS VARCHAR)`;
    case 'date':
      return `CAST(date_diff('day', DATE '1970-01-01', ${value}) AS VARCHAR)`;
    case 'instant':
      return `CAST(epoch_us(${value}) AS VARCHAR)`;
    case 'bytes':
      return `lower(hex(${value}))`;
    default:
      return `CAST(${value} AS VARCHAR)`;
  }
}

/** Bits as DuckDB writes them, in hexadecimal as PostgreSQL does; lists element by element. */
export function lakeText(row: TypeRow, value: string | null): unknown {
  if (value === null) return null;
  if (!row.lake.startsWith('list<')) return one(row, value);
  return (JSON.parse(value) as (string | null)[]).map((item) => (item === null ? null : one(row, item)));
}

export function sourceText(row: TypeRow, value: string | null): unknown {
  return value === null || !row.lake.startsWith('list<') ? value : (JSON.parse(value) as unknown);
}

function one({ as, lake }: TypeRow, value: string): string {
  if (as === 'float' || as === 'double')
    return BigInt(`0b${value}`)
      .toString(16)
      .padStart(value.length / 4, '0');
  // DuckDB leaves out the zero of a decimal that has no digits before the point.
  return lake.includes('decimal') ? value.replace(/^(-?)\./, '$10.') : value;
}
