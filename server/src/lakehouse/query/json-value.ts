import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * A value as JSON that loses nothing: numbers where a JSON number holds them exactly, otherwise text. Integers beyond 2^53,
 * decimals, NaN, Infinity, -Infinity and -0 are strings; dates and times are `2024-02-29`, `12:00:00.5`, `2024-02-29 12:00:00.5`,
 * with a zone `2024-02-29 12:00:00.5+00` (always UTC), before Christ with ` (BC)` behind the date, or `infinity`, `-infinity`;
 * bytes are `\x00ff`; lists are arrays, structs objects, maps arrays of {key, value}.
 */
export function jsonValue(value: DuckDBValue): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : numberText(value);
  if (typeof value === 'bigint') return isSafe(value) ? Number(value) : value.toString();
  if (value instanceof DuckDBBlobValue) return `\\x${Buffer.from(value.bytes).toString('hex')}`;
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)
    return value.items.map(jsonValue);
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([key, inner]) => [key, jsonValue(inner)]));
  if (value instanceof DuckDBMapValue)
    return value.entries.map((entry) => ({ key: jsonValue(entry.key), value: jsonValue(entry.value) }));
  if (value instanceof DuckDBDateValue) return infinity(value.days, 2_147_483_647) ?? value.toString();
  if (value instanceof DuckDBTimestampValue) return infinity(value.micros, MAX_MICROS) ?? value.toString();
  if (value instanceof DuckDBTimestampTZValue) {
    const text = infinity(value.micros, MAX_MICROS);
    // Its own text would be in the zone of the process.
    return text ?? `${new DuckDBTimestampValue(value.micros).toString()}+00`;
  }
  return value.toString();
}

const MAX_MICROS = 9_223_372_036_854_775_807n;

/** DuckDB keeps infinity as the type's largest number, and -infinity as its negative. */
function infinity<T extends number | bigint>(value: T, largest: T): string | null {
  if (value === largest) return 'infinity';
  return value === -largest ? '-infinity' : null;
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function isSafe(value: bigint): boolean {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}
