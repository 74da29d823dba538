/**
 * Values of both sides in one writing, so that they can be compared as text. This shares nothing with the engine:
 * the source's side is the database's own output text (comparison-postgres.ts, comparison-mysql.ts), the lake's side
 * what a query engine answers.
 *
 *   boolean       true, false
 *   instant       microseconds since 1970 UTC
 *   date          2024-02-29, years before Christ with BC behind them
 *   time          microseconds since midnight
 *   bytes         00ff
 *   real, double  the number as JavaScript writes it; −0 stays −0
 *   decimal       12.50, at least one digit before the point
 *   array         JSON of their elements without spaces
 *   geometry      well-known text with numbers as JavaScript writes them, SRID before it
 *   text          the database's text as it is
 */
export type Value = string | null;

export type Kind =
  | 'boolean'
  | 'instant'
  | 'date'
  | 'time'
  | 'bytes'
  | 'real'
  | 'double'
  | 'decimal'
  | 'array'
  | 'geometry'
  | 'text';

/** How the lake is asked for the column (already quoted): always as text, never through the answer's number types. */
export function lakeExpression(column: string, kind: Kind): string {
  switch (kind) {
    case 'instant':
      return `CAST(epoch_us(${column}) AS VARCHAR)`;
    case 'time':
      // Where the task keeps times as text there is no microsecond to ask for.
      return `CAST(${column} AS VARCHAR)`;
    case 'bytes':
      return `lower(hex(${column}))`;
    case 'array':
      return `CAST(to_json(${column}) AS VARCHAR)`;
    default:
      return `CAST(${column} AS VARCHAR)`;
  }
}

export function normaliseLake(text: Value, kind: Kind): Value {
  if (text === null) return null;
  if (kind === 'date') return text.replace(' (BC)', ' BC');
  // DuckDB writes numbers into JSON that JSON does not have; PostgreSQL writes them as strings.
  if (kind === 'array' && !text.includes('"'))
    return normalise(text.replace(/-?(?:Infinity|NaN)/g, '"$&"'), kind);
  return normalise(text, kind);
}

/** What both sides may write in several ways. */
export function normalise(text: string, kind: Kind): string {
  switch (kind) {
    case 'real':
      return numberText(Math.fround(readNumber(text)));
    case 'double':
      return numberText(readNumber(text));
    case 'decimal':
      // DuckDB leaves out the zero of a decimal that has no digits before the point.
      return text.replace(/^(-?)\./, '$10.');
    case 'array':
      return JSON.stringify(JSON.parse(text));
    case 'time':
      return timeMicroseconds(text);
    case 'geometry':
      return geometryText(text);
    default:
      return text;
  }
}

function readNumber(text: string): number {
  if (/^[+]?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(text)) return Number.NEGATIVE_INFINITY;
  return Number(text);
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** ISO text under UTC, with or without its zone; years beyond 9999 and before Christ included. */
export function microseconds(text: string): string {
  const match = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?( BC)?$/.exec(text);
  if (match === null) throw new Error(`not a timestamp in UTC: ${text}`);
  const [, year, month, day, hour, minute, second, fraction = '', era] = match;
  const astronomical = era === undefined ? Number(year) : 1 - Number(year);
  // JavaScript's dates end in 275760: the calendar repeats itself every 400 years, which are 146,097 days.
  const cycles = Math.floor(astronomical / 400) - 5;
  const inCycle = astronomical - cycles * 400;
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  const date = Date.UTC(inCycle, Number(month) - 1, Number(day), h, m, s);
  const milliseconds = BigInt(date) + BigInt(cycles) * 146_097n * 86_400_000n;
  return String(milliseconds * 1000n + BigInt(fraction.padEnd(6, '0')));
}

/** MySQL's times reach from -838:59:59 to 838:59:59. */
function timeMicroseconds(text: string): string {
  const match = /^(-?)(\d{2,3}):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) throw new Error(`not a time: ${text}`);
  const [, sign, hours, minutes, seconds, fraction = ''] = match;
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  const value = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
  return `${value === 0n ? '' : sign}${value}`;
}

/** Servers differ in blanks, in the brackets around a multipoint's points and in how they write a number. */
function geometryText(text: string): string {
  return text
    .toUpperCase()
    .replace(/-?\d+(?:\.\d+)?(?:E[+-]?\d+)?/g, (number) => numberText(Number(number)))
    .replace(/\s*([(),;])\s*/g, '$1')
    .replace(
      /MULTIPOINT\((?!\()([^()]*)\)/g,
      (_, points: string) => `MULTIPOINT((${points.replaceAll(',', '),(')}))`,
    )
    .replace('GEOMCOLLECTION', 'GEOMETRYCOLLECTION')
    .replace(/GEOMETRYCOLLECTION\(\)/g, 'GEOMETRYCOLLECTION EMPTY');
}
