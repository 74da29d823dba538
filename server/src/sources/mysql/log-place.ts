import type { GtidSet, MysqlGtidSet } from './gtid.ts';
import type { GtidEvent } from './gtid-event.ts';
import type { BinlogPosition } from './position.ts';

/** A place in the files of one server. */
export interface FilePlace {
  readonly file: string;
  readonly offset: number;
}

/** Files are numbered behind their last dot. */
export function fileNumber(name: string): number {
  return Number(name.slice(name.lastIndexOf('.') + 1));
}

export function comparePlaces(a: FilePlace, b: FilePlace): number {
  if (a.file === b.file) return a.offset - b.offset;
  return fileNumber(a.file) - fileNumber(b.file);
}

/** A transaction's number (ChangeSink.begin), by the place of its first byte. */
export function transactionNumber(file: string, offset: number): number {
  return fileNumber(file) * 0x1_0000_0000 + offset;
}

/**
 * Where the reader is: behind the last transaction that was read whole. Its text is made for every transaction, so
 * the usual step, the next number of the same source, costs no more than putting strings together.
 */
export class LogPlace implements FilePlace {
  readonly #server: string;
  #file: string;
  #offset: number;
  readonly #gtids: GtidSet | null;
  #gtidText: GtidText;

  /** `server`: the one that is read. Files of another one mean nothing on it. */
  constructor(from: BinlogPosition, server: string) {
    const own = from.file !== null && (from.server === null || from.server === server);
    this.#server = server;
    this.#file = own ? from.file.name : '';
    this.#offset = own ? from.file.offset : 0;
    this.#gtids = from.gtids?.clone() ?? null;
    this.#gtidText = new GtidText(this.#gtids?.toString() ?? '');
  }

  /** '' until the server has told it. */
  get file(): string {
    return this.#file;
  }

  get offset(): number {
    return this.#offset;
  }

  get known(): boolean {
    return this.#file !== '';
  }

  /** Whether the place lies at this one or behind it. */
  reaches(place: FilePlace): boolean {
    return this.known && comparePlaces(this, place) >= 0;
  }

  /** False where it was there already: a server that is asked by GTID begins to tell further back. */
  moveTo(file: string, offset: number): boolean {
    if (this.reaches({ file, offset })) return false;
    this.#file = file;
    this.#offset = offset;
    return true;
  }

  /** The transaction was read whole. */
  add(id: GtidEvent['id']): void {
    if (id === null || this.#gtids === null) return;
    if (id.kind === 'mysql' && this.#gtids.kind === 'mysql') {
      this.#gtids.add(id.source, id.number);
      this.#gtidText.add(this.#gtids, id.source, id.number);
    } else if (id.kind === 'mariadb' && this.#gtids.kind === 'mariadb') {
      this.#gtids.add(id.domain, id.server, id.sequence);
      this.#gtidText = new GtidText(this.#gtids.toString());
    }
  }

  /** As formatPosition writes it. */
  toString(): string {
    return `${this.known ? `${this.#file}:${this.#offset}` : ''}|${this.#server}|${this.#gtidText.text}`;
  }
}

/** The text of a growing set of MySQL's. */
class GtidText {
  #text: string;
  /** What stands before and behind the last number of `#source`. */
  #head = '';
  #tail = '';
  #source = '';
  #last = -1n;

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  add(set: MysqlGtidSet, source: string, number: bigint): void {
    if (source === this.#source && number === this.#last + 1n) {
      this.#last = number;
      this.#text = `${this.#head}${number}${this.#tail}`;
      return;
    }
    this.#text = set.toString();
    this.#source = '';
    if (source.includes(':')) return;
    const begin = this.#text.indexOf(source);
    const comma = this.#text.indexOf(',', begin);
    const end = comma < 0 ? this.#text.length : comma;
    // `-<number>` ends the numbers of this source, where tags do not come behind them.
    const ending = `-${number}`;
    if (begin < 0 || !this.#text.slice(begin, end).endsWith(ending)) return;
    this.#source = source;
    this.#last = number;
    this.#head = this.#text.slice(0, end - ending.length + 1);
    this.#tail = this.#text.slice(end);
  }
}
