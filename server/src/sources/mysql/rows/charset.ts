import { SluiceError } from '@sluice/contract';

/** Turns text of one character set into UTF-8. */
export interface Converter {
  /** The last result; valid until the next call. */
  readonly out: Buffer;
  /** Returns how many bytes of `out` it made of [start, end). */
  convert(bytes: Buffer, start: number, end: number): number;
}

type Ask = (sql: string) => Promise<readonly Record<string, string | null>[]>;

/** What the server prints where a character has no counterpart. */
const QUESTION_MARK = 0x3f;
const UNKNOWN = -1;

/** Their bytes are UTF-8 as they are. */
const UTF8: ReadonlySet<string> = new Set(['utf8', 'utf8mb3', 'utf8mb4', 'binary']);

/** Character sets with more than one byte a character, and what their characters of more bytes than one begin with. */
const MULTIBYTE: Readonly<Record<string, readonly CodeRange[]>> = (() => {
  const two: readonly CodeRange[] = [{ from: [0x80, 0x00], to: [0xff, 0xff] }];
  const three: CodeRange = { from: [0x8f, 0xa1, 0xa1], to: [0x8f, 0xfe, 0xfe] };
  return {
    big5: two,
    cp932: two,
    euckr: two,
    gb2312: two,
    gbk: two,
    sjis: two,
    ujis: [...two, three],
    eucjpms: [...two, three],
    gb18030: [...two, { from: [0x81, 0x30, 0x81, 0x30], to: [0x84, 0x39, 0xfe, 0x39] }],
  };
})();

