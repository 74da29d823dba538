import { SluiceError } from '@sluice/contract';
import { OP } from '../../../model/change.ts';
import type { RowWriter } from '../../source.ts';
import { EVENT } from '../binlog/event-types.ts';
import type { NativeType } from '../native-type.ts';
import type { Charsets } from './charset.ts';
import { TYPE } from './column-types.ts';
import { writeQuoted } from './field-output.ts';
import { compileImage, type ImageCode } from './image-code.ts';
import { writePatchedJson } from './json-diff.ts';
import type { TableMap } from './table-map.ts';
import { TextBuffer } from './text-buffer.ts';

const INSERT = OP.insert.charCodeAt(0);
const UPDATE = OP.update.charCodeAt(0);
const DELETE = OP.delete.charCodeAt(0);
const MOVED = OP.moved.charCodeAt(0);
const DELETE_UNSEEN = OP.deleteUnseen.charCodeAt(0);
const MOVED_UNSEEN = OP.movedUnseen.charCodeAt(0);

/**
 * Flags of an event (rows_event.h, STMT_END_F and others) under which the log tells all that foreign keys do: they do
 * nothing (NO_FOREIGN_KEY_CHECKS_F), or what they do is logged as well (USE_SQL_FOREIGN_KEY_F, MySQL 9.6).
 */
const KEYS_TOLD = 2 | 16;
const FLAGS_AT = 6;

/** In `starts` of an image, instead of where a value begins. */
const NULL = -1;
const ABSENT = -2;

/** value_options of an after image: partial JSON updates (rpl_record.h, PARTIAL_JSON_UPDATES). */
const PARTIAL_JSON = 1;

/**
 * What was changed cannot be told from the log: a part of a document changed that itself was not logged, or a row
 * without a key came without its defaults. The rows before it in the event are written; the table has to be read anew.
 */
export class RowsLost extends Error {}

export interface RowsReader {
  /**
   * Writes the rows of one event (its body [start, end), behind the common header and before the checksum) as lines of
   * model/change.ts and returns how many rows it changed.
   *
   * A column that an update's image left out takes its value from the row's old image, and is `unchanged` where that
   * lacks it too. A column that an insert left out is `unchanged` as well: its value is the column's default, and never
   * that of an earlier row under the key.
   * @throws SluiceError TABLE_NO_IDENTITY where a row's old image does not tell which row it was; SOURCE_PROTOCOL
   * @throws RowsLost
   */
  event(bytes: Buffer, start: number, end: number, type: number, writer: RowWriter): number;
}

/**
 * `keyColumns`: their indexes; empty for rows that are recognised whole. `leftOut`: columns that an update may leave out
 * though they changed. `versioned`: the last two columns say when the row began and ended; they are not written, and rows of
 * the past neither. @throws SluiceError TABLE_SCHEMA
 */
export function compileRows(
  map: TableMap,
  natives: readonly NativeType[],
  charsets: Charsets,
  keyColumns: readonly number[],
  leftOut: readonly number[] = [],
  versioned = false,
): RowsReader {
  const code = compileImage(map, natives, charsets, keyColumns);
  return new CompiledRows(map, code, keyColumns, leftOut, versioned ? PERIOD_COLUMNS : 0);
}

const PERIOD_COLUMNS = 2;

/** Where one image's values lie, where it does not hold all columns. */
class Image {
  readonly starts: Int32Array;
  readonly ends: Int32Array;

  constructor(columns: number) {
    this.starts = new Int32Array(columns);
    this.ends = new Int32Array(columns);
  }
}

class CompiledRows implements RowsReader {
  readonly #map: TableMap;
  readonly #code: ImageCode;
  readonly #key: readonly number[];
  readonly #columns: number;
  readonly #bitmapBytes: number;
  readonly #jsonColumns: number;
  readonly #old: Image;
  readonly #new: Image;
  readonly #leftOut: ReadonlySet<number>;
  /** Its last column tells whether a row is one of the past. */
  readonly #versioned: boolean;
  /** Columns that are written. */
  readonly #shown: number;
  readonly #oldKey: Int32Array;
  readonly #newKey: Int32Array;
  /** The letters of rows with a key, in the event at hand. */
  #delete = DELETE;
  #moved = MOVED;
  /** By column: those of the row at hand of which only differences were logged. */
  readonly #documents: (TextBuffer | undefined)[] = [];

