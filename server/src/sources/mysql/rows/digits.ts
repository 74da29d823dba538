const ZERO = 0x30;

/** Digits of 0 ≤ value ≤ 2^53 from `at` on; returns where they end. */
export function writeDigits(out: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    out[at] = ZERO + value;
    return at + 1;
  }
  if (value < 100) return writePair(out, at, value);
  if (value < 0x7fffffff) {
    let end =
      at +
      (value < 10_000
        ? value < 1000
          ? 3
          : 4
        : value < 100_000
          ? 5
          : value < 1_000_000
            ? 6
            : value < 10_000_000
              ? 7
              : value < 100_000_000
                ? 8
                : value < 1_000_000_000
                  ? 9
                  : 10);
    const behind = end;
    let rest = value | 0;
    while (rest >= 10) {
      const tenth = (rest / 10) | 0;
      out[--end] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    out[--end] = ZERO + rest;
    return behind;
  }
  const high = Math.floor(value / 1e9);
  return writePadded(out, writeDigits(out, at, high), value - high * 1e9, 9);
}

/** 0 ≤ value ≤ 99 */
export function writePair(out: Uint8Array, at: number, value: number): number {
  const tens = (value / 10) | 0;
  out[at] = ZERO + tens;
  out[at + 1] = ZERO + value - tens * 10;
  return at + 2;
}

/** Exactly `width` digits of 0 ≤ value < 10^width, width ≤ 9. */
export function writePadded(out: Uint8Array, at: number, value: number, width: number): number {
  let rest = value | 0;
  for (let i = at + width - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    out[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return at + width;
}

/** Digits of an unsigned number of 64 bits, of which `high` and `low` are 32 each. */
export function writeUint64(out: Uint8Array, at: number, high: number, low: number): number {
  if (high < 0x200000) return writeDigits(out, at, high * 0x100000000 + low);
  // Division by 10^9 in steps of 16 bits, so that no step leaves 2^53.
  const a = Math.floor(high / 1e9);
  let rest = (high - a * 1e9) * 0x10000 + (low >>> 16);
  const b = Math.floor(rest / 1e9);
  rest = (rest - b * 1e9) * 0x10000 + (low & 0xffff);
  const c = Math.floor(rest / 1e9);
  const end = writeDigits(out, at, a * 0x100000000 + b * 0x10000 + c);
  return writePadded(out, end, rest - c * 1e9, 9);
}

/** Digits of a signed number of 64 bits at `from`, little-endian. */
export function writeInt64(bytes: Uint8Array, from: number, out: Uint8Array, at: number): number {
  let low = uint32(bytes, from);
  let high = uint32(bytes, from + 4);
  if (high < 0x80000000) return writeUint64(out, at, high, low);
  out[at] = 0x2d;
  low = (~low + 1) >>> 0;
  high = (~high + (low === 0 ? 1 : 0)) >>> 0;
  return writeUint64(out, at + 1, high, low);
}

/** Little-endian */
export function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

const EIGHT = new Uint8Array(8);
const AS_DOUBLE = new Float64Array(EIGHT.buffer);
const AS_FLOAT = new Float32Array(EIGHT.buffer);

export function readDouble(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) EIGHT[i] = bytes[at + i]!;
  return AS_DOUBLE[0]!;
}

export function readFloat(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 4; i++) EIGHT[i] = bytes[at + i]!;
  return AS_FLOAT[0]!;
}

export function writeAscii(out: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i);
  return at;
}