/** All codes of which each byte is between that of `from` and that of `to`. */
interface CodeRange {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * The character sets of a server, by name. Their tables come from the server itself: the same name means other
 * characters elsewhere (MySQL's latin1 is cp1252 with the gaps filled), and the load's text is the server's.
 */
export class Charsets {
  readonly #converters = new Map<string, Converter>();

  /** Must have been called for a name before `get` is. @throws SluiceError */
  async load(ask: Ask, names: Iterable<string>): Promise<void> {
    for (const name of names) {
      if (UTF8.has(name) || this.#converters.has(name)) continue;
      this.#converters.set(name, await loadCharset(ask, name));
    }
  }

  /** null: the bytes are UTF-8 already. @throws SluiceError INTERNAL for a name that was not loaded */
  get(name: string): Converter | null {
    if (UTF8.has(name)) return null;
    const converter = this.#converters.get(name);
    if (!converter) throw new SluiceError('INTERNAL', `The character set ${name} was not loaded.`);
    return converter;
  }
}

/** Asks the server with a few statements; for character sets of the Unicode kind not at all. */
export async function loadCharset(ask: Ask, name: string): Promise<Converter> {
  switch (name) {
    case 'ucs2':
      return new Ucs2();
    case 'utf16':
      return new Utf16(false);
    case 'utf16le':
      return new Utf16(true);
    case 'utf32':
      return new Utf32();
  }
  if (!/^[a-z0-9_]+$/i.test(name)) throw new SluiceError('INTERNAL', `${name} is no character set.`);
  const table = new CodeTable(name === 'gb18030');
  await fill(ask, name, { from: [0], to: [0xff] }, table);
  for (const range of MULTIBYTE[name] ?? []) await fill(ask, name, range, table);
  return new TableConverter(table);
}

async function fill(ask: Ask, name: string, range: CodeRange, table: CodeTable): Promise<void> {
  for (const row of await ask(codesSql(name, range)))
    if (row.code !== null && row.unicode !== null && row.unicode !== undefined)
      table.set(Buffer.from(row.code!, 'hex'), row.unicode);
}

/** Rows: the code in hexadecimal, and its character as UTF-32 in hexadecimal; null or `?` where there is none. */
function codesSql(name: string, range: CodeRange): string {
  const digits = `(${Array.from({ length: 16 }, (_, i) => `SELECT '${i.toString(16).toUpperCase()}' d`).join(' UNION ALL ')})`;
  const tables: string[] = [];
  const bytes: string[] = [];
  const wanted: string[] = [];
  for (const [i, from] of range.from.entries()) {
    tables.push(`${digits} h${i}`, `${digits} l${i}`);
    const byte = `CONCAT(h${i}.d, l${i}.d)`;
    bytes.push(byte);
    wanted.push(`${byte} BETWEEN '${hexByte(from)}' AND '${hexByte(range.to[i]!)}'`);
  }
  const code = `CONCAT(${bytes.join(', ')})`;
  return (
    `SELECT ${code} code, HEX(CONVERT(CONVERT(UNHEX(${code}) USING ${name}) USING utf32)) unicode` +
    ` FROM ${tables.join(', ')} WHERE ${wanted.join(' AND ')}`
  );
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0').toUpperCase();
}

/** Characters of codes of one to four bytes; UNKNOWN where there is none. */
class CodeTable {
  readonly one = new Int32Array(256).fill(UNKNOWN);
  readonly two = new Int32Array(65_536).fill(UNKNOWN);
  /** Behind the byte 8F. */
  readonly three = new Map<number, number>();
  readonly four: Map<number, number> | null;

  constructor(four: boolean) {
    this.four = four ? new Map() : null;
  }

  set(code: Buffer, unicode: string): void {
    // Two characters mean that the bytes are not one code.
    if (unicode.length !== 8) return;
    const point = Number.parseInt(unicode, 16);
    if (point === QUESTION_MARK && (code.length > 1 || code[0] !== QUESTION_MARK)) return;
    const number = code.readUIntBE(0, code.length);
    if (code.length === 1) this.one[number] = point;
    else if (code.length === 2) this.two[number] = point;
    else if (code.length === 3) this.three.set(number, point);
    else this.four?.set(number, point);
  }
}

/** What grows with its text, up to four bytes a character. */
abstract class Growing implements Converter {
  out = Buffer.allocUnsafe(256);

  abstract convert(bytes: Buffer, start: number, end: number): number;

  protected reserve(bytes: number): void {
    if (this.out.length < bytes) this.out = Buffer.allocUnsafe(Math.max(bytes, this.out.length * 2));
  }
}

class TableConverter extends Growing {
  readonly #table: CodeTable;

  constructor(table: CodeTable) {
    super();
    this.#table = table;
  }

  convert(bytes: Buffer, start: number, end: number): number {
    this.reserve(4 * (end - start));
    const out = this.out;
    const table = this.#table;
    let o = 0;
    for (let q = start; q < end; ) {
      const first = bytes[q]!;
      const single = table.one[first]!;
      if (single !== UNKNOWN) {
        q++;
        if (single < 0x80) out[o++] = single;
        else o = writePoint(out, o, single);
        continue;
      }
      const pair = q + 1 < end ? table.two[(first << 8) | bytes[q + 1]!]! : UNKNOWN;
      if (pair !== UNKNOWN) {
        q += 2;
        o = writePoint(out, o, pair);
        continue;
      }
      const size = this.#longSize(bytes, q, end);
      o = writePoint(out, o, size > 2 ? this.#long(bytes, q, size) : QUESTION_MARK);
      q += size;
    }
    return o;
  }

  /** Bytes of a code that is not in the tables of one and two. */
  #longSize(bytes: Buffer, q: number, end: number): number {
    if (this.#table.three.size > 0 && bytes[q] === 0x8f && q + 3 <= end) return 3;
    const second = bytes[q + 1]!;
    if (this.#table.four && q + 4 <= end && second >= 0x30 && second <= 0x39) return 4;
    return Math.min(2, end - q);
  }

  #long(bytes: Buffer, q: number, size: number): number {
    const found = (size === 3 ? this.#table.three : this.#table.four!).get(bytes.readUIntBE(q, size));
    if (found !== undefined) return found;
    if (size === 3 || bytes[q]! < 0x90) return QUESTION_MARK;
    // GB 18030 numbers the planes behind the first in one sequence.
    const index =
      (((bytes[q]! - 0x90) * 10 + bytes[q + 1]! - 0x30) * 126 + bytes[q + 2]! - 0x81) * 10 +
      bytes[q + 3]! -
      0x30;
    return index <= 0xfffff ? 0x10000 + index : QUESTION_MARK;
  }
}

class Ucs2 extends Growing {
  convert(bytes: Buffer, start: number, end: number): number {
    this.reserve(2 * (end - start));
    let o = 0;
    // A surrogate is a character of its own here; the server sends it as the three bytes that UTF-8 forbids, and so do
    // we: the target refuses both.
    for (let q = start; q + 1 < end; q += 2) o = writePoint(this.out, o, (bytes[q]! << 8) | bytes[q + 1]!);
    return o;
  }
}

class Utf16 extends Growing {
  readonly #low: number;

  /** `little`: the low byte first. */
  constructor(little: boolean) {
    super();
    this.#low = little ? 0 : 1;
  }

  convert(bytes: Buffer, start: number, end: number): number {
    this.reserve(2 * (end - start) + 4);
    const low = this.#low;
    const high = 1 - low;
    let o = 0;
    for (let q = start; q + 1 < end; q += 2) {
      let point = (bytes[q + high]! << 8) | bytes[q + low]!;
      if (point >= 0xd800 && point < 0xdc00 && q + 3 < end) {
        const next = (bytes[q + 2 + high]! << 8) | bytes[q + 2 + low]!;
        if (next >= 0xdc00 && next < 0xe000) {
          point = 0x10000 + ((point - 0xd800) << 10) + next - 0xdc00;
          q += 2;
        }
      }
      o = writePoint(this.out, o, point >= 0xd800 && point < 0xe000 ? QUESTION_MARK : point);
    }
    return o;
  }
}

class Utf32 extends Growing {
  convert(bytes: Buffer, start: number, end: number): number {
    this.reserve(end - start + 4);
    let o = 0;
    for (let q = start; q + 3 < end; q += 4) {
      const point = bytes.readUInt32BE(q);
      o = writePoint(this.out, o, point > 0x10ffff ? QUESTION_MARK : point);
    }
    return o;
  }
}

function writePoint(out: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    out[at] = point;
    return at + 1;
  }
  let o = at;
  if (point < 0x800) out[o++] = 0xc0 | (point >> 6);
  else {
    if (point < 0x10000) out[o++] = 0xe0 | (point >> 12);
    else {
      out[o++] = 0xf0 | (point >> 18);
      out[o++] = 0x80 | ((point >> 12) & 0x3f);
    }
    out[o++] = 0x80 | ((point >> 6) & 0x3f);
  }
  out[o++] = 0x80 | (point & 0x3f);
  return o;
}
