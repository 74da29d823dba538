import type { RowWriter } from '../../source.ts';

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_X = 0x78;
/** Up to here a loop is faster than a search and a copy. */
const LOOPED_BYTES = 96;
/** RowWriter takes no more than 64 KiB at a time, and quotes may double. */
const PIECE_BYTES = 16 << 10;

const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');

/** A quoted field of any length. */
export function writeQuoted(writer: RowWriter, bytes: Buffer, start: number, end: number): void {
  const length = end - start;
  if (length > PIECE_BYTES) {
    // A view, so that a search for quotes ends with the value.
    writer.text(bytes.subarray(start, end), 0, length);
    return;
  }
  writer.room(2 * length + 3);
  writer.at = quoteInto(writer.buffer, writer.at, bytes, start, end);
}

function quoteInto(out: Buffer, at: number, bytes: Buffer, start: number, end: number): number {
  let o = at;
  out[o++] = COMMA;
  out[o++] = QUOTE;
  if (end - start <= LOOPED_BYTES) {
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte === QUOTE) out[o++] = QUOTE;
      out[o++] = byte;
    }
  } else {
    const value = bytes.subarray(start, end);
    let i = 0;
    for (let next = value.indexOf(QUOTE); next >= 0; next = value.indexOf(QUOTE, i)) {
      o += value.copy(out, o, i, next + 1);
      out[o++] = QUOTE;
      i = next + 1;
    }
    o += value.copy(out, o, i);
  }
  out[o++] = QUOTE;
  return o;
}

/** \x and two digits a byte, which need no quotes; zero bytes behind them up to `length`. */
export function writeHex(writer: RowWriter, bytes: Buffer, start: number, end: number, length: number): void {
  writer.room(3);
  writer.buffer[writer.at++] = COMMA;
  writer.buffer[writer.at++] = BACKSLASH;
  writer.buffer[writer.at++] = LOWER_X;
  const to = Math.max(end, start + length);
  for (let from = start; from < to; from += PIECE_BYTES) {
    const stop = Math.min(to, from + PIECE_BYTES);
    writer.room(2 * (stop - from));
    const out = writer.buffer;
    let o = writer.at;
    for (let i = from; i < stop; i++) {
      const byte = i < end ? bytes[i]! : 0;
      out[o++] = HEX_DIGITS[byte >> 4]!;
      out[o++] = HEX_DIGITS[byte & 15]!;
    }
    writer.at = o;
  }
}

/** Where the text ends when the spaces that pad a char are left out. */
export function trimmedEnd(bytes: Buffer, start: number, end: number): number {
  let to = end;
  while (to > start && bytes[to - 1] === 0x20) to--;
  return to;
}
