import { SluiceError } from '@sluice/contract';
import { crc32 } from './crc32.ts';
import { EVENT, eventName, FLAG, FLAGS_AT, TYPE_AT } from './event-types.ts';

export const CHECKSUM_BYTES = 4;

/** Whether the last four bytes are the CRC32 of those before (little endian, as zlib computes it). */
export function checksumFits(bytes: Buffer, start: number, end: number): boolean {
  const bodyEnd = end - CHECKSUM_BYTES;
  if (bodyEnd <= start) return false;
  const told =
    (bytes[bodyEnd]! |
      (bytes[bodyEnd + 1]! << 8) |
      (bytes[bodyEnd + 2]! << 16) |
      (bytes[bodyEnd + 3]! << 24)) >>>
    0;
  if (
    bytes[start + TYPE_AT] === EVENT.FORMAT_DESCRIPTION &&
    ((bytes[start + FLAGS_AT] ?? 0) & FLAG.inUse) !== 0
  ) {
    const event = Buffer.from(bytes.subarray(start, bodyEnd));
    event[FLAGS_AT] = (event[FLAGS_AT] ?? 0) & ~FLAG.inUse;
    return crc32(event, 0, event.length) === told;
  }
  return crc32(bytes, start, bodyEnd) === told;
}

/** `where` says which event */
export function checksumError(bytes: Buffer, start: number, end: number, where: string): SluiceError {
  const type = eventName(bytes[start + TYPE_AT] ?? 0);
  return new SluiceError(
    'BINLOG_CORRUPT',
    `the checksum of an event (${type}, ${end - start} bytes) ${where} does not fit`,
  );
}
