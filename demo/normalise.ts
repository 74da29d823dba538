/**
 * Values of both sides in one writing, so that they can be compared as text. This shares nothing with the engine:
 * the source's side is PostgreSQL's own output text, the lake's side what a query engine answers.
 *
 *   boolean                t, f                         → true, false
 *   timestamp, timestamptz 2024-02-29 12:00:00.5+00     → microseconds since 1970 UTC; infinities → null
 *   date                   infinities                   → null (the lake has none; product rule); BC without brackets
 *   bytea                  \x00ff                       → 00ff
 *   real, double           1e+20, inf, nan              → the number as JavaScript writes it; −0 stays −0
 *   arrays                 JSON of their elements       → the same JSON without spaces
 *   everything else        PostgreSQL's text as it is
 */
export type Value = string | null;

export type Kind = 'boolean' | 'instant' | 'date' | 'bytes' | 'real' | 'double' | 'array' | 'text';

/** `type`: PostgreSQL's format_type(), without or with its modifier. */
export function kindOf(type: string): Kind {
  if (type.endsWith('[]')) return 'array';
  if (type === 'boolean' || type === 'bit(1)') return 'boolean';
  if (type.startsWith('timestamp')) return 'instant';
  if (type === 'date') return 'date';
  if (type === 'bytea') return 'bytes';
  if (type === 'real') return 'real';
  if (type === 'double precision') return 'double';
  return 'text';
}

/** How the source is asked for the column (already quoted): its own output text, but JSON for arrays. */
export function sourceExpression(column: string, kind: Kind): string {
  return kind === 'array' ? `array_to_json(${column})::text` : column;
}

/** How the lake is asked for the column (already quoted): always as text, never through the answer's number types. */
export function lakeExpression(column: string, kind: Kind): string {
  switch (kind) {
    case 'instant':
      return `CAST(epoch_us(${column}) AS VARCHAR)`;
    case 'bytes':
      return `lower(hex(${column}))`;
    case 'array':
      return `CAST(to_json(${column}) AS VARCHAR)`;
    default:
      return `CAST(${column} AS VARCHAR)`;
  }
}

export function normaliseSource(text: Value, kind: Kind): Value {
  if (text === null) return null;
  switch (kind) {
    case 'boolean':
      return text === 't' || text === '1' ? 'true' : 'false';
    case 'instant':
      return isInfinite(text) ? null : microseconds(text);
    case 'date':
      return isInfinite(text) ? null : text;
    case 'bytes':
      return text.slice(2);
    default:
      return normaliseBoth(text, kind);
  }
}

export function normaliseLake(text: Value, kind: Kind): Value {
  if (text === null) return null;
  if (kind === 'date') return text.replace(' (BC)', ' BC');
  // DuckDB writes numbers into JSON that JSON does not have; PostgreSQL writes them as strings.
  if (kind === 'array' && !text.includes('"'))
    return normaliseBoth(text.replace(/-?(?:Infinity|NaN)/g, '"$&"'), kind);
  return normaliseBoth(text, kind);
}

function normaliseBoth(text: string, kind: Kind): string {
  if (kind === 'real') return numberText(Math.fround(readNumber(text)));
  if (kind === 'double') return numberText(readNumber(text));
  if (kind === 'array') return JSON.stringify(JSON.parse(text));
  return text;
}

const isInfinite = (text: string) => text === 'infinity' || text === '-infinity';

function readNumber(text: string): number {
  if (/^[+]?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(text)) return Number.NEGATIVE_INFINITY;
  return Number(text);
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** PostgreSQL's ISO output under TimeZone UTC; years beyond 9999 and before Christ included. */
function microseconds(text: string): string {
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
