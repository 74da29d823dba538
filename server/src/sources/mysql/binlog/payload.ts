import { SluiceError } from '@sluice/contract';
import { Decompress } from 'fzstd';
import { lengthEncoded, lengthEncodedSize } from '../wire/packets.ts';
import { HEADER_BYTES, LENGTH_AT } from './event-types.ts';

/** Field types and compression types of a payload event (MySQL: libs/mysql/binlog/event/compression/base.h, codecs/binary.cpp). */
const FIELD = { end: 0, size: 1, compression: 2, uncompressedSize: 3 } as const;
const COMPRESSION = { zstd: 0, none: 255 } as const;

const ZSTD_MAGIC = 0xfd2fb528;
const BLOCK_HEADER_BYTES = 3;

/**
 * A whole transaction in one event (binlog_transaction_compression): its events come out one by one, each without
 * checksum. Compressed blocks (of at most 128 KiB) are unpacked when their events are asked for, so a transaction of
 * gigabytes takes no more memory than its compressed bytes, which stay where they lie.
 */
export class TransactionPayload {
  /** The event that `next` found, header and body; valid until the next call. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  readonly #compressed: Buffer;
  #at: number;
  readonly #end: number;
  readonly #unpack: Decompress | null;
  #inFrame = false;
  /** Of the frame: four bytes behind its last block. */
  #checksum = false;
  #chunks: Uint8Array[] = [];
  #chunk: Buffer = Buffer.alloc(0);
  #chunkAt = 0;

  /** `start` and `end` of the event's body. The bytes must stay until `next` has said false. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.#compressed = bytes;
    this.#end = end;
    let at = start;
    let compression: number = COMPRESSION.none;
    let size = -1;
    for (;;) {
      const type = lengthEncoded(bytes, at);
      at += lengthEncodedSize(bytes[at] ?? 0);
      if (type === FIELD.end) break;
      const length = lengthEncoded(bytes, at);
      at += lengthEncodedSize(bytes[at] ?? 0);
      if (type === FIELD.compression) compression = lengthEncoded(bytes, at);
      else if (type === FIELD.size) size = lengthEncoded(bytes, at);
      at += length;
      if (at > end) throw corrupt('its header is longer than the event');
    }
    if (compression !== COMPRESSION.zstd && compression !== COMPRESSION.none)
      throw new SluiceError(
        'SOURCE_PROTOCOL',
        `the server compressed a transaction in a way that is not known (${compression})`,
      );
    if (size >= 0 && size !== end - at) throw corrupt(`${end - at} bytes instead of ${size}`);
    this.#at = at;
    if (compression === COMPRESSION.none) {
      this.#unpack = null;
      this.#chunk = bytes.subarray(at, end);
      this.#at = end;
    } else this.#unpack = new Decompress((data) => this.#chunks.push(data));
  }

  /** @throws SluiceError BINLOG_CORRUPT */
  next(): boolean {
    const head = this.#chunk.length - this.#chunkAt;
    if (head >= HEADER_BYTES) {
      const length = this.#chunk.readUInt32LE(this.#chunkAt + LENGTH_AT);
      if (length <= head) return this.#event(length);
    }
    return this.#split();
  }

  #event(length: number): true {
    if (length < HEADER_BYTES) throw corrupt(`an event of ${length} bytes`);
    this.bytes = this.#chunk;
    this.start = this.#chunkAt;
    this.end = this.#chunkAt + length;
    this.#chunkAt += length;
    return true;
  }

  /** An event that goes over the end of the chunk is put together with those that follow. */
  #split(): boolean {
    const head = this.#chunk.subarray(this.#chunkAt);
    const pieces: Uint8Array[] = [head];
    let held = head.length;
    let needed = held >= HEADER_BYTES ? head.readUInt32LE(LENGTH_AT) : HEADER_BYTES;
    let known = held >= HEADER_BYTES;
    while (held < needed || !known) {
      const piece = this.#unpacked();
      if (piece === null) {
        if (held === 0) return false;
        throw corrupt('its last event is cut off');
      }
      pieces.push(piece);
      held += piece.length;
      if (!known && held >= HEADER_BYTES) {
        needed = Buffer.concat(pieces).readUInt32LE(LENGTH_AT);
        known = true;
      }
    }
    this.#chunk = Buffer.concat(pieces, held);
    this.#chunkAt = 0;
    return this.#event(needed);
  }

  #unpacked(): Uint8Array | null {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        if (chunk.length > 0) return chunk;
        continue;
      }
      if (this.#unpack === null || this.#at >= this.#end) return null;
      const from = this.#at;
      const to = this.#inFrame ? this.#blockEnd(from) : this.#frameHeaderEnd(from);
      if (to > this.#end) throw corrupt('its compressed bytes are cut off');
      this.#at = to;
      try {
        this.#unpack.push(this.#compressed.subarray(from, to), to === this.#end);
      } catch (error) {
        throw corrupt(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** RFC 8878, 3.1.1.1: magic number, descriptor, window, dictionary's id, content's size. */
  #frameHeaderEnd(at: number): number {
    if (at + 5 > this.#end || this.#compressed.readUInt32LE(at) !== ZSTD_MAGIC)
      throw corrupt('it is no Zstandard frame');
    const descriptor = this.#compressed.readUInt8(at + 4);
    const single = (descriptor & 0x20) !== 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const size = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    this.#checksum = (descriptor & 4) !== 0;
    this.#inFrame = true;
    return at + 5 + (single ? 0 : 1) + dictionary + size;
  }

  /** RFC 8878, 3.1.1.2: a bit for the last one, two for the kind (1: one byte repeated), 21 for the size. */
  #blockEnd(at: number): number {
    if (at + BLOCK_HEADER_BYTES > this.#end) throw corrupt('its compressed bytes are cut off');
    const header = this.#compressed.readUIntLE(at, BLOCK_HEADER_BYTES);
    const size = ((header >> 1) & 3) === 1 ? 1 : header >> 3;
    const last = (header & 1) !== 0;
    if (last) this.#inFrame = false;
    return at + BLOCK_HEADER_BYTES + size + (last && this.#checksum ? 4 : 0);
  }
}

function corrupt(what: string): SluiceError {
  return new SluiceError('BINLOG_CORRUPT', `a compressed transaction cannot be read: ${what}`);
}
