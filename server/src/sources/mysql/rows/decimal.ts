import { writeDigits, writePadded } from './digits.ts';

/** Bytes of 0 to 9 decimal digits (strings/decimal.cc, dig2bytes). */
const BYTES_OF_DIGITS = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

/** Bytes of a stored decimal. */
export function decimalBytes(precision: number, scale: number): number {
  const whole = precision - scale;
  return (
    ((whole / 9) | 0) * 4 + BYTES_OF_DIGITS[whole % 9]! + ((scale / 9) | 0) * 4 + BYTES_OF_DIGITS[scale % 9]!
  );
}

/** Of the text: sign, point and a digit before it. */
export function decimalTextBytes(precision: number): number {
  return precision + 3;
}

/**
 * The text of a stored decimal as the server prints it (strings/decimal.cc, bin2decimal): groups of nine digits in four
 * bytes big-endian, the odd digits before the first and behind the last; the first bit turned over; a negative number
 * with all bits turned over. `zerofill`: with all digits before the point.
 */
export function writeDecimal(
  bytes: Uint8Array,
  from: number,
  precision: number,
  scale: number,
  zerofill: boolean,
  out: Uint8Array,
  at: number,
): number {
  const whole = precision - scale;
  const negative = (bytes[from]! & 0x80) === 0;
  const flip = negative ? 0xff : 0;
  let first = 0x80;
  let q = from;
  let o = at;
  let started = zerofill;
  if (negative) out[o++] = 0x2d;
  for (let digits = whole; digits > 0; ) {
    const size = digits % 9 === 0 ? 9 : digits % 9;
    let value = 0;
    for (let k = BYTES_OF_DIGITS[size]!; k > 0; k--) {
      value = value * 256 + ((bytes[q++]! ^ flip ^ first) & 0xff);
      first = 0;
    }
    if (started) o = writePadded(out, o, value, size);
    else if (value !== 0) {
      o = writeDigits(out, o, value);
      started = true;
    }
    digits -= size;
  }
  if (!started || whole === 0) out[o++] = 0x30;
  if (scale === 0) return o;
  out[o++] = 0x2e;
  for (let digits = scale; digits > 0; ) {
    const size = Math.min(digits, 9);
    let value = 0;
    for (let k = BYTES_OF_DIGITS[size]!; k > 0; k--) {
      value = value * 256 + ((bytes[q++]! ^ flip ^ first) & 0xff);
      first = 0;
    }
    o = writePadded(out, o, value, size);
    digits -= size;
  }
  return o;
}
