import { SluiceError } from '@sluice/contract';
import type {
  Bits,
  ByteStrings,
  DoubleWords,
  SixteenBytes,
  Words,
} from '../../../model/typed-rows/column-values.ts';
import type { RowColumn, Values } from '../../../model/typed-rows/typed-file.ts';
import { type FieldsReader, word } from './binary-field.ts';
import { decimals } from './binary-numeric.ts';
import { dateDays, TIME_END_HIGH, TIME_END_LOW, timestamps } from './binary-time.ts';

/** PGCOPY\n\377\r\n\0, flags, length of the extension (PostgreSQL manual, COPY, "Binary Format"). */
const HEADER_BYTES = 19;

/**
 * Takes the messages of COPY … (FORMAT binary) apart, a column at a time: values become those of typed rows without
 * becoming objects. A value that the lake's type may not hold is not judged here: `special` is set, and the rows are
 * to be read as text, whose rules say what becomes of it.
 */
export class BinaryRows {
  rows = 0;
  longest = 0;
  special = false;
  readonly #readers: readonly FieldsReader[];
  readonly #columns: number;
  /** Of the fields' lengths in `#bytes`, a row behind the other. */
  #places = new Int32Array(4096);
  #fill = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #headerSeen = false;

  constructor(columns: readonly RowColumn[], values: readonly Values[]) {
    this.#columns = columns.length;
    this.#readers = columns.map((column, index) => readerOf(column, values[index]!));
  }

  /** A message's body. What it points to must stay until the next `add` with other bytes, or `drain`. */
  add(bytes: Buffer, start: number, end: number): void {
    let at = start;
    if (!this.#headerSeen) {
      this.#headerSeen = true;
      at += HEADER_BYTES;
      if (at === end) return;
    }
    const columns = (bytes[at]! << 8) | bytes[at + 1]!;
    // The end of the rows.
    if (columns === 0xffff) return;
    if (columns !== this.#columns)
      throw new SluiceError('SOURCE_PROTOCOL', `a row of ${columns} fields instead of ${this.#columns}`);
    if (bytes !== this.#bytes) {
      this.drain();
      this.#bytes = bytes;
    }
    if (this.#fill + columns > this.#places.length) this.#grow(columns);
    at += 2;
    const places = this.#places;
    let fill = this.#fill;
    for (let column = 0; column < columns; column++) {
      places[fill++] = at;
      const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
      at += length < 0 ? 4 : 4 + length;
    }
    if (at !== end) throw new SluiceError('SOURCE_PROTOCOL', 'the fields of a row do not fill its message');
    this.#fill = fill;
    this.rows++;
    if (end - start > this.longest) this.longest = end - start;
  }

  /** Hands the rows that were added to the columns. */
  drain(): void {
    if (this.#fill === 0) return;
    const columns = this.#columns;
    for (let column = 0; column < columns; column++)
      if (!this.#readers[column]!(this.#bytes, this.#places, column, columns, this.#fill))
        this.special = true;
    this.#fill = 0;
  }

  #grow(columns: number): void {
    const larger = new Int32Array(2 * (this.#places.length + columns));
    larger.set(this.#places.subarray(0, this.#fill));
    this.#places = larger;
  }
}

function readerOf(column: RowColumn, values: Values): FieldsReader {
  if (column.kind === 'text') return byteStrings(values as ByteStrings);
  const { type } = column;
  switch (type.kind) {
    case 'binary':
      return byteStrings(values as ByteStrings);
    case 'boolean':
      return booleans(values as Bits);
    case 'int':
      return integers(values as Words);
    case 'long':
      return longs(values as DoubleWords);
    case 'float':
      return floats(values as Words);
    case 'double':
      return doubles(values as DoubleWords);
    case 'date':
      return dates(values as Words);
    case 'time':
      return times(values as DoubleWords);
    case 'timestamp':
    case 'timestamptz':
      return timestamps(values as DoubleWords);
    case 'uuid':
      return uuids(values as SixteenBytes);
    case 'decimal':
      return decimals(values as DoubleWords | SixteenBytes, type.scale);
  }
}

function byteStrings(values: ByteStrings): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length < 0) values.null();
      else values.put(bytes, at + 4, length);
    }
    return true;
  };
}

/** bool is a byte; bit(1) a count of bits in four bytes and one byte whose highest bit it is. */
function booleans(values: Bits): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 1) values.put(bytes[at + 4] !== 0);
      else if (length < 0) values.null();
      else if (length === 5 && word(bytes, at + 4) === 1) values.put(bytes[at + 8]! >= 0x80);
      else return false;
    }
    return true;
  };
}

function integers(values: Words): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 4) values.put(word(bytes, at + 4));
      else if (length === 2) values.put(((bytes[at + 4]! << 24) >> 16) | bytes[at + 5]!);
      else if (length < 0) values.null();
      else return false;
    }
    return true;
  };
}

/** int8, and oid, which is four bytes without a sign. */
function longs(values: DoubleWords): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 8) values.put(word(bytes, at + 8), word(bytes, at + 4));
      else if (length === 4) values.put(word(bytes, at + 4), 0);
      else if (length < 0) values.null();
      else return false;
    }
    return true;
  };
}

/** Of the many NaNs the one that its text reads as. */
function floats(values: Words): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 4) {
        const bits = word(bytes, at + 4);
        values.put((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits);
      } else if (length < 0) values.null();
      else return false;
    }
    return true;
  };
}

function doubles(values: DoubleWords): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 8) {
        const high = word(bytes, at + 4);
        const low = word(bytes, at + 8);
        const magnitude = high & 0x7fffffff;
        if (magnitude > 0x7ff00000 || (magnitude === 0x7ff00000 && low !== 0)) values.put(0, 0x7ff80000);
        else values.put(low, high);
      } else if (length < 0) values.null();
      else return false;
    }
    return true;
  };
}

function dates(values: Words): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 4) {
        const days = dateDays(word(bytes, at + 4));
        if (days === null) return false;
        values.put(days);
      } else if (length < 0) values.null();
      else return false;
    }
    return true;
  };
}

/** Microseconds of the day; PostgreSQL's 24:00:00 is no time of a day. */
function times(values: DoubleWords): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 8) {
        const high = word(bytes, at + 4);
        const low = word(bytes, at + 8);
        if (high > TIME_END_HIGH || (high === TIME_END_HIGH && low >>> 0 >= TIME_END_LOW)) return false;
        values.put(low, high);
      } else if (length < 0) values.null();
      else return false;
    }
    return true;
  };
}

function uuids(values: SixteenBytes): FieldsReader {
  return (bytes, places, first, step, end) => {
    for (let i = first; i < end; i += step) {
      const at = places[i]!;
      const length = word(bytes, at);
      if (length === 16) values.put(bytes, at + 4);
      else if (length < 0) values.null();
      else return false;
    }
    return true;
  };
}
