import type { IcebergType } from '../metadata.ts';
import { parseDate, parseTime, parseTimestamp } from './stat-time.ts';
import { decimalOf } from './types.ts';

/** Longer text and binary bounds are cut to this many code points or bytes, Iceberg's own default (`truncate(16)`). */
const KEPT = 16;

/**
 * A column's smallest or largest value, as DuckDB's statistics print it, in Iceberg's single-value binary form (spec
 * appendix D). A bound may be looser than the value, never tighter. There is none (null) where the form is not certain: a
 * missing bound costs a reader time, a wrong one costs it rows.
 *
 * uuid has none: readers disagree on the order of uuids (Java's UUID compares signed halves, the spec unsigned bytes),
 * so a bound that is right for one skips files in another.
 */
export function bound(type: IcebergType, side: 'lower' | 'upper', text: string): Buffer | null {
  if (typeof type !== 'string') return null;
  const decimal = decimalOf(type);
  if (decimal) return decimalBound(text, decimal.scale);
  switch (type) {
    case 'boolean':
      return text === '0' || text === '1' ? Buffer.of(Number(text)) : null;
    case 'int':
      return /^-?\d+$/.test(text) ? int32(Number(text)) : null;
    case 'long':
      return /^-?\d+$/.test(text) ? int64(BigInt(text)) : null;
    case 'float':
    case 'double':
      return floatBound(type, side, text);
    case 'date': {
      const days = parseDate(text);
      return days === null ? null : int32(Number(days));
    }
    case 'time':
      return micros(parseTime(text));
    case 'timestamp':
    case 'timestamptz':
      return micros(parseTimestamp(text));
    case 'string':
      return side === 'lower' ? Buffer.from(cutText(text)) : upperText(text);
    case 'binary':
      return hexBound(side, text);
    default:
      return null;
  }
}

export function int32(value: number): Buffer | null {
  if (value < -(2 ** 31) || value >= 2 ** 31) return null;
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function int64(value: bigint): Buffer | null {
  if (BigInt.asIntN(64, value) !== value) return null;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

function micros(value: bigint | null): Buffer | null {
  return value === null ? null : int64(value);
}

/** "-0.0 should precede +0.0", and NaN is no bound; DuckDB holds the zeros for equal, so which of them it prints says nothing. */
function floatBound(type: 'float' | 'double', side: 'lower' | 'upper', text: string): Buffer | null {
  const value = text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
  if (text.trim() === '' || Number.isNaN(value)) return null;
  const exact = value === 0 ? (side === 'lower' ? -0 : 0) : value;
  if (type === 'float') {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(exact);
    return bytes;
  }
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(exact);
  return bytes;
}

/** The unscaled value as two's complement, big-endian, in as few bytes as hold it. */
function decimalBound(text: string, scale: number): Buffer | null {
  const match = /^(-?)(\d*)(?:\.(\d+))?$/.exec(text);
  if (!match || (match[2] === '' && match[3] === undefined)) return null;
  const fraction = match[3] ?? '';
  if (fraction.length > scale) return null;
  const digits = BigInt(`${match[2]}${fraction.padEnd(scale, '0')}` || '0');
  return twosComplement(match[1] === '-' ? -digits : digits);
}

function twosComplement(value: bigint): Buffer {
  let bits = 8;
  while (BigInt.asIntN(bits, value) !== value) bits += 8;
  return Buffer.from(
    BigInt.asUintN(bits, value)
      .toString(16)
      .padStart(bits / 4, '0'),
    'hex',
  );
}

function cutText(text: string): string {
  // A code point is at most two units of a JS string.
  return Array.from(text.slice(0, 2 * KEPT + 1))
    .slice(0, KEPT)
    .join('');
}

/** A text that is cut is a prefix, so it must be followed: its last code point that has a next one becomes that, and what is behind it goes. */
function upperText(text: string): Buffer | null {
  const cut = cutText(text);
  if (cut === text) return Buffer.from(text);
  const points = Array.from(cut, (point) => point.codePointAt(0)!);
  while (points.length > 0) {
    const last = points.pop()!;
    if (last >= 0x10ffff) continue;
    // The code points between are surrogates, which text cannot hold.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return Buffer.from(String.fromCodePoint(...points, next));
  }
  return null;
}

/** DuckDB prints a blob's statistics as hexadecimal digits. */
function hexBound(side: 'lower' | 'upper', text: string): Buffer | null {
  if (text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text)) return null;
  const bytes = Buffer.from(text.slice(0, 2 * KEPT), 'hex');
  if (side === 'lower' || text.length <= 2 * KEPT) return bytes;
  for (let length = bytes.length; length > 0; length--) {
    const last = bytes[length - 1]!;
    if (last === 0xff) continue;
    const next = Buffer.from(bytes.subarray(0, length));
    next[length - 1] = last + 1;
    return next;
  }
  return null;
}
