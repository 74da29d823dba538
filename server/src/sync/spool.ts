import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';
import type { LogRelation, RowWriter } from '../sources/source.ts';

/** What all lanes of a run share while one transaction is read: the bytes that begin each line. */
export interface LineClock {
  /** The number of the next line. */
  nextOrd: number;
  /** Commit time of the open transaction, microseconds since 1970, as digits. */
  ts: Buffer;
  /** Its id, as digits. */
  xid: Buffer;
  /** Counts transactions; tells a spool that its first line of one is its first. */
  transaction: number;
  /** The spools that have lines of the open transaction. */
  readonly touched: LaneSpool[];
}

/** Lines that were written under one schema and wait in a file. */
export interface SpoolPart {
  readonly relation: LogRelation;
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  readonly longestLine: number;
  readonly masked: boolean;
  readonly lossy: boolean;
  /** Whether any line is a delete or a move of which foreign keys made more than the log tells. */
  readonly unseen: boolean;
  /** Whether any line is a TRUNCATE. */
  readonly truncates: boolean;
  readonly firstOrd: number;
  readonly lastOrd: number;
}

const BUFFER_BYTES = 256 << 10;
const SMALL_FIELD = 48;
const QUOTE = 0x22;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const ONE = 0x31;
const ZERO = 0x30;
const TWO = 0x32;
const OP_TRUNCATE = 0x54;
/** Small letters: OP.deleteUnseen, OP.movedUnseen. */
const OP_UNSEEN = 0x61;

/**
 * Gathers one table's lines (model/change.ts) until the next commit. Whatever the size of a row or a transaction,
 * a lane holds 256 KiB in memory; the rest is in files, which hold no promise: after a crash the log is read again.
 *
 * A seal takes whole transactions only. The lines of the transaction that is being read stay behind.
 */
export class LaneSpool implements RowWriter {
  readonly key: readonly number[];
  readonly relation: LogRelation;
  readonly #clock: LineClock;
  readonly #folder: string;
  readonly #name: string;
  buffer: Buffer = Buffer.allocUnsafe(8 << 10);
  at = 0;

  #fd = -1;
  #file = '';
  #fileBytes = 0;
  #files = 0;
  /** Where the open line begins in the file. */
  #lineFrom = 0;
  #mask: Uint8Array;
  #lineMasked = false;
  #transaction = -1;
  /** The first line of the transaction that is open, or was last. */
  #openOrd = 0;
  #all = emptyCount();
  #whole = emptyCount();

  constructor(options: {
    readonly relation: LogRelation;
    readonly key: readonly number[];
    readonly clock: LineClock;
    readonly folder: string;
    readonly name: string;
  }) {
    this.relation = options.relation;
    this.key = options.key;
    this.#clock = options.clock;
    this.#folder = options.folder;
    this.#name = options.name;
    this.#mask = new Uint8Array(options.relation.columns.length);
  }

  /** Bytes of whole transactions that wait for the next seal. */
  get waitingBytes(): number {
    return this.#whole.bytes;
  }

  get isEmpty(): boolean {
    return this.#all.rows === 0;
  }

