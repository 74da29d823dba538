import { SluiceError } from '@sluice/contract';
import { CHECKSUM_BYTES } from './checksum.ts';
import { HEADER_BYTES } from './event-types.ts';

/** What the first event of every binlog file says of the file (MySQL: libs/mysql/binlog/event/control_events.h). */
export interface FormatDescription {
  readonly serverVersion: string;
  readonly checksum: 'crc32' | 'none';
  /** By type − 1: the size of the fixed part behind the header. */
  readonly postHeaderLengths: Uint8Array;
}

const VERSION_BYTES = 50;
const HEADER_LENGTH_AT = 2 + VERSION_BYTES + 4;

/**
 * Binlog version u16, server version in 50 bytes, creation time u32, length of headers u8, a byte a type, the
 * checksum's algorithm u8; the checksum's four bytes are always there. `start` is the body's.
 */
export function parseFormatDescription(bytes: Buffer, start: number, end: number): FormatDescription {
  const algorithmAt = end - CHECKSUM_BYTES - 1;
  const lengthsAt = start + HEADER_LENGTH_AT + 1;
  const version = algorithmAt > lengthsAt ? bytes.readUInt16LE(start) : 0;
  if (version !== 4 || bytes[start + HEADER_LENGTH_AT] !== HEADER_BYTES)
    throw new SluiceError(
      'SOURCE_PROTOCOL',
      `the server's binary log has a format (${version}) that is not known`,
    );
  const algorithm = bytes[algorithmAt];
  // 0: off; 1: CRC32; 255: not known, as servers say it that know no checksums.
  if (algorithm !== 0 && algorithm !== 1 && algorithm !== 255)
    throw new SluiceError(
      'SOURCE_PROTOCOL',
      `the server's binary log has checksums of an unknown kind (${algorithm})`,
    );
  return {
    serverVersion: bytes.toString('latin1', start + 2, start + 2 + VERSION_BYTES).replace(/\0.*$/s, ''),
    checksum: algorithm === 1 ? 'crc32' : 'none',
    postHeaderLengths: Uint8Array.prototype.slice.call(bytes, lengthsAt, algorithmAt),
  };
}
