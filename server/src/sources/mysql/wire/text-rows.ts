import { SluiceError } from '@sluice/contract';
import { lengthEncoded, lengthEncodedSize, PAYLOAD, readError } from './packets.ts';

/**
 * How the bytes of a field become text of a line:
 *   text       quoted, quotes doubled
 *   digits     as it is: numbers, years, times
 *   date       as `digits`; month or day may be 00, or the day be none of its month
 *   hex        \x and two digits a byte
 *   bit1       one byte, 0 or 1
 *   geometry   bytes that `geometry` of RowForms makes text of
 */
export type FieldForm = 'text' | 'digits' | 'date' | 'hex' | 'bit1' | 'geometry';

export interface RowForms {
  readonly fields: readonly FieldForm[];
  /** The text of a geometry's bytes, in characters of one byte. At most GEOMETRY_GROWTH times as long. */
  readonly geometry: (bytes: Buffer, start: number, end: number) => string;
}

const TEXT = 0;
const DIGITS = 1;
const DATE = 2;
const HEX = 3;
const BIT1 = 4;
const GEOMETRY = 5;
const CODE: Readonly<Record<FieldForm, number>> = {
  text: TEXT,
  digits: DIGITS,
  date: DATE,
  hex: HEX,
  bit1: BIT1,
  geometry: GEOMETRY,
};

const COMMA = 0x2c;
const QUOTE = 0x22;
const LINE_END = 0x0a;
const ZERO = 0x30;
const NULL_FIELD = 0xfb;

const HEADER_BYTES = 4;
const FULL_PACKET = 0xffffff;
const EOF_BYTES = 5;
/** Rows up to this size are put together and read at once; longer ones are read piece by piece, as they come. */
const WHOLE_BYTES = 64 * 1024;
/** A coordinate of 8 bytes takes up to 24 characters and a separator; a collection in another, of 9 bytes, 21. */
const GEOMETRY_GROWTH = 4;
const LINES_BYTES = 512 * 1024;
/** Shorter runs are copied faster byte by byte than by a call. */
const CALL_BYTES = 48;
/** What one step of a long row needs at least; a buffer is handed out before it is fuller. */
const STEP_BYTES = 1024;

const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');

type Phase = 'count' | 'columns' | 'first' | 'rows' | 'done';

/**
 * Makes lines (model/change.ts) of the result set of one COM_QUERY ("Text Resultset"): a count of columns, as many
 * definitions, an EOF packet where the connection has not agreed to do without, rows of length-encoded fields, and an
 * EOF or OK packet. Bytes go from the socket's chunk to the line; no object and no string is made for a row or a field.
 *
 * `consume` stops when the lines in `lines` have to be taken (`take`) before there is room for more.
 */
export class TextRows {
  rows = 0;
  /** Of one line with its line end, in bytes. */
  longestLine = 0;
  /** A date was met that is none in the lake. */
  lossy = false;

  readonly #forms: Uint8Array;
  readonly #geometry: RowForms['geometry'];
  readonly #growth: number;
  #phase: Phase = 'count';
  #columnsLeft = 0;
  #sequence = 1;

  #out: Buffer;
  #at = 0;
  /** Bytes of the current line that were taken already. */
  #taken = 0;

  /** A packet's beginning, header included, while the rest is still to come. */
  readonly #packet = Buffer.allocUnsafeSlow(HEADER_BYTES + WHOLE_BYTES);
  #filled = 0;

  #long = false;
  #packetLeft = 0;
  #continued = false;
  #field = 0;
  /** Bytes of the current field that are still to come; −1: its length is next. */
  #fieldLeft = -1;
  /** The next quote in the bytes that are read, so that no stretch is searched twice; before them: not known. */
  #quoteAt = -1;
  readonly #length = Buffer.alloc(9);
  #lengthFilled = 0;
  /** A field that can only be read whole. */
  #gathered: Buffer | null = null;
  #gatheredFilled = 0;

  constructor(forms: RowForms, buffer: Buffer = linesBuffer()) {
    this.#forms = Uint8Array.from(forms.fields, (form) => CODE[form]);
    this.#geometry = forms.geometry;
    this.#growth = forms.fields.includes('geometry') ? GEOMETRY_GROWTH : 2;
    this.#out = buffer;
  }

  /** The statement was not refused: rows follow, if any. */
  get begun(): boolean {
    return this.#phase !== 'count';
  }

  get done(): boolean {
    return this.#phase === 'done';
  }

  /** The last line that was taken may be cut off. */
  get insideRow(): boolean {
    return this.#long;
  }