  begin(op: number): void {
    const clock = this.#clock;
    if (this.#transaction !== clock.transaction) {
      this.#transaction = clock.transaction;
      this.#openOrd = clock.nextOrd;
      clock.touched.push(this);
    }
    this.#reserve(96);
    const ord = clock.nextOrd++;
    if (this.#all.rows === 0) this.#all.firstOrd = ord;
    this.#all.lastOrd = ord;
    this.#lineFrom = this.#fileBytes + this.at;
    this.#digits(ord);
    this.buffer[this.at++] = COMMA;
    this.buffer[this.at++] = op;
    if (op >= OP_UNSEEN) this.#all.unseen = true;
    this.buffer[this.at++] = COMMA;
    this.at += clock.ts.copy(this.buffer, this.at);
    this.buffer[this.at++] = COMMA;
    this.at += clock.xid.copy(this.buffer, this.at);
    this.#lineMasked = false;
  }

  text(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length > BUFFER_BYTES / 4) {
      this.#longText(bytes, start, end);
      return;
    }
    this.#reserve(2 * length + 3);
    const buffer = this.buffer;
    let at = this.at;
    buffer[at++] = COMMA;
    buffer[at++] = QUOTE;
    if (length <= SMALL_FIELD) {
      for (let i = start; i < end; i++) {
        const byte = bytes[i]!;
        if (byte === QUOTE) buffer[at++] = QUOTE;
        buffer[at++] = byte;
      }
    } else {
      // A search over all that was read would find the next row's quote, or none, again and again.
      const value = bytes.subarray(start, end);
      let i = start;
      for (;;) {
        const next = value.indexOf(QUOTE, i - start) + start;
        if (next < start) break;
        at += bytes.copy(buffer, at, i, next + 1);
        buffer[at++] = QUOTE;
        i = next + 1;
      }
      at += bytes.copy(buffer, at, i, end);
    }
    buffer[at++] = QUOTE;
    this.at = at;
  }

