import type {
  Bits,
  ByteStrings,
  DoubleWords,
  SixteenBytes,
  Words,
} from '../../../model/typed-rows/column-values.ts';
import { lengthEncoded, lengthEncodedSize } from './packets.ts';

/**
 * Reads one field of each row of the binary protocol: places[first], places[first + step], … below `end`; −1 is NULL.
 * @returns false where there is a value that it cannot tell
 */
export type FieldsReader = (
  bytes: Buffer,
  places: Int32Array,
  first: number,
  step: number,
  end: number,
) => boolean;

const FIRST_LONG = 0xfb;

function word(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

export function byteStrings(values: ByteStrings): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) {
        values.null();
        continue;
      }
      const length = bytes[at]!;
      if (length < FIRST_LONG) values.put(bytes, at + 1, length);
      else values.put(bytes, at + lengthEncodedSize(length), lengthEncoded(bytes, at));
    }
    return true;
  };
}

/** tinyint(1) as a boolean: nothing but 0 and 1 is one. */
export function tinyBooleans(values: Bits): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) values.null();
      else if (bytes[at]! > 1) return false;
      else values.put(bytes[at] === 1);
    }
    return true;
  };
}

/** bit(1): a byte string of one byte. */
export function bits(values: Bits): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) values.null();
      else if (bytes[at] !== 1 || bytes[at + 1]! > 1) return false;
      else values.put(bytes[at + 1] === 1);
    }
    return true;
  };
}

/** tinyint, smallint, mediumint, int and year as int: `size` bytes, 1, 2 or 4. */
export function integers(values: Words, size: number, unsigned: boolean): FieldsReader {
  const cut = 32 - 8 * size;
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) {
        values.null();
        continue;
      }
      if (size === 4) values.put(word(bytes, at));
      else {
        const value = size === 1 ? bytes[at]! : bytes[at]! | (bytes[at + 1]! << 8);
        values.put(unsigned ? value : (value << cut) >> cut);
      }
    }
    return true;
  };
}

/** int unsigned as long. */
export function unsignedWords(values: DoubleWords): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) values.null();
      else values.put(word(bytes, at), 0);
    }
    return true;
  };
}

/** bigint, double */
export function doubleWords(values: DoubleWords): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) values.null();
      else values.put(word(bytes, at), word(bytes, at + 4));
    }
    return true;
  };
}

/** float */
export function words(values: Words): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) values.null();
      else values.put(word(bytes, at));
    }
    return true;
  };
}

/** bigint unsigned as decimal(20,0): highest byte first. */
export function unsignedLongs(values: SixteenBytes): FieldsReader {
  const scratch = new Uint8Array(16);
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      if (at < 0) {
        values.null();
        continue;
      }
      for (let n = 0; n < 8; n++) scratch[15 - n] = bytes[at + n]!;
      values.put(scratch, 0);
    }
    return true;
  };
}
