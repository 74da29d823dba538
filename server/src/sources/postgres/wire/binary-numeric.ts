import { DoubleWords, type SixteenBytes } from '../../../model/typed-rows/column-values.ts';
import { type FieldsReader, word } from './binary-field.ts';

const POSITIVE = 0x0000;
const NEGATIVE = 0x4000;
/** Decimal digits in one of PostgreSQL's. */
const GROUP = 4;
const BASE = 10_000;
const POWERS = [1, 10, 100, 1000, 10_000] as const;
const WORD = 2 ** 32;
/** Times BASE and one digit more, it is still exact. */
const SMALL = Math.floor(Number.MAX_SAFE_INTEGER / BASE) - 1;

/**
 * numeric as it is sent (PostgreSQL source, numeric_send): how many digits of base 10000, the first one's weight, sign,
 * digits shown behind the point, the digits. NaN and infinities have other signs.
 */
export function decimals(values: DoubleWords | SixteenBytes, scale: number): FieldsReader {
  return values instanceof DoubleWords ? short(values, scale) : long(values, scale);
}

function short(values: DoubleWords, scale: number): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (word(bytes, at) < 0) {
        values.null();
        continue;
      }
      const number = smallUnscaled(bytes, at + 4, scale);
      if (number !== null) {
        const high = Math.floor(number / WORD);
        values.put((number - high * WORD) | 0, high);
        continue;
      }
      const exact = unscaled(bytes, at + 4, scale);
      if (exact === null || BigInt.asIntN(64, exact) !== exact) return false;
      values.put(Number(BigInt.asIntN(32, exact)), Number(BigInt.asIntN(32, exact >> 32n)));
    }
    return true;
  };
}

function long(values: SixteenBytes, scale: number): FieldsReader {
  const scratch = Buffer.alloc(16);
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (word(bytes, at) < 0) {
        values.null();
        continue;
      }
      const exact = unscaled(bytes, at + 4, scale);
      if (exact === null) return false;
      scratch.writeBigInt64BE(exact >> 64n, 0);
      scratch.writeBigUInt64BE(BigInt.asUintN(64, exact), 8);
      values.put(scratch, 0);
    }
    return true;
  };
}

/** The number without its point, `scale` digits behind it; null where it may be too large to be exact, or is none. */
function smallUnscaled(bytes: Buffer, start: number, scale: number): number | null {
  const digits = (bytes[start]! << 8) | bytes[start + 1]!;
  const weight = ((bytes[start + 2]! << 24) >> 16) | bytes[start + 3]!;
  const sign = (bytes[start + 4]! << 8) | bytes[start + 5]!;
  if (sign !== POSITIVE && sign !== NEGATIVE) return null;
  if (digits === 0) return 0;
  let value = 0;
  let digit = 0;
  let at = start + 8;
  for (let place = weight; place >= 0; place--) {
    if (value > SMALL) return null;
    value *= BASE;
    if (digit < digits) {
      value += (bytes[at]! << 8) | bytes[at + 1]!;
      at += 2;
    }
    digit++;
  }
  // A number below 1/10000 begins behind the point, at the place that its weight says.
  digit = weight < 0 ? weight + 1 : digit;
  let left = scale;
  for (; left > 0; left -= GROUP, digit++) {
    if (value > SMALL) return null;
    let next = 0;
    if (digit >= 0 && digit < digits) {
      next = (bytes[at]! << 8) | bytes[at + 1]!;
      at += 2;
    }
    if (left >= GROUP) value = value * BASE + next;
    else {
      const cut = POWERS[GROUP - left]!;
      if (next % cut !== 0) return null;
      value = value * POWERS[left]! + next / cut;
    }
  }
  // Digits behind the scale: the column holds none, and a number that has some is no number of it.
  if (digit < digits) return null;
  return sign === NEGATIVE ? -value : value;
}

function unscaled(bytes: Buffer, start: number, scale: number): bigint | null {
  const digits = bytes.readUInt16BE(start);
  const weight = bytes.readInt16BE(start + 2);
  const sign = bytes.readUInt16BE(start + 4);
  if (sign !== POSITIVE && sign !== NEGATIVE) return null;
  let value = 0n;
  for (let digit = 0; digit < digits; digit++)
    value = value * 10_000n + BigInt(bytes.readUInt16BE(start + 8 + 2 * digit));
  // The last digit's weight in decimal digits, and how far it is from the scale's.
  const shift = GROUP * (weight - digits + 1) + scale;
  if (shift >= 0) value *= 10n ** BigInt(shift);
  else {
    const cut = 10n ** BigInt(-shift);
    if (value % cut !== 0n) return null;
    value /= cut;
  }
  return sign === NEGATIVE ? -value : value;
}