  /** A value larger than a part of the buffer goes through it piece by piece. */
  #longText(bytes: Buffer, start: number, end: number): void {
    // The word could lie across two pieces, where a search in either would miss it.
    this.#all.lossy = true;
    this.#reserve(2);
    this.buffer[this.at++] = COMMA;
    this.buffer[this.at++] = QUOTE;
    let quote = bytes.indexOf(QUOTE, start);
    for (let i = start; i < end; ) {
      if (quote >= 0 && quote < i) quote = bytes.indexOf(QUOTE, i);
      const stop = Math.min(end, quote < 0 ? end : quote + 1, i + BUFFER_BYTES / 4);
      this.#reserve(stop - i + 1);
      this.at += bytes.copy(this.buffer, this.at, i, stop);
      if (stop - 1 === quote) this.buffer[this.at++] = QUOTE;
      i = stop;
    }
    this.#reserve(1);
    this.buffer[this.at++] = QUOTE;
  }

  null(): void {
    this.#reserve(1);
    this.buffer[this.at++] = COMMA;
  }

  unchanged(column: number): void {
    this.#leaveOut(column, ONE);
  }

  untold(column: number): void {
    this.#leaveOut(column, TWO);
  }

  #leaveOut(column: number, how: number): void {
    if (!this.#lineMasked) {
      this.#mask.fill(ZERO);
      this.#lineMasked = true;
    }
    this.#mask[column] = how;
    this.null();
  }

  end(): void {
    const length = this.#mask.length;
    this.#reserve(length + 2);
    this.buffer[this.at++] = COMMA;
    if (this.#lineMasked) {
      this.buffer.set(this.#mask, this.at);
      this.at += length;
      this.#all.masked = true;
    }
    this.buffer[this.at++] = NEWLINE;
    const bytes = this.#fileBytes + this.at - this.#lineFrom;
    const all = this.#all;
    all.rows++;
    all.bytes += bytes;
    if (bytes > all.longestLine) all.longestLine = bytes;
  }

  lossy(): void {
    this.#all.lossy = true;
  }

  room(bytes: number): void {
    this.#reserve(bytes);
  }

  truncate(): void {
    this.begin(OP_TRUNCATE);
    this.#all.truncates = true;
    for (let i = 0; i < this.relation.columns.length; i++) this.null();
    this.end();
  }

  /** The transaction is whole: all its lines may go with the next seal. */
  commit(): void {
    this.#whole = { ...this.#all };
  }

  /**
   * Gives away the lines of whole transactions, as a file; null where there are none. The file is the caller's.
   * @throws SluiceError STORAGE_FULL
   */
  seal(): SpoolPart | null {
    const whole = this.#whole;
    if (whole.rows === 0) return null;
    this.#flush();
    const file = this.#file;
    const rest = this.#fileBytes - whole.bytes;
    const fd = this.#fd;
    const all = this.#all;
    this.#fd = -1;
    this.#file = '';
    this.#fileBytes = 0;
    this.#all = emptyCount();
    this.#whole = emptyCount();
    if (rest > 0) {
      this.#keepTail(fd, whole.bytes, rest);
      this.#all = {
        ...all,
        rows: all.rows - whole.rows,
        bytes: rest,
        firstOrd: this.#openOrd,
      };
    }
    closeSync(fd);
    return {
      relation: this.relation,
      file,
      rows: whole.rows,
      bytes: whole.bytes,
      longestLine: whole.longestLine,
      masked: whole.masked,
      lossy: whole.lossy,
      unseen: whole.unseen,
      truncates: whole.truncates,
      firstOrd: whole.firstOrd,
      lastOrd: whole.lastOrd,
    };
  }

  /** Whatever is in it is of no use any more. */
  discard(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    if (this.#file !== '') rmSync(this.#file, { force: true });
    this.#fd = -1;
    this.#file = '';
    this.#fileBytes = 0;
    this.at = 0;
    this.#all = emptyCount();
    this.#whole = emptyCount();
  }

  /** The open transaction's lines behind the sealed ones move to a file of their own, once; they grow there. */
  #keepTail(from: number, offset: number, bytes: number): void {
    this.#openFile();
    const piece = Buffer.allocUnsafe(Math.min(bytes, 1 << 20));
    for (let done = 0; done < bytes; ) {
      const read = readSync(from, piece, 0, Math.min(piece.length, bytes - done), offset + done);
      this.#write(piece, read);
      done += read;
    }
    ftruncateSync(from, offset);
  }

  #reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const wanted = this.at + bytes;
    if (wanted <= BUFFER_BYTES) {
      const larger = Buffer.allocUnsafe(Math.min(BUFFER_BYTES, Math.max(wanted, this.buffer.length * 2)));
      this.buffer.copy(larger, 0, 0, this.at);
      this.buffer = larger;
      return;
    }
    this.#flush();
    if (bytes > this.buffer.length) this.buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  }

  #flush(): void {
    if (this.at === 0) return;
    if (this.#fd < 0) this.#openFile();
    if (!this.#all.lossy && this.buffer.subarray(0, this.at).includes('infinity')) this.#all.lossy = true;
    // Counted before the open line is: its lines may be whole already.
    if (this.#all.lossy) this.#whole.lossy = true;
    this.#write(this.buffer, this.at);
    this.at = 0;
  }

  #openFile(): void {
    this.#file = join(this.#folder, `${this.#name}-${this.#files++}.csv`);
    this.#fd = openSync(this.#file, 'w+');
    this.#fileBytes = 0;
  }

  #write(bytes: Buffer, length: number): void {
    try {
      for (let done = 0; done < length; ) done += writeSync(this.#fd, bytes, done, length - done);
    } catch (error) {
      throw spoolError(error, this.#folder);
    }
    this.#fileBytes += length;
  }

  /** Decimal digits of a whole number below 2^53, without making a string. */
  #digits(value: number): void {
    let size = 1;
    for (let v = value; v >= 10; v = Math.floor(v / 10)) size++;
    const end = this.at + size;
    let rest = value;
    for (let i = end - 1; i >= this.at; i--) {
      const tenth = Math.floor(rest / 10);
      this.buffer[i] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
    this.at = end;
  }
}

interface Count {
  rows: number;
  bytes: number;
  longestLine: number;
  masked: boolean;
  lossy: boolean;
  unseen: boolean;
  truncates: boolean;
  firstOrd: number;
  lastOrd: number;
}

function emptyCount(): Count {
  return {
    rows: 0,
    bytes: 0,
    longestLine: 0,
    masked: false,
    lossy: false,
    unseen: false,
    truncates: false,
    firstOrd: 0,
    lastOrd: 0,
  };
}

function spoolError(error: unknown, folder: string): SluiceError {
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  return new SluiceError(
    full ? 'STORAGE_FULL' : 'STORAGE_FAILED',
    `Changes could not be written to ${folder}: ${(error as Error).message}`,
    { cause: error },
  );
}
