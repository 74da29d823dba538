import { SluiceError } from '@sluice/contract';
import type { RowWriter } from '../../source.ts';
import { geometryText } from '../geometry.ts';
import { inet4Text, inet6Text, uuidText } from './addresses.ts';
import type { Converter } from './charset.ts';
import { uncompressed } from './compressed.ts';
import { writeDecimal } from './decimal.ts';
import { readDouble, readFloat, uint32, writeDigits, writeInt64, writeUint64 } from './digits.ts';
import { writeDouble } from './double-digits.ts';
import { trimmedEnd, writeHex, writeQuoted } from './field-output.ts';
import { writeJson } from './json-binary.ts';
import {
  isPartialDatetime,
  isPartialOldDatetime,
  writeDate,
  writeDatetime,
  writeOldDatetime,
  writeOldTime,
  writeOldTimestamp,
  writeTime,
  writeTimestamp,
} from './temporal.ts';
import { TextBuffer } from './text-buffer.ts';

const scratch = new TextBuffer();
const COMMA = 0x2c;
const SIXTEEN = new Uint8Array(16);

/** What the code of field-code.ts calls. */
export const FIELD_FUNCTIONS = {
  readDouble,
  readFloat,
  uint32,
  writeDigits,
  writeDouble,
  writeInt64,
  writeUint64,
  writeDecimal,
  writeDate,
  writeDatetime,
  isPartialDatetime,
  isPartialOldDatetime,
  writeTimestamp,
  writeTime,
  writeOldDatetime,
  writeOldTime,
  writeOldTimestamp,
  writeQuoted,
  writeHex,
  trimmedEnd,
  json,
  geometry,
  convertedText,
  compressedText,
  compressedHex,
  uuid,
  inet4,
  inet6,
  member,
  members,
  noMember,
  cutOff,
};

function json(writer: RowWriter, bytes: Buffer, start: number, end: number): void {
  scratch.length = 0;
  writeJson(bytes, start, end, scratch);
  writeQuoted(writer, scratch.bytes, 0, scratch.length);
}

function geometry(writer: RowWriter, bytes: Buffer, start: number, end: number): void {
  const text = Buffer.from(geometryText(bytes, start, end), 'latin1');
  writeQuoted(writer, text, 0, text.length);
}

function convertedText(
  writer: RowWriter,
  converter: Converter,
  bytes: Buffer,
  start: number,
  end: number,
  trim: boolean,
): void {
  const length = converter.convert(bytes, start, end);
  const text = converter.out;
  writeQuoted(writer, text, 0, trim ? trimmedEnd(text, 0, length) : length);
}

function compressedText(
  writer: RowWriter,
  converter: Converter | null,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  const plain = uncompressed(bytes, start, end);
  if (converter) convertedText(writer, converter, plain, 0, plain.length, false);
  else writeQuoted(writer, plain, 0, plain.length);
}

function compressedHex(writer: RowWriter, bytes: Buffer, start: number, end: number): void {
  const plain = uncompressed(bytes, start, end);
  writeHex(writer, plain, 0, plain.length, 0);
}

/** The log leaves out zero bytes at the end of a value of fixed length. */
function whole(bytes: Buffer, start: number, end: number): Uint8Array {
  SIXTEEN.fill(0);
  SIXTEEN.set(bytes.subarray(start, Math.min(end, start + 16)));
  return SIXTEEN;
}

function uuid(writer: RowWriter, bytes: Buffer, start: number, end: number): void {
  ascii(writer, uuidText(whole(bytes, start, end)));
}

function inet4(writer: RowWriter, bytes: Buffer, start: number, end: number): void {
  ascii(writer, inet4Text(whole(bytes, start, end)));
}

function inet6(writer: RowWriter, bytes: Buffer, start: number, end: number): void {
  ascii(writer, inet6Text(whole(bytes, start, end)));
}

function ascii(writer: RowWriter, text: string): void {
  writer.room(text.length + 1);
  const out = writer.buffer;
  let o = writer.at;
  out[o++] = COMMA;
  for (let i = 0; i < text.length; i++) out[o++] = text.charCodeAt(i);
  writer.at = o;
}

function member(writer: RowWriter, values: readonly Buffer[], number: number): void {
  const value = values[number];
  if (!value) noMember();
  writeQuoted(writer, value, 0, value.length);
}

/** A set's mask, little-endian, a bit a member. */
function members(
  writer: RowWriter,
  values: readonly Buffer[],
  bytes: Buffer,
  at: number,
  size: number,
): void {
  scratch.length = 0;
  let first = true;
  for (let i = 0; i < 8 * size; i++) {
    if ((bytes[at + (i >> 3)]! & (1 << (i & 7))) === 0) continue;
    const value = values[i];
    if (!value) noMember();
    if (!first) scratch.byte(COMMA);
    first = false;
    scratch.copy(value, 0, value.length);
  }
  writeQuoted(writer, scratch.bytes, 0, scratch.length);
}

function noMember(): never {
  throw new SluiceError(
    'SOURCE_PROTOCOL',
    'the log holds a member of an enum or set that the table does not have',
  );
}

function cutOff(): never {
  throw new SluiceError('SOURCE_PROTOCOL', 'the log holds a value longer than its event');
}
