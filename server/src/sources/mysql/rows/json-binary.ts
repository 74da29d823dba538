import { SluiceError } from '@sluice/contract';
import { TYPE } from './column-types.ts';
import { decimalTextBytes, writeDecimal } from './decimal.ts';
import { readDouble, uint32, writeDigits, writeInt64, writeUint64 } from './digits.ts';
import { doubleText } from './double-text.ts';
import { packedDateText, packedDatetimeText, packedTimeText } from './temporal.ts';
import type { TextBuffer } from './text-buffer.ts';

/** The kinds of a value in MySQL's binary JSON (sql-common/json_binary.h). */
export const JSONB = {
  smallObject: 0,
  largeObject: 1,
  smallArray: 2,
  largeArray: 3,
  literal: 4,
  int16: 5,
  uint16: 6,
  int32: 7,
  uint32: 8,
  int64: 9,
  uint64: 10,
  double: 11,
  string: 12,
  opaque: 15,
} as const;

const LITERALS = ['null', 'true', 'false'] as const;
/** base64_encode puts a line end, printed as \n, behind so many characters (mysys/base64.cc). */
const BASE64_LINE = 76;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  8: '\\b',
  9: '\\t',
  10: '\\n',
  12: '\\f',
  13: '\\r',
};

/** Writes the text of a stored document exactly as the server prints it. @throws SluiceError SOURCE_PROTOCOL */
export function writeJson(bytes: Buffer, start: number, end: number, out: TextBuffer): void {
  // A column that was filled without a value (INSERT IGNORE) holds nothing, which reads as null.
  if (start === end) out.ascii('null');
  else writeJsonValue(bytes, bytes[start]!, start + 1, end, out);
}

/** A value of kind `type` whose data begin at `at`. */
export function writeJsonValue(bytes: Buffer, type: number, at: number, end: number, out: TextBuffer): void {
  switch (type) {
    case JSONB.smallObject:
    case JSONB.largeObject:
    case JSONB.smallArray:
    case JSONB.largeArray:
      writeContainer(bytes, type, at, end, out);
      return;
    default:
      writeScalar(bytes, type, at, end, out);
      return;
  }
}

/**
 * A container's head: count and size of all in 2 or 4 bytes; for an object the keys' entries (offset, length in 2); the
 * values' entries (kind, offset or the value itself where it fits). Offsets count from the head.
 */
export class Container {
  readonly isObject: boolean;
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #end: number;
  readonly #wide: boolean;
  readonly #values: number;

  constructor(bytes: Buffer, type: number, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#wide = type === JSONB.largeObject || type === JSONB.largeArray;
    this.isObject = type === JSONB.smallObject || type === JSONB.largeObject;
    this.count = this.#number(at);
    const size = this.#number(at + this.#width);
    this.#end = at + size;
    const keyBytes = this.isObject ? this.count * (this.#width + 2) : 0;
    this.#values = at + 2 * this.#width + keyBytes;
    if (this.#end > end || this.#values + this.count * (this.#width + 1) > this.#end) throw malformed();
  }

  get #width(): number {
    return this.#wide ? 4 : 2;
  }

  #number(at: number): number {
    return this.#wide ? uint32(this.#bytes, at) : this.#bytes[at]! | (this.#bytes[at + 1]! << 8);
  }

  keyStart(i: number): number {
    return this.#at + this.#number(this.#keyEntry(i));
  }

