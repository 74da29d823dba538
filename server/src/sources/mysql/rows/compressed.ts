import { inflateRawSync, inflateSync } from 'node:zlib';
import { SluiceError } from '@sluice/contract';

const ZLIB = 8;
const EMPTY = Buffer.alloc(0);

/**
 * The bytes of a value of a MariaDB COMPRESSED column (sql/field.cc, uncompress_zlib): a byte 0 before plain bytes; else
 * the method in its high half, whether the stream has no zlib header (bit 3) and how many bytes, big-endian, tell the
 * length.
 * @throws SluiceError SOURCE_PROTOCOL
 */
export function uncompressed(bytes: Buffer, start: number, end: number): Buffer {
  if (start === end) return EMPTY;
  const head = bytes[start]!;
  if (head === 0) return bytes.subarray(start + 1, end);
  const size = head & 0x07;
  if (head >> 4 !== ZLIB || size === 0 || start + 1 + size > end) throw malformed();
  const length = bytes.readUIntBE(start + 1, size);
  const stream = bytes.subarray(start + 1 + size, end);
  const options = { maxOutputLength: Math.max(1, length) };
  try {
    const plain = (head & 0x08) !== 0 ? inflateRawSync(stream, options) : inflateSync(stream, options);
    if (plain.length !== length) throw malformed();
    return plain;
  } catch (error) {
    throw error instanceof SluiceError ? error : malformed(error);
  }
}

function malformed(cause?: unknown): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', 'the log holds a compressed value of an unknown form', { cause });
}