  constructor(
    map: TableMap,
    code: ImageCode,
    key: readonly number[],
    leftOut: readonly number[],
    hidden: number,
  ) {
    this.#versioned = hidden > 0;
    this.#shown = map.columnCount - hidden;
    this.#leftOut = new Set(leftOut);
    this.#map = map;
    this.#code = code;
    this.#key = key;
    this.#columns = map.columnCount;
    this.#bitmapBytes = (map.columnCount + 7) >> 3;
    this.#jsonColumns = map.types.filter((type) => type === TYPE.JSON).length;
    this.#old = new Image(map.columnCount);
    this.#new = new Image(map.columnCount);
    this.#oldKey = new Int32Array(2 * key.length);
    this.#newKey = new Int32Array(2 * key.length);
  }

  event(bytes: Buffer, start: number, end: number, type: number, writer: RowWriter): number {
    const told = (bytes[start + FLAGS_AT]! & KEYS_TOLD) !== 0;
    this.#delete = told ? DELETE : DELETE_UNSEEN;
    this.#moved = told ? MOVED : MOVED_UNSEEN;
    // Table id in six bytes, flags in two; from version 2 on a part of any kind behind its length, which counts itself.
    let q = start + 8;
    if (type >= EVENT.WRITE_ROWS) q += bytes[q]! | (bytes[q + 1]! << 8);
    const columns = bytes[q]!;
    if (columns < 251) q++;
    else q += 3;
    const width = columns < 251 ? columns : bytes.readUInt16LE(q - 2);
    if (width !== this.#columns) throw protocolError('a row of another width than its table');
    const present = q;
    q += this.#bitmapBytes;
    // Where each row has to be looked at before it is known what it is, the short way leads nowhere.
    const all = !this.#versioned && this.#isAll(bytes, present);
    switch (type) {
      case EVENT.WRITE_ROWS:
      case EVENT.WRITE_ROWS_V1:
        return all
          ? this.#inserts(bytes, q, end, writer)
          : this.#partialInserts(bytes, q, end, present, writer);
      case EVENT.DELETE_ROWS:
      case EVENT.DELETE_ROWS_V1:
        return all
          ? this.#deletes(bytes, q, end, writer)
          : this.#partialDeletes(bytes, q, end, present, writer);
      case EVENT.UPDATE_ROWS:
      case EVENT.UPDATE_ROWS_V1: {
        const presentAfter = q;
        q += this.#bitmapBytes;
        return all && this.#isAll(bytes, presentAfter)
          ? this.#updates(bytes, q, end, writer)
          : this.#partialUpdates(bytes, q, end, present, presentAfter, false, writer);
      }
      case EVENT.PARTIAL_UPDATE_ROWS:
        return this.#partialUpdates(bytes, q + this.#bitmapBytes, end, present, q, true, writer);
      default:
        throw new SluiceError('INTERNAL', `Event type ${type} holds no rows.`);
    }
  }

  #isAll(bytes: Buffer, at: number): boolean {
    const whole = this.#columns >> 3;
    for (let i = 0; i < whole; i++) if (bytes[at + i] !== 0xff) return false;
    const mask = (1 << (this.#columns & 7)) - 1;
    return (bytes[at + whole]! & mask) === mask || mask === 0;
  }

  #inserts(bytes: Buffer, start: number, end: number, writer: RowWriter): number {
    let rows = 0;
    let q = start;
    for (; q < end; rows++) q = this.#code.whole(bytes, q, end, writer, INSERT);
    return ended(q, end, rows);
  }

  #deletes(bytes: Buffer, start: number, end: number, writer: RowWriter): number {
    let rows = 0;
    let q = start;
    if (this.#key.length === 0) for (; q < end; rows++) q = this.#code.whole(bytes, q, end, writer, DELETE);
    else for (; q < end; rows++) q = this.#code.keyed(bytes, q, end, writer, this.#delete);
    return ended(q, end, rows);
  }

  #updates(bytes: Buffer, start: number, end: number, writer: RowWriter): number {
    const code = this.#code;
    let rows = 0;
    let q = start;
    if (this.#key.length === 0) {
      for (; q < end; rows++) {
        q = code.whole(bytes, q, end, writer, DELETE);
        q = code.whole(bytes, q, end, writer, INSERT);
      }
      return ended(q, end, rows);
    }
    for (; q < end; rows++) {
      const before = q;
      q = code.walk(bytes, q, this.#oldKey);
      code.walkKey(bytes, q, this.#newKey);
      if (q >= end) throw protocolError('an update without its new row');
      if (this.#keyMoved(bytes)) code.keyed(bytes, before, end, writer, this.#moved);
      q = code.whole(bytes, q, end, writer, UPDATE);
    }
    return ended(q, end, rows);
  }

  #keyMoved(bytes: Buffer): boolean {
    const old = this.#oldKey;
    const now = this.#newKey;
    for (let k = 0; k < old.length; k += 2)
      if (!sameBytes(bytes, old[k]!, old[k + 1]!, now[k]!, now[k + 1]!)) return true;
    return false;
  }

  #partialInserts(bytes: Buffer, start: number, end: number, present: number, writer: RowWriter): number {
    let rows = 0;
    let q = start;
    for (; q < end; rows++) {
      q = this.#locate(bytes, q, present, this.#new);
      if (this.#isPast(bytes, this.#new)) continue;
      // Without a key nobody can ask the source for this row.
      if (this.#key.length === 0 && this.#new.starts.includes(ABSENT))
        throw new RowsLost(
          `${this.#map.schema}.${this.#map.table}: a row was inserted whose default values were not logged (binlog_row_image other than FULL), and it has no key`,
        );
      writer.begin(INSERT);
      this.#writeFields(bytes, end, this.#new, null, writer);
      writer.end();
    }
    return ended(q, end, rows);
  }

  #partialDeletes(bytes: Buffer, start: number, end: number, present: number, writer: RowWriter): number {
    let rows = 0;
    let q = start;
    for (; q < end; rows++) {
      q = this.#locate(bytes, q, present, this.#old);
      if (this.#isPast(bytes, this.#old)) continue;
      this.#writeOld(bytes, end, writer, this.#key.length === 0 ? DELETE : this.#delete);
    }
    return ended(q, end, rows);
  }

  #partialUpdates(
    bytes: Buffer,
    start: number,
    end: number,
    presentBefore: number,
    presentAfter: number,
    withOptions: boolean,
    writer: RowWriter,
  ): number {
    const old = this.#old;
    const now = this.#new;
    let rows = 0;
    let q = start;
    for (; q < end; rows++) {
      q = this.#locate(bytes, q, presentBefore, old);
      let partial = -1;
      if (withOptions) {
        if (bytes[q]! > PARTIAL_JSON) throw protocolError('an updated row with options that are not known');
        if (bytes[q++] === PARTIAL_JSON) {
          partial = q;
          q += (this.#jsonColumns + 7) >> 3;
        }
      }
      q = this.#locate(bytes, q, presentAfter, now);
      if (this.#isPast(bytes, old)) continue;
      // A row that ends is deleted: what it was follows as a new row of the past.
      if (this.#isPast(bytes, now, old)) {
        this.#writeOld(bytes, end, writer, this.#key.length === 0 ? DELETE : this.#delete);
        continue;
      }
      if (partial >= 0) this.#patchDocuments(bytes, partial);
      if (this.#key.length === 0) {
        this.#writeOld(bytes, end, writer, DELETE);
        writer.begin(INSERT);
      } else {
        if (this.#imageKeyMoved(bytes)) this.#writeOld(bytes, end, writer, this.#moved);
        writer.begin(UPDATE);
      }
      this.#writeFields(bytes, end, now, old, writer, partial);
      writer.end();
    }
    return ended(q, end, rows);
  }

  /** Where the values of an image lie that holds only the columns of the bitmap at `present`. */
  #locate(bytes: Buffer, start: number, present: number, image: Image): number {
    const { starts, ends } = image;
    const skips = this.#code.skips;
    let count = 0;
    for (let i = 0; i < this.#columns; i++) {
      const isPresent = (bytes[present + (i >> 3)]! & (1 << (i & 7))) !== 0;
      starts[i] = isPresent ? count++ : ABSENT;
    }
    let q = start + ((count + 7) >> 3);
    for (let i = 0; i < this.#columns; i++) {
      const bit = starts[i]!;
      if (bit === ABSENT) continue;
      if ((bytes[start + (bit >> 3)]! & (1 << (bit & 7))) !== 0) {
        starts[i] = NULL;
        continue;
      }
      starts[i] = q;
      q = skips[i]!(bytes, q);
      ends[i] = q;
    }
    return q;
  }

  /** The row as it was: its key, or all of it where it has none. */
  #writeOld(bytes: Buffer, end: number, writer: RowWriter, op: number): void {
    const { starts } = this.#old;
    const key = this.#key;
    for (let i = 0; i < this.#shown; i++)
      if (starts[i] === ABSENT && (key.length === 0 || key.includes(i))) throw this.#noIdentity();
    writer.begin(op);
    for (let i = 0; i < this.#shown; i++) {
      if (starts[i]! >= 0 && (key.length === 0 || key.includes(i)))
        this.#code.fields[i]!(bytes, starts[i]!, end, writer);
      else writer.null();
    }
    writer.end();
  }

  /**
   * Whether the image is of a row that has ended. One that has not ends at the greatest timestamp of the server, which
   * from MariaDB 11.5 on is 2106 instead of 2038. `before`: tells what the image leaves out.
   */
  #isPast(bytes: Buffer, image: Image, before: Image | null = null): boolean {
    if (!this.#versioned) return false;
    const own = image.starts[this.#columns - 1]!;
    const at = own === ABSENT && before !== null ? before.starts[this.#columns - 1]! : own;
    if (at < 0)
      throw new RowsLost(
        `${this.#map.schema}.${this.#map.table}: the log does not tell whether a row is one of the past (binlog_row_image other than FULL)`,
      );
    const seconds = bytes.readUInt32BE(at);
    const greatest = seconds === 0x7fffffff || seconds === 0xffffffff;
    return !greatest || bytes.readUIntBE(at + 4, 3) !== 999_999;
  }

  #imageKeyMoved(bytes: Buffer): boolean {
    const old = this.#old;
    const now = this.#new;
    let moved = false;
    for (const i of this.#key) {
      if (old.starts[i] === ABSENT) throw this.#noIdentity();
      if (now.starts[i] === ABSENT) continue;
      if (!sameBytes(bytes, old.starts[i]!, old.ends[i]!, now.starts[i]!, now.ends[i]!)) moved = true;
    }
    return moved;
  }

  /** `partial`: where the bits stand that tell which documents are differences only; −1: none are. */
  #writeFields(
    bytes: Buffer,
    end: number,
    image: Image,
    old: Image | null,
    writer: RowWriter,
    partial = -1,
  ): void {
    let json = 0;
    for (let i = 0; i < this.#shown; i++) {
      const isPartial = partial >= 0 && this.#map.types[i] === TYPE.JSON && isSet(bytes, partial, json++);
      const at = image.starts[i]!;
      if (at >= 0) {
        if (isPartial) {
          const text = this.#documents[i]!;
          writeQuoted(writer, text.bytes, 0, text.length);
        } else this.#code.fields[i]!(bytes, at, end, writer);
      } else if (at === NULL) writer.null();
      else if (old !== null && this.#leftOut.has(i)) writer.untold(i);
      else {
        const before = old ? old.starts[i]! : ABSENT;
        if (before >= 0) this.#code.fields[i]!(bytes, before, end, writer);
        else if (before === NULL) writer.null();
        else writer.unchanged(i);
      }
    }
  }

  /** Before a line is begun: it cannot be taken back where a document cannot be made. @throws RowsLost */
  #patchDocuments(bytes: Buffer, partial: number): void {
    const old = this.#old;
    const now = this.#new;
    let json = 0;
    for (let i = 0; i < this.#columns; i++) {
      if (this.#map.types[i] !== TYPE.JSON || !isSet(bytes, partial, json++) || now.starts[i]! < 0) continue;
      if (old.starts[i]! < 0)
        throw this.#lost('and the document itself was not logged (binlog_row_image other than FULL)');
      const size = this.#map.meta[i]!;
      const text = this.#documents[i] ?? new TextBuffer();
      this.#documents[i] = text;
      text.length = 0;
      try {
        writePatchedJson(
          bytes,
          old.starts[i]! + size,
          old.ends[i]!,
          now.starts[i]! + size,
          now.ends[i]!,
          text,
        );
      } catch (error) {
        throw this.#lost('in a way that does not fit the document', error);
      }
    }
  }

  #lost(how: string, cause?: unknown): RowsLost {
    return new RowsLost(
      `${this.#map.schema}.${this.#map.table}: a part of a JSON document was changed (binlog_row_value_options=PARTIAL_JSON) ${how}`,
      { cause },
    );
  }

  #noIdentity(): SluiceError {
    return new SluiceError(
      'TABLE_NO_IDENTITY',
      `${this.#map.schema}.${this.#map.table}: the log does not tell which row was changed (binlog_row_image other than FULL, or generated columns that the server leaves out)`,
      {
        remedy: `Give ${this.#map.table} a primary key, or log whole rows (SET GLOBAL binlog_row_image = FULL; sessions that are open keep what they have); then start the table again.`,
      },
    );
  }
}

function isSet(bytes: Buffer, at: number, bit: number): boolean {
  return (bytes[at + (bit >> 3)]! & (1 << (bit & 7))) !== 0;
}

/** A start of −1 is null. */
function sameBytes(bytes: Buffer, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (a < 0 || b < 0) return a === b;
  if (aEnd - a !== bEnd - b) return false;
  for (let i = 0; i < aEnd - a; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}

function ended(q: number, end: number, rows: number): number {
  if (q !== end) throw protocolError('a row of another length than its event');
  return rows;
}

function protocolError(what: string): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', `the server sent ${what}`);
}
