import { randomBytes } from 'node:crypto';
import type { ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier, quoteText } from '../../lakehouse/duckdb/sql-text.ts';
import { decimalOf } from '../../lakehouse/duckdb/types.ts';

/**
 * A key as whole numbers of 32 bits that are equal where, and only where, the key is: expressions of type INTEGER, NULL where a
 * column is.
 *
 *   values   one or several for each column, in the order of the keys
 *   digest   of the whole key, in an order of its own
 */
export interface KeyWords {
  readonly kind: 'values' | 'digest';
  readonly expressions: readonly string[];
}

/** @returns null where a column's type has values that are equal and have several forms, as 0 and -0 of a double */
export function keyWords(key: readonly ScanColumn[]): KeyWords | null {
  const words: string[] = [];
  const texts: string[] = [];
  let isDigest = false;
  for (const { name, type } of key) {
    if (typeof type !== 'string') return null;
    const value = quoteIdentifier(name);
    const own = wordsOf(type, value);
    const text = textOf(type, value);
    if (text === null) return null;
    if (own === null) isDigest = true;
    else words.push(...own);
    texts.push(text);
  }
  return isDigest ? { kind: 'digest', expressions: digestOf(texts) } : { kind: 'values', expressions: words };
}

/** Whether one of the key's columns is NULL. */
export const isNullSql = (key: readonly ScanColumn[]): string =>
  `(${key.map(({ name }) => `${quoteIdentifier(name)} IS NULL`).join(' OR ')})`;

function wordsOf(type: string, value: string): readonly string[] | null {
  switch (type) {
    case 'int':
      // Its bytes are read as they lie: of another width they would be other numbers.
      return [`CAST(${value} AS INTEGER)`];
    case 'long':
      return wordsOfBits(value, 'BIGINT', [32, 0]);
    case 'date':
      return [daysOf(value)];
    case 'time':
      return wordsOfBits(`epoch_us(${value})`, 'BIGINT', [32, 0]);
    case 'timestamp':
    case 'timestamptz':
      return wordsOfBits(microsOf(value), 'BIGINT', [32, 0]);
    case 'uuid': {
      const hex = `replace(CAST(${value} AS VARCHAR), '-', '')`;
      return [1, 9, 17, 25].map((first) => wordOf(`CAST('0x' || substr(${hex}, ${first}, 8) AS BIGINT)`));
    }
    default: {
      const decimal = decimalOf(type);
      if (decimal === null || decimal.scale > 0) return null;
      // 10^18 is below 2^63, 10^28 below 2^95.
      if (decimal.precision <= 18) return wordsOfBits(`CAST(${value} AS BIGINT)`, 'BIGINT', [32, 0]);
      return decimal.precision <= 28
        ? wordsOfBits(`CAST(${value} AS HUGEINT)`, 'HUGEINT', [64, 32, 0])
        : null;
    }
  }
}

/** The first one has the sign. */
function wordsOfBits(whole: string, type: string, shifts: readonly number[]): readonly string[] {
  return shifts.map((bits, at) => {
    const shifted = bits === 0 ? whole : `(${whole} >> ${bits}::${type})`;
    return at === 0 ? `CAST(${shifted} AS INTEGER)` : wordOf(`(${shifted} & 4294967295::${type})`);
  });
}

/** @param unsigned 0 to 2^32 - 1; in the same order */
const wordOf = (unsigned: string): string => `CAST(${unsigned} - 2147483648 AS INTEGER)`;

const daysOf = (value: string): string =>
  `CAST(coalesce(date_diff('day', DATE '1970-01-01', ${value}), CASE WHEN ${value} > DATE '1970-01-01' THEN 2147483647 WHEN ${value} < DATE '1970-01-01' THEN -2147483648 END) AS INTEGER)`;

const microsOf = (value: string): string =>
  `coalesce(epoch_us(${value}), CASE WHEN ${value} = 'infinity' THEN 9223372036854775807 WHEN ${value} = '-infinity' THEN -9223372036854775808 END)`;

/** A text that is equal where, and only where, the value is. */
function textOf(type: string, value: string): string | null {
  switch (type) {
    case 'string':
      return value;
    case 'binary':
      return `hex(${value})`;
    // A text of these depends on the session's time zone.
    case 'timestamp':
    case 'timestamptz':
      return `CAST(${microsOf(value)} AS VARCHAR)`;
    case 'double':
    case 'float':
      return null;
    default:
      return type.startsWith('fixed') ? `hex(${value})` : `CAST(${value} AS VARCHAR)`;
  }
}

/** Nobody who chooses keys can choose two that have one digest. */
const SECRET = randomBytes(16).toString('hex');

/**
 * 96 bits. With a thousand million keys held, and a hundred thousand million looked for among them, two that are not equal have
 * one digest with a probability of 10^-9.
 */
function digestOf(texts: readonly string[]): readonly string[] {
  const whole =
    texts.length === 1 ? texts[0] : texts.map((text) => `strlen(${text}) || ':' || ${text}`).join(' || ');
  const digest = `md5_number(${quoteText(SECRET)} || ${whole})`;
  return [0, 32, 64].map((bits) =>
    wordOf(`CAST((${digest} >> ${bits}::UHUGEINT) & 4294967295::UHUGEINT AS BIGINT)`),
  );
}
