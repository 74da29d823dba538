import { SluiceError } from '@sluice/contract';
import { ServerError } from '../errors.ts';

const HEADER_BYTES = 4;
/** A packet this long is continued by the next one ("MySQL Packets"). */
const FULL_PACKET = 0xffffff;
/** The server's own limit of what it sends as one (MAX_MAX_ALLOWED_PACKET, and an event's header). */
const MAX_PAYLOAD_BYTES = 0x40000000 + 64 * 1024;

/** First bytes of payloads. */
export const PAYLOAD = { ok: 0x00, eof: 0xfe, error: 0xff } as const;

/**
 * Cuts the server's bytes into payloads: three bytes of length, a sequence number, the bytes; payloads of 16 MB and
 * more come in several packets and are joined. What lies whole in a chunk is handed out where it lies; what is split
 * over chunks or packets is put together in a buffer of its known size, or where the size is not known beforehand, in
 * one that doubles.
 */
export class PacketFramer {
  /** The payload that `next` found; the bytes are valid until the next `push`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  readonly #sizeOf: (bytes: Buffer, start: number, end: number) => number;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFill = 0;
  /** Bytes of the current packet that are still to come; −1: a header is next. */
  #left = -1;
  #continued = false;
  #partial: Buffer | null = null;
  #fill = 0;
  #sequence = 0;

  /** `sizeOf`: the size of the whole payload, which the first bytes of a long one may tell; 0: not known. */
  constructor(sizeOf: (bytes: Buffer, start: number, end: number) => number = () => 0) {
    this.#sizeOf = sizeOf;
  }

  /** Bytes that the payload has at least of which `next` has found the beginning only. */
  get underWay(): number {
    return this.#left < 0 ? this.#fill : this.#fill + this.#left;
  }

  /** To be called when a command is sent: sequence numbers begin anew. */
  begin(): void {
    this.#sequence = 1;
  }

  /** To be called when `next` has said that there is no more. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  next(): boolean {
    for (;;) {
      if (this.#left < 0) {
        if (!this.#readHeader()) return false;
        if (this.#partial === null && !this.#continued && this.#whole()) return true;
      }
      if (!this.#fillPartial()) return false;
      if (this.#continued) continue;
      const partial = this.#partial ?? Buffer.alloc(0);
      this.bytes = partial;
      this.start = 0;
      this.end = this.#fill;
      this.#partial = null;
      this.#fill = 0;
      return true;
    }
  }

  #readHeader(): boolean {
    const chunk = this.#chunk;
    let at = this.#at;
    let header = chunk;
    if (this.#headerFill > 0 || chunk.length - at < HEADER_BYTES) {
      const take = Math.min(HEADER_BYTES - this.#headerFill, chunk.length - at);
      chunk.copy(this.#header, this.#headerFill, at, at + take);
      this.#headerFill += take;
      this.#at += take;
      if (this.#headerFill < HEADER_BYTES) return false;
      this.#headerFill = 0;
      header = this.#header;
      at = 0;
    } else this.#at += HEADER_BYTES;
    const length = header[at]! | (header[at + 1]! << 8) | (header[at + 2]! << 16);
    const sequence = header[at + 3]!;
    // An error that ends the connection (a shutdown, a kill) may begin anew with 0.
    if (sequence !== this.#sequence && sequence !== 0)
      throw new SluiceError(
        'SOURCE_PROTOCOL',
        `the server's packets are out of order (${sequence} after ${(this.#sequence + 255) & 0xff})`,
      );
    this.#sequence = (sequence + 1) & 0xff;
    this.#left = length;
    this.#continued = length === FULL_PACKET;
    return true;
  }

  /** Whether the packet lies whole in the chunk. */
  #whole(): boolean {
    const end = this.#at + this.#left;
    if (end > this.#chunk.length) return false;
    this.bytes = this.#chunk;
    this.start = this.#at;
    this.end = end;
    this.#at = end;
    this.#left = -1;
    return true;
  }

  /** True when the current packet is complete. */
  #fillPartial(): boolean {
    const chunk = this.#chunk;
    const take = Math.min(this.#left, chunk.length - this.#at);
    const partial = this.#roomFor(this.#left, take);
    chunk.copy(partial, this.#fill, this.#at, this.#at + take);
    this.#fill += take;
    this.#at += take;
    this.#left -= take;
    if (this.#left > 0) return false;
    this.#left = -1;
    return true;
  }

  #roomFor(left: number, here: number): Buffer {
    const needed = this.#fill + left;
    let partial = this.#partial;
    if (partial && partial.length >= needed) return partial;
    if (needed > MAX_PAYLOAD_BYTES)
      throw new SluiceError('SOURCE_PROTOCOL', 'the server sent more than 1 GB as one');
    let size = needed;
    if (this.#continued || partial) {
      const told = partial ? 0 : this.#sizeOf(this.#chunk, this.#at, this.#at + here);
      size =
        told >= needed && told <= MAX_PAYLOAD_BYTES ? told : Math.max(needed, 2 * (partial?.length ?? 0));
    }
    const grown = Buffer.allocUnsafeSlow(size);
    if (partial) partial.copy(grown, 0, 0, this.#fill);
    partial = grown;
    this.#partial = grown;
    return partial;
  }
}

/** A command's packet; ours are all shorter than 16 MB. */
export function commandPacket(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUIntLE(body.length, 0, 3);
  return Buffer.concat([header, body]);
}

/** ERR_Packet: 0xff, a number of two bytes, `#` and five letters of SQLSTATE, the message. */
export function readError(bytes: Buffer, start: number, end: number): ServerError {
  const errno = end - start >= 3 ? bytes.readUInt16LE(start + 1) : 0;
  const marked = bytes[start + 3] === 0x23;
  const sqlState = marked ? bytes.toString('latin1', start + 4, start + 9) : '';
  return new ServerError(errno, sqlState, bytes.toString('utf8', start + (marked ? 9 : 3), end));
}

/** Length-encoded integer: its value. @throws RangeError past the end */
export function lengthEncoded(bytes: Buffer, at: number): number {
  const first = bytes[at];
  switch (first) {
    case undefined:
    case 0xfb:
    case 0xff:
      throw new RangeError('no length-encoded integer');
    case 0xfc:
      return bytes.readUInt16LE(at + 1);
    case 0xfd:
      return bytes.readUIntLE(at + 1, 3);
    case 0xfe: {
      const value = Number(bytes.readBigUInt64LE(at + 1));
      if (!Number.isSafeInteger(value)) throw new RangeError('a length beyond 2^53');
      return value;
    }
    default:
      return first;
  }
}

/** How many bytes a length-encoded integer takes, by its first byte. */
export function lengthEncodedSize(first: number): number {
  switch (first) {
    case 0xfc:
      return 3;
    case 0xfd:
      return 4;
    case 0xfe:
      return 9;
    default:
      return 1;
  }
}
