import { writeAscii, writeDigits, writePadded } from './digits.ts';

/** Powers of ten that a double says exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, n) => Number(`1e${n}`));
/** 2^27 + 1 cuts a double into two halves whose products are exact (T. J. Dekker, 1971). */
const SPLIT = 134_217_729;
const UPPER = POWERS.map((power) => SPLIT * power - (SPLIT * power - power));
const LOWER = POWERS.map((power, n) => power - UPPER[n]!);

const DIGITS = 17;
/** Of the fraction; more than the 22 that a power is exact for are not asked for. */
const LEAST = 1e-5;
const BEYOND = 1e15;
const BILLION = 1e9;
const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;

/** A text that is read as the same double again, of at most 25 bytes. */
export function writeDouble(out: Uint8Array, at: number, value: number): number {
  // n / 10000 is rounded correctly both here and where "n / 10000" is read as decimal digits.
  const scaled = Math.round(value * 1e4);
  if (scaled / 1e4 !== value || scaled > 2 ** 52 || scaled < -(2 ** 52) || scaled === 0)
    return writeLong(out, at, value);
  let rest = scaled;
  if (rest < 0) {
    out[at++] = MINUS;
    rest = -rest;
  }
  const whole = Math.floor(rest / 1e4);
  const end = writeDigits(out, at, whole);
  const fraction = rest - whole * 1e4;
  if (fraction === 0) return end;
  out[end] = POINT;
  return writePadded(out, end + 1, fraction, 4);
}

function writeLong(out: Uint8Array, at: number, value: number): number {
  let start = at;
  if (value < 0) out[start++] = MINUS;
  const end = writeSeventeen(out, start, Math.abs(value));
  return end >= 0 ? end : writeAscii(out, at, Object.is(value, -0) ? '-0' : String(value));
}

/**
 * A text of 17 digits at most, which is read as the same double again (IEEE 754-2019, 5.12.2): a fifth of the time that the
 * shortest such text takes. The value times a power of ten, as the sum of two doubles that is exact, rounded to a whole number of 17
 * digits. The first of the two is one itself, since it is above 2^53, and below 10^17, since no double is as near below a power of ten.
 * @param value above 0
 * @returns where it ends, at most 24 bytes further; -1 where the value is too small or too large for it, and nothing is written
 */
export function writeSeventeen(out: Uint8Array, at: number, value: number): number {
  if (!(value >= LEAST && value < BEYOND)) return -1;
  const whole = wholeDigits(value);
  const shift = DIGITS - whole;
  const power = POWERS[shift]!;
  const product = value * power;
  const cut = SPLIT * value;
  const upper = cut - (cut - value);
  const lower = value - upper;
  const powerUpper = UPPER[shift]!;
  const powerLower = LOWER[shift]!;
  const error = upper * powerUpper - product + upper * powerLower + lower * powerUpper + lower * powerLower;
  const rest = product % BILLION;
  let low = rest + Math.round(error);
  let high = (product - rest) / BILLION;
  if (low < 0) {
    low += BILLION;
    high--;
  } else if (low >= BILLION) {
    low -= BILLION;
    high++;
  }
  // The digits go where they end up, but for those before the point, which move one to the front.
  let start = at + 1;
  if (whole <= 0) {
    out[at] = ZERO;
    out[at + 1] = POINT;
    start = at + 2;
    for (let n = whole; n < 0; n++) out[start++] = ZERO;
  }
  writePadded(out, start, high, 8);
  let end = writePadded(out, start + 8, low, 9);
  while (out[end - 1] === ZERO) end--;
  if (whole > 0) {
    const point = at + whole;
    // Zeros that were cut off were some of its own.
    while (end < point + 1) out[end++] = ZERO;
    for (let n = at; n < point; n++) out[n] = out[n + 1]!;
    if (end === point + 1) return point;
    out[point] = POINT;
  }
  return end;
}

/** How many digits are before the point; 0 or less where zeros follow it: 0.05 has -1. The doubles next to 0.1 … 0.0001 are above these. */
function wholeDigits(value: number): number {
  if (value < 1)
    return value >= 0.1 ? 0 : value >= 0.01 ? -1 : value >= 0.001 ? -2 : value >= 0.0001 ? -3 : -4;
  let digits = value >= 1e8 ? 9 : 1;
  while (value >= POWERS[digits]!) digits++;
  return digits;
}
