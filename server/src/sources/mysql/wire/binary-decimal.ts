import { DoubleWords, type SixteenBytes } from '../../../model/typed-rows/column-values.ts';
import type { FieldsReader } from './binary-values.ts';

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const WORD = 2 ** 32;
/** Digits of a number that is surely exact. */
const EXACT_DIGITS = 15;

/** decimal(p,s), which the binary protocol sends as text: all digits of the scale, whatever they are. */
export function decimals(values: DoubleWords | SixteenBytes, scale: number): FieldsReader {
  return values instanceof DoubleWords ? short(values, scale) : long(values, scale);
}

function short(values: DoubleWords, scale: number): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) {
        values.null();
        continue;
      }
      const start = at + 1;
      const stop = start + bytes[at]!;
      if (!hasScale(bytes, start, stop, scale)) return false;
      if (stop - start <= EXACT_DIGITS) {
        const number = unscaled(bytes, start, stop);
        if (Number.isNaN(number)) return false;
        const high = Math.floor(number / WORD);
        values.put((number - high * WORD) | 0, high);
        continue;
      }
      const exact = exactUnscaled(bytes, start, stop);
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
      if (at < 0) {
        values.null();
        continue;
      }
      const start = at + 1;
      const stop = start + bytes[at]!;
      if (!hasScale(bytes, start, stop, scale)) return false;
      const exact = exactUnscaled(bytes, start, stop);
      if (exact === null) return false;
      scratch.writeBigInt64BE(exact >> 64n, 0);
      scratch.writeBigUInt64BE(BigInt.asUintN(64, exact), 8);
      values.put(scratch, 0);
    }
    return true;
  };
}

/** Its point stands where the scale says; so there is one digit at least before it. */
function hasScale(bytes: Buffer, start: number, stop: number, scale: number): boolean {
  return scale === 0 ? stop > start : stop - start > scale + 1 && bytes[stop - scale - 1] === POINT;
}

/** The digits as one number; NaN where something else is among them. */
function unscaled(bytes: Buffer, start: number, stop: number): number {
  let at = start;
  const negative = bytes[at] === MINUS;
  if (negative) at++;
  let value = 0;
  for (; at < stop; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (bytes[at] !== POINT) return Number.NaN;
  }
  return negative ? -value : value;
}

function exactUnscaled(bytes: Buffer, start: number, stop: number): bigint | null {
  const text = bytes.toString('latin1', start, stop).replace('.', '');
  return /^-?\d+$/.test(text) ? BigInt(text) : null;
}
