import { SluiceError } from '@sluice/contract';
import type { FieldsReader } from './binary-values.ts';
import { lengthEncoded, lengthEncodedSize } from './packets.ts';

/** How far a field reaches: so many bytes; as its own first byte says; as its length-encoded length says. */
export type FieldSize = 1 | 2 | 4 | 8 | 'own' | 'encoded';

const OWN = 254;
const ENCODED = 255;
const CODE_OF = { own: OWN, encoded: ENCODED } as const;
/** A row begins with a byte 0 and a bit a column, from the third bit on: NULL. */
const NULL_BITS_FROM = 2;
const FIRST_LONG = 0xfb;

/**
 * Takes rows of the binary protocol apart ("Binary Protocol Resultset Row"), a column at a time: values become those of
 * typed rows without becoming objects. A value that the lake's type may not hold is not judged here: `special` is set, and
 * the rows are to be read as text, whose rules say what becomes of it.
 */
export class BinaryRows {
  rows = 0;
  longest = 0;
  special = false;
  readonly #readers: readonly FieldsReader[];
  readonly #sizes: Uint8Array;
  readonly #bitmapBytes: number;
  /** Of the fields in `#bytes`, a row behind the other; −1: NULL. */
  #places = new Int32Array(8192);
  #fill = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(sizes: readonly FieldSize[], readers: readonly FieldsReader[]) {
    this.#sizes = Uint8Array.from(sizes, (size) => (typeof size === 'number' ? size : CODE_OF[size]));
    this.#readers = readers;
    this.#bitmapBytes = (sizes.length + NULL_BITS_FROM + 7) >> 3;
  }

  /** A packet's payload. What it points to must stay until the next `add` with other bytes, or `drain`. */
  add(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.drain();
      this.#bytes = bytes;
    }
    const sizes = this.#sizes;
    const columns = sizes.length;
    if (this.#fill + columns > this.#places.length) this.#grow(columns);
    const places = this.#places;
    let fill = this.#fill;
    const bitmap = start + 1;
    let at = bitmap + this.#bitmapBytes;
    for (let column = 0; column < columns; column++) {
      const bit = column + NULL_BITS_FROM;
      if (bytes[bitmap + (bit >> 3)]! & (1 << (bit & 7))) {
        places[fill++] = -1;
        continue;
      }
      places[fill++] = at;
      const size = sizes[column]!;
      if (size < OWN) at += size;
      else {
        const length = bytes[at]!;
        if (size === OWN || length < FIRST_LONG) at += 1 + length;
        else at += lengthEncodedSize(length) + lengthEncoded(bytes, at);
      }
    }
    if (at !== end || bytes[start] !== 0)
      throw new SluiceError('SOURCE_PROTOCOL', 'the fields of a row do not fill its packet');
    this.#fill = fill;
    this.rows++;
    if (end - start > this.longest) this.longest = end - start;
  }

  /** Hands the rows that were added to the columns. */
  drain(): void {
    if (this.#fill === 0) return;
    const columns = this.#sizes.length;
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
