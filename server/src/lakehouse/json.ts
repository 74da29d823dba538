import { randomUUID } from 'node:crypto';

/**
 * JSON whose integers keep all their digits. Other engines make snapshot ids of 63 bits, which a JavaScript
 * number rounds; a rounded id would name no snapshot at all. Integers beyond 2^53 become bigint and come out
 * of `printJson` as the same digits; all others stay numbers.
 */
const TOKEN = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;
/** Marks a bigint while it travels as a string; random, so that no string of a table can be taken for one. */
const MARK = `int:${randomUUID()}:`;
const PRINTED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

/** Whatever TOKEN could find that a number does not hold has such a run of digits. */
const LONG = /\d{16,}/g;

/** @throws SyntaxError where the text is no JSON */
export function parseJson(text: string): unknown {
  if (!hasLong(text)) return JSON.parse(text);
  let marked = false;
  const safe = text.replace(TOKEN, (token) => {
    if (token.startsWith('"') || Number.isSafeInteger(Number(token))) return token;
    marked = true;
    return `"${MARK}${token}"`;
  });
  if (!marked) return JSON.parse(text);
  return JSON.parse(safe, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}

/** Most texts have none, and each string of a long one is looked at otherwise. */
function hasLong(text: string): boolean {
  for (const [digits] of text.matchAll(LONG)) if (!Number.isSafeInteger(Number(digits))) return true;
  return false;
}

export function printJson(value: unknown): string {
  let marked = false;
  const text = JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'bigint') return inner;
    marked = true;
    return `${MARK}${inner}`;
  });
  return marked ? text.replace(PRINTED, '$1') : text;
}
