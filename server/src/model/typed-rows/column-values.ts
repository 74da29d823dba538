/**
 * The values of one column of a group of rows as Parquet's PLAIN encoding has them: little-endian, one behind the other,
 * nulls left out. `put` and `null` are the next row's value. Parts of words come as numbers, so that no value of 64 bits
 * becomes an object.
 */
abstract class ColumnValues {
  /** Rows so far, nulls included. */
  rows = 0;
  /** Rows without a value, ascending. */
  nullRows: number[] = [];

  null(): void {
    this.nullRows.push(this.rows++);
  }

  /** What the values take. */
  abstract readonly size: number;
  /** Valid until the next `put`. */
  abstract bytes(): Uint8Array;

  clear(): void {
    this.rows = 0;
    this.nullRows = [];
  }
}

const FIRST_VALUES = 1024;

/** int, date, float */
export class Words extends ColumnValues {
  #words = new Int32Array(FIRST_VALUES);
  #count = 0;

  put(word: number): void {
    if (this.#count === this.#words.length) this.#words = grown(this.#words, new Int32Array(2 * this.#count));
    this.#words[this.#count++] = word;
    this.rows++;
  }

  override get size(): number {
    return 4 * this.#count;
  }

  override bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.size);
  }

  override clear(): void {
    super.clear();
    this.#count = 0;
  }
}

/** long, double, time, timestamp, a decimal of up to 18 digits */
export class DoubleWords extends ColumnValues {
  #words = new Int32Array(2 * FIRST_VALUES);
  #at = 0;

  put(low: number, high: number): void {
    if (this.#at === this.#words.length) this.#words = grown(this.#words, new Int32Array(2 * this.#at));
    this.#words[this.#at] = low;
    this.#words[this.#at + 1] = high;
    this.#at += 2;
    this.rows++;
  }

  override get size(): number {
    return 4 * this.#at;
  }

  override bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.size);
  }

  override clear(): void {
    super.clear();
    this.#at = 0;
  }
}

/** 16 bytes as they are: a uuid; or, highest byte first, a decimal of more than 18 digits. */
export class SixteenBytes extends ColumnValues {
  #bytes = new Uint8Array(16 * FIRST_VALUES);
  #at = 0;

  put(bytes: Uint8Array, start: number): void {
    if (this.#at === this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(2 * this.#at));
    for (let i = 0; i < 16; i++) this.#bytes[this.#at + i] = bytes[start + i]!;
    this.#at += 16;
    this.rows++;
  }

  override get size(): number {
    return this.#at;
  }

  override bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  override clear(): void {
    super.clear();
    this.#at = 0;
  }
}

/** A boolean a bit, from the lowest on. */
export class Bits extends ColumnValues {
  #bytes = new Uint8Array(FIRST_VALUES / 8);
  #count = 0;

  put(bit: boolean): void {
    const at = this.#count >> 3;
    if (at === this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(2 * at));
    const mask = 1 << (this.#count & 7);
    this.#bytes[at] = bit ? this.#bytes[at]! | mask : this.#bytes[at]! & ~mask;
    this.#count++;
    this.rows++;
  }

  override get size(): number {
    return (this.#count + 7) >> 3;
  }

  override bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  override clear(): void {
    super.clear();
    this.#count = 0;
  }
}

/** A call of `copy` costs as much as this many bytes by hand. */
const SHORT = 48;

/** Texts in UTF-8 and byte strings, each behind its length in four bytes. */
export class ByteStrings extends ColumnValues {
  #bytes = Buffer.allocUnsafe(16 * FIRST_VALUES);
  #at = 0;

  put(bytes: Uint8Array, start: number, length: number): void {
    const end = this.#at + 4 + length;
    if (end > this.#bytes.length) this.#grow(end);
    const out = this.#bytes;
    let to = this.#at;
    out[to] = length;
    out[to + 1] = length >>> 8;
    out[to + 2] = length >>> 16;
    out[to + 3] = length >>> 24;
    to += 4;
    if (length <= SHORT) for (let from = start; to < end; ) out[to++] = bytes[from++]!;
    else out.set(bytes.subarray(start, start + length), to);
    this.#at = end;
    this.rows++;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  override get size(): number {
    return this.#at;
  }

  override bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  override clear(): void {
    super.clear();
    this.#at = 0;
  }
}

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
