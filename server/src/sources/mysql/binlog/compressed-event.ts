import { inflateSync } from 'node:zlib';
import { SluiceError } from '@sluice/contract';
import { lengthEncoded, lengthEncodedSize } from '../wire/packets.ts';
import { EVENT, eventName, HEADER_BYTES, LENGTH_AT, TYPE_AT } from './event-types.ts';

/** MariaDB's events of log_bin_compress, and the types that they are otherwise. */
const PLAIN: Readonly<Record<number, number>> = {
  [EVENT.QUERY_COMPRESSED]: EVENT.QUERY,
  [EVENT.WRITE_ROWS_COMPRESSED_V1]: EVENT.WRITE_ROWS_V1,
  [EVENT.UPDATE_ROWS_COMPRESSED_V1]: EVENT.UPDATE_ROWS_V1,
  [EVENT.DELETE_ROWS_COMPRESSED_V1]: EVENT.DELETE_ROWS_V1,
  [EVENT.WRITE_ROWS_COMPRESSED]: EVENT.WRITE_ROWS,
  [EVENT.UPDATE_ROWS_COMPRESSED]: EVENT.UPDATE_ROWS,
  [EVENT.DELETE_ROWS_COMPRESSED]: EVENT.DELETE_ROWS,
};

/** One statement's rows are of no fixed limit, an event is of 4 GB. */
const MAX_BYTES = 0x40000000;

export function isCompressedEvent(type: number): boolean {
  return type in PLAIN;
}

/**
 * The same event without compression and without checksum (MariaDB: sql/log_event.cc, query_event_uncompress and
 * row_log_event_uncompress): what stands before the query's text or the rows is as it is; behind that come a byte
 * (0x80, the algorithm in bits 4-6: 0 is zlib, the size of the length in bits 0-2), the length (big endian), and the
 * compressed rest. `start` is the header's, `end` lies before the checksum.
 */
export function decompressEvent(bytes: Buffer, start: number, end: number): Buffer {
  const type = bytes[start + TYPE_AT] ?? 0;
  try {
    const at = type === EVENT.QUERY_COMPRESSED ? queryAt(bytes, start) : rowsAt(bytes, start, type);
    const info = bytes[at] ?? 0;
    const lengthBytes = info & 0x07;
    if ((info & 0xf0) !== 0x80 || lengthBytes < 1 || lengthBytes > 4) throw new Error(`header byte ${info}`);
    const length = bytes.readUIntBE(at + 1, lengthBytes);
    if (length > MAX_BYTES) throw new Error(`${length} bytes`);
    const rest = inflateSync(bytes.subarray(at + 1 + lengthBytes, end), { maxOutputLength: length + 1 });
    if (rest.length !== length) throw new Error(`${rest.length} bytes instead of ${length}`);
    const plain = Buffer.concat([bytes.subarray(start, at), rest]);
    plain[TYPE_AT] = PLAIN[type] ?? 0;
    plain.writeUInt32LE(plain.length, LENGTH_AT);
    return plain;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SluiceError(
      'BINLOG_CORRUPT',
      `a compressed event (${eventName(type)}) cannot be read: ${message}`,
      {
        cause: error,
      },
    );
  }
}

/** Thread u32, duration u32, length of the database's name u8, error u16, length of the variables u16; these; the name and a zero. */
function queryAt(bytes: Buffer, start: number): number {
  const body = start + HEADER_BYTES;
  const databaseBytes = bytes.readUInt8(body + 8);
  const variableBytes = bytes.readUInt16LE(body + 11);
  return body + 13 + variableBytes + databaseBytes + 1;
}

/** Table id of 6 bytes, flags u16, from v2 on extra data (a u16 of length that counts itself); the width, and a bitmap of columns (updates: two). */
function rowsAt(bytes: Buffer, start: number, type: number): number {
  let at = start + HEADER_BYTES + 8;
  if (type >= EVENT.WRITE_ROWS_COMPRESSED) at += bytes.readUInt16LE(at);
  const width = lengthEncoded(bytes, at);
  at += lengthEncodedSize(bytes[at] ?? 0);
  const bitmap = (width + 7) >> 3;
  const update = type === EVENT.UPDATE_ROWS_COMPRESSED_V1 || type === EVENT.UPDATE_ROWS_COMPRESSED;
  return at + (update ? 2 * bitmap : bitmap);
}