  keyEnd(i: number): number {
    const length = this.#keyEntry(i) + this.#width;
    const end = this.keyStart(i) + (this.#bytes[length]! | (this.#bytes[length + 1]! << 8));
    if (end > this.#end) throw malformed();
    return end;
  }

  #keyEntry(i: number): number {
    return this.#at + 2 * this.#width + i * (this.#width + 2);
  }

  valueType(i: number): number {
    return this.#bytes[this.#valueEntry(i)]!;
  }

  /** Where the value's data begin. */
  valueAt(i: number): number {
    const entry = this.#valueEntry(i);
    switch (this.#bytes[entry]) {
      case JSONB.literal:
      case JSONB.int16:
      case JSONB.uint16:
        return entry + 1;
      case JSONB.int32:
      case JSONB.uint32:
        if (this.#wide) return entry + 1;
    }
    const at = this.#at + this.#number(entry + 1);
    if (at >= this.#end) throw malformed();
    return at;
  }

  /** Of the bytes in which the values lie. */
  get end(): number {
    return this.#end;
  }

  #valueEntry(i: number): number {
    return this.#values + i * (this.#width + 1);
  }
}

function writeContainer(bytes: Buffer, type: number, at: number, end: number, out: TextBuffer): void {
  const container = new Container(bytes, type, at, end);
  out.byte(container.isObject ? 0x7b : 0x5b);
  for (let i = 0; i < container.count; i++) {
    if (i > 0) out.ascii(', ');
    if (container.isObject) {
      writeJsonString(bytes, container.keyStart(i), container.keyEnd(i), out);
      out.ascii(': ');
    }
    writeJsonValue(bytes, container.valueType(i), container.valueAt(i), container.end, out);
  }
  out.byte(container.isObject ? 0x7d : 0x5d);
}

function writeScalar(bytes: Buffer, type: number, at: number, end: number, out: TextBuffer): void {
  out.reserve(32);
  switch (type) {
    case JSONB.literal: {
      const literal = LITERALS[bytes[at]!];
      if (literal === undefined) throw malformed();
      out.ascii(literal);
      return;
    }
    case JSONB.int16:
      signed(out, ((bytes[at]! << 16) | (bytes[at + 1]! << 24)) >> 16);
      return;
    case JSONB.uint16:
      signed(out, bytes[at]! | (bytes[at + 1]! << 8));
      return;
    case JSONB.int32:
      signed(out, uint32(bytes, at) | 0);
      return;
    case JSONB.uint32:
      signed(out, uint32(bytes, at));
      return;
    case JSONB.int64:
      out.length = writeInt64(bytes, at, out.bytes, out.length);
      return;
    case JSONB.uint64:
      out.length = writeUint64(out.bytes, out.length, uint32(bytes, at + 4), uint32(bytes, at));
      return;
    case JSONB.double: {
      const text = doubleText(readDouble(bytes, at));
      // Json_wrapper::to_string marks a double that looks like an integer.
      out.ascii(/^-?\d+$/.test(text) ? `${text}.0` : text);
      return;
    }
    case JSONB.string: {
      const from = at + lengthBytes(bytes, at);
      const to = from + readLength(bytes, at);
      if (to > end) throw malformed();
      writeJsonString(bytes, from, to, out);
      return;
    }
    case JSONB.opaque:
      writeOpaque(bytes, at, end, out);
      return;
    default:
      throw malformed();
  }
}

function signed(out: TextBuffer, value: number): void {
  if (value < 0) out.bytes[out.length++] = 0x2d;
  out.length = writeDigits(out.bytes, out.length, Math.abs(value));
}

/** A value of an SQL type that JSON does not have: its type, a length, its bytes. */
function writeOpaque(bytes: Buffer, at: number, end: number, out: TextBuffer): void {
  const type = bytes[at]!;
  const from = at + 1 + lengthBytes(bytes, at + 1);
  const to = from + readLength(bytes, at + 1);
  if (to > end) throw malformed();
  switch (type) {
    case TYPE.NEWDECIMAL: {
      const precision = bytes[from]!;
      out.reserve(decimalTextBytes(precision));
      out.length = writeDecimal(bytes, from + 2, precision, bytes[from + 1]!, false, out.bytes, out.length);
      return;
    }
    case TYPE.DATE:
      out.ascii(`"${packedDateText(bytes.readBigInt64LE(from))}"`);
      return;
    case TYPE.TIME:
      out.ascii(`"${packedTimeText(bytes.readBigInt64LE(from))}"`);
      return;
    case TYPE.DATETIME:
    case TYPE.TIMESTAMP:
      out.ascii(`"${packedDatetimeText(bytes.readBigInt64LE(from))}"`);
      return;
    default: {
      const base64 = bytes.toString('base64', from, to);
      const lines = base64.match(new RegExp(`.{1,${BASE64_LINE}}`, 'g')) ?? [];
      out.ascii(`"base64:type${type}:${lines.join('\\n')}"`);
      return;
    }
  }
}

/** As double_quote of sql-common/json_dom.cc escapes it. */
export function writeJsonString(bytes: Buffer, start: number, end: number, out: TextBuffer): void {
  out.reserve(2 + 6 * (end - start));
  const text = out.bytes;
  let o = out.length;
  text[o++] = QUOTE;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x20) {
      if (byte === QUOTE || byte === BACKSLASH) text[o++] = BACKSLASH;
      text[o++] = byte;
      continue;
    }
    const escaped = SHORT_ESCAPES[byte] ?? `\\u00${byte.toString(16).padStart(2, '0')}`;
    for (let k = 0; k < escaped.length; k++) text[o++] = escaped.charCodeAt(k);
  }
  text[o++] = QUOTE;
  out.length = o;
}

/** Lengths stand in groups of seven bits, the lowest first. */
function readLength(bytes: Buffer, at: number): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i]!;
    length += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return length;
  }
  throw malformed();
}

function lengthBytes(bytes: Buffer, at: number): number {
  let i = 1;
  while (bytes[at + i - 1]! >= 0x80) i++;
  return i;
}

export function malformed(): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', 'the log holds a JSON document of an unknown form');
}