  /** The lines so far, and another buffer for those to come. Of a long line it may be a piece. */
  take(next: Buffer): Buffer {
    const lines = this.#out.subarray(0, this.#at);
    if (this.#long) this.#taken += this.#at;
    this.#out = next;
    this.#at = 0;
    return lines;
  }

  /**
   * Reads on from `at`; returns how far it came. Less than the chunk's length means that `take` has to be called.
   * @throws SluiceError SOURCE_PROTOCOL; ServerError when the server sends one
   */
  consume(chunk: Buffer, at: number): number {
    this.#quoteAt = -1;
    while (at < chunk.length) {
      if (this.#long) {
        at = this.#readLong(chunk, at);
        if (this.#long) return at;
        continue;
      }
      if (this.#filled > 0) {
        const size =
          this.#filled < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + this.#packet.readUIntLE(0, 3);
        const take = Math.min(size - this.#filled, chunk.length - at);
        chunk.copy(this.#packet, this.#filled, at, at + take);
        this.#filled += take;
        at += take;
        if (this.#filled < HEADER_BYTES) return at;
        const length = this.#packet.readUIntLE(0, 3);
        if (length > WHOLE_BYTES) {
          this.#beginLong(length, this.#packet[3]!);
          this.#filled = 0;
        } else if (this.#filled === HEADER_BYTES + length) {
          if (!this.#hasRoom(length)) {
            // The last byte is read once more when there is room.
            this.#filled--;
            return at - 1;
          }
          this.#filled = 0;
          this.#checkSequence(this.#packet[3]!);
          this.#quoteAt = -1;
          this.#read(this.#packet, HEADER_BYTES, HEADER_BYTES + length);
          this.#quoteAt = -1;
        }
        continue;
      }
      const left = chunk.length - at;
      if (left < HEADER_BYTES) {
        this.#keep(chunk, at);
        return chunk.length;
      }
      const length = chunk[at]! | (chunk[at + 1]! << 8) | (chunk[at + 2]! << 16);
      if (HEADER_BYTES + length <= left && length <= WHOLE_BYTES) {
        if (!this.#hasRoom(length)) return at;
        this.#checkSequence(chunk[at + 3]!);
        this.#read(chunk, at + HEADER_BYTES, at + HEADER_BYTES + length);
        at += HEADER_BYTES + length;
      } else if (length > WHOLE_BYTES) {
        this.#beginLong(length, chunk[at + 3]!);
        at += HEADER_BYTES;
      } else {
        this.#keep(chunk, at);
        return chunk.length;
      }
    }
    return at;
  }

  #keep(chunk: Buffer, at: number): void {
    chunk.copy(this.#packet, 0, at, chunk.length);
    this.#filled = chunk.length - at;
  }

  #hasRoom(length: number): boolean {
    const needed = this.#growth * length + 4 * this.#forms.length + STEP_BYTES;
    return this.#at + needed <= this.#out.length || this.#phase !== 'rows' || this.#at === 0;
  }

  #checkSequence(sequence: number): void {
    // An error that ends the connection may begin anew with 0.
    if (sequence !== this.#sequence && sequence !== 0)
      throw protocolError(`its packets are out of order (${sequence} instead of ${this.#sequence})`);
    this.#sequence = (sequence + 1) & 0xff;
  }

  #read(bytes: Buffer, start: number, end: number): void {
    const first = bytes[start];
    if (first === PAYLOAD.error) throw readError(bytes, start, end);
    switch (this.#phase) {
      case 'count':
        this.#columnsLeft = first === undefined || first === NULL_FIELD ? 0 : lengthEncoded(bytes, start);
        if (this.#columnsLeft !== this.#forms.length)
          throw protocolError(`${this.#columnsLeft} columns instead of ${this.#forms.length}`);
        this.#phase = 'columns';
        return;
      case 'columns':
        if (--this.#columnsLeft === 0) this.#phase = 'first';
        return;
      case 'first':
        this.#phase = 'rows';
        // An EOF packet; a row never looks like it, and an OK packet in its place is longer.
        if (first === PAYLOAD.eof && end - start === EOF_BYTES) return;
        break;
      case 'rows':
        break;
      case 'done':
        throw protocolError('a packet behind the last one');
    }
    // Only a field of 16 MB and more begins with this byte in a row.
    if (first === PAYLOAD.eof) this.#phase = 'done';
    else this.#readRow(bytes, start, end);
  }

  #readRow(bytes: Buffer, start: number, end: number): void {
    const forms = this.#forms;
    const out = this.#out;
    const lineStart = this.#at;
    let at = start;
    let to = lineStart;
    for (let i = 0; i < forms.length; i++) {
      if (i > 0) out[to++] = COMMA;
      let length = bytes[at]!;
      if (length < NULL_FIELD) at++;
      else if (length === NULL_FIELD) {
        at++;
        continue;
      } else {
        const size = lengthEncodedSize(length);
        length = lengthEncoded(bytes, at);
        at += size;
      }
      const stop = at + length;
      if (stop > end || at > end) throw protocolError('a row is cut off');
      switch (forms[i]) {
        case TEXT:
          out[to++] = QUOTE;
          if (length < CALL_BYTES)
            while (at < stop) {
              const byte = bytes[at++]!;
              out[to++] = byte;
              if (byte === QUOTE) out[to++] = QUOTE;
            }
          else to = this.#copyQuoted(bytes, at, stop, out, to);
          out[to++] = QUOTE;
          break;
        case DATE:
        case DIGITS:
          if (forms[i] === DATE) this.lossy ||= isNoDate(bytes, at, stop);
          // An empty field would be NULL.
          if (length === 0) {
            out[to++] = QUOTE;
            out[to++] = QUOTE;
          }
          while (at < stop) out[to++] = bytes[at++]!;
          break;
        case HEX:
          to = copyHex(bytes, at, stop, out, writeHexMark(out, to));
          break;
        case BIT1:
          out[to++] = ZERO + (bytes[stop - 1]! & 1);
          break;
        default:
          to = this.#writeGeometry(bytes, at, stop, out, to);
      }
      at = stop;
    }
    if (at !== end) throw protocolError('a row has more fields than columns');
    out[to++] = LINE_END;
    this.#at = to;
    this.#lineEnds(to - lineStart);
  }

  #copyQuoted(bytes: Buffer, start: number, end: number, out: Buffer, to: number): number {
    let at = start;
    for (;;) {
      if (this.#quoteAt < at) {
        const found = bytes.indexOf(QUOTE, at);
        this.#quoteAt = found < 0 ? bytes.length : found;
      }
      if (this.#quoteAt >= end) return to + bytes.copy(out, to, at, end);
      to += bytes.copy(out, to, at, this.#quoteAt + 1);
      out[to++] = QUOTE;
      at = this.#quoteAt + 1;
    }
  }

  #lineEnds(length: number): void {
    this.rows++;
    if (length > this.longestLine) this.longestLine = length;
  }

  #writeGeometry(bytes: Buffer, start: number, end: number, out: Buffer, to: number): number {
    const text = this.#geometry(bytes, start, end);
    if (text.length + 2 > out.length - to) throw new Error('a geometry is longer than was thought possible');
    out[to++] = QUOTE;
    to += out.write(text, to, 'latin1');
    out[to++] = QUOTE;
    return to;
  }

  #beginLong(length: number, sequence: number): void {
    if (this.#phase === 'first') this.#phase = 'rows';
    if (this.#phase !== 'rows') throw protocolError('a long packet where no row was to come');
    this.#checkSequence(sequence);
    this.#long = true;
    this.#taken = -this.#at;
    this.#packetLeft = length;
    this.#continued = length === FULL_PACKET;
    this.#field = 0;
    this.#fieldLeft = -1;
    this.#lengthFilled = 0;
  }

  /** Reads a piece of a long row. Stops short of the chunk's end when the row is complete or when there is no room. */
  #readLong(chunk: Buffer, at: number): number {
    for (;;) {
      if (this.#packetLeft === 0) {
        if (!this.#continued) return this.#endLong(at);
        if (at === chunk.length) return at;
        const take = Math.min(HEADER_BYTES - this.#filled, chunk.length - at);
        chunk.copy(this.#packet, this.#filled, at, at + take);
        this.#filled += take;
        at += take;
        if (this.#filled < HEADER_BYTES) return at;
        this.#filled = 0;
        this.#checkSequence(this.#packet[3]!);
        this.#packetLeft = this.#packet.readUIntLE(0, 3);
        this.#continued = this.#packetLeft === FULL_PACKET;
        continue;
      }
      if (at === chunk.length) return at;
      const before = at;
      const end = Math.min(chunk.length, at + this.#packetLeft);
      at = this.#fieldLeft < 0 ? this.#beginField(chunk, at, end) : this.#readField(chunk, at, end);
      this.#packetLeft -= at - before;
      if (at === before) return at;
    }
  }

  #endLong(at: number): number {
    if (this.#field !== this.#forms.length || this.#lengthFilled > 0 || this.#fieldLeft >= 0)
      throw protocolError('a row is cut off');
    this.#long = false;
    this.#out[this.#at++] = LINE_END;
    this.#lineEnds(this.#taken + this.#at);
    return at;
  }

  #beginField(chunk: Buffer, at: number, end: number): number {
    // Room for a comma, an opening, a closing and the line's end, and for a step of what is between.
    if (this.#out.length - this.#at < STEP_BYTES) return at;
    if (this.#field === this.#forms.length) throw protocolError('a row has more fields than columns');
    this.#length[this.#lengthFilled++] = chunk[at++]!;
    const size = lengthEncodedSize(this.#length[0]!);
    while (this.#lengthFilled < size && at < end) this.#length[this.#lengthFilled++] = chunk[at++]!;
    if (this.#lengthFilled < size) return at;
    this.#lengthFilled = 0;
    if (this.#field > 0) this.#out[this.#at++] = COMMA;
    if (this.#length[0] === NULL_FIELD) {
      this.#field++;
      return at;
    }
    this.#fieldLeft = lengthEncoded(this.#length, 0);
    switch (this.#forms[this.#field]) {
      case TEXT:
        this.#out[this.#at++] = QUOTE;
        break;
      case HEX:
        this.#at = writeHexMark(this.#out, this.#at);
        break;
      default:
        this.#gathered = Buffer.allocUnsafe(this.#fieldLeft);
        this.#gatheredFilled = 0;
    }
    if (this.#fieldLeft === 0) this.#endField();
    return at;
  }

  #readField(chunk: Buffer, at: number, end: number): number {
    const available = Math.min(end - at, this.#fieldLeft);
    const gathered = this.#gathered;
    if (gathered) {
      chunk.copy(gathered, this.#gatheredFilled, at, at + available);
      this.#gatheredFilled += available;
      this.#fieldLeft -= available;
      if (this.#fieldLeft === 0) this.#endField();
      return at + available;
    }
    const take = Math.min(available, (this.#out.length - this.#at - STEP_BYTES / 2) >> 1);
    if (take < Math.min(available, STEP_BYTES / 8)) return at;
    const stop = at + take;
    this.#at =
      this.#forms[this.#field] === TEXT
        ? this.#copyQuoted(chunk, at, stop, this.#out, this.#at)
        : copyHex(chunk, at, stop, this.#out, this.#at);
    this.#fieldLeft -= take;
    if (this.#fieldLeft === 0) this.#endField();
    return stop;
  }

  #endField(): void {
    const form = this.#forms[this.#field]!;
    const gathered = this.#gathered;
    if (gathered) this.#writeGathered(gathered, form);
    else if (form === TEXT) this.#out[this.#at++] = QUOTE;
    this.#gathered = null;
    this.#fieldLeft = -1;
    this.#field++;
  }

  /** A field of a long row that was read whole: geometries may be large, the others are short. */
  #writeGathered(bytes: Buffer, form: number): void {
    let text: string;
    if (form === GEOMETRY) text = `"${this.#geometry(bytes, 0, bytes.length)}"`;
    else if (form === BIT1) text = String(bytes[bytes.length - 1]! & 1);
    else {
      if (form === DATE) this.lossy ||= isNoDate(bytes, 0, bytes.length);
      text = bytes.length === 0 ? '""' : bytes.toString('latin1');
    }
    // What is still to come of this row needs its room as well.
    if (text.length + STEP_BYTES > this.#out.length - this.#at) {
      const grown = Buffer.allocUnsafeSlow(this.#at + text.length + LINES_BYTES);
      this.#out.copy(grown, 0, 0, this.#at);
      this.#out = grown;
    }
    this.#at += this.#out.write(text, this.#at, 'latin1');
  }
}

export function linesBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(LINES_BYTES);
}

function protocolError(what: string): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', `the server's answer is not understood: ${what}`);
}

function writeHexMark(out: Buffer, to: number): number {
  out[to] = 0x5c;
  out[to + 1] = 0x78;
  return to + 2;
}

function copyHex(bytes: Buffer, at: number, end: number, out: Buffer, to: number): number {
  for (; at < end; at++) {
    const byte = bytes[at]!;
    out[to++] = HEX_DIGITS[byte >> 4]!;
    out[to++] = HEX_DIGITS[byte & 15]!;
  }
  return to;
}

/** `YYYY-MM-DD…` with 00 for month or day, or with a day that its month has not (ALLOW_INVALID_DATES). */
function isNoDate(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 10) return false;
  const month = (bytes[start + 5]! - ZERO) * 10 + bytes[start + 6]! - ZERO;
  const day = (bytes[start + 8]! - ZERO) * 10 + bytes[start + 9]! - ZERO;
  return month === 0 || day === 0 || (day > 28 && day > daysOf(bytes, start, month));
}

function daysOf(bytes: Buffer, start: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  const year =
    (bytes[start]! - ZERO) * 1000 +
    (bytes[start + 1]! - ZERO) * 100 +
    (bytes[start + 2]! - ZERO) * 10 +
    (bytes[start + 3]! - ZERO);
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}
