import { SluiceError } from '@sluice/contract';

const HEADER_BYTES = 5;
/** The server's own limit of a message (MaxAllocSize), with room to spare. */
const MAX_MESSAGE_BYTES = 0x40000000 + 1024;

/**
 * Cuts the server's bytes into messages: a type byte, a length of four bytes that counts itself, the body
 * (PostgreSQL manual, "Message Formats"). A message that lies whole in a chunk is handed out where it lies; one that
 * is split over chunks is put together once, in a buffer of its known size.
 */
export class Framer {
  /** Type byte and body of the message that `next` found; the bytes are valid until the next `push`. */
  type = 0;
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFill = 0;
  #partial: Buffer | null = null;
  #partialFill = 0;

  /** To be called when `next` has said that there is no more. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  next(): boolean {
    if (this.#partial) return this.#fillPartial(this.#partial);
    if (this.#headerFill > 0) return this.#fillHeader();
    const chunk = this.#chunk;
    const left = chunk.length - this.#at;
    if (left < HEADER_BYTES) {
      chunk.copy(this.#header, 0, this.#at);
      this.#headerFill = left;
      this.#at = chunk.length;
      return false;
    }
    const size = messageSize(chunk, this.#at + 1);
    if (left < size) {
      this.#partial = Buffer.allocUnsafe(size);
      this.#partialFill = 0;
      return this.#fillPartial(this.#partial);
    }
    this.type = chunk[this.#at]!;
    this.bytes = chunk;
    this.start = this.#at + HEADER_BYTES;
    this.end = this.#at + size;
    this.#at += size;
    return true;
  }

  #fillHeader(): boolean {
    const take = Math.min(HEADER_BYTES - this.#headerFill, this.#chunk.length - this.#at);
    this.#chunk.copy(this.#header, this.#headerFill, this.#at, this.#at + take);
    this.#headerFill += take;
    this.#at += take;
    if (this.#headerFill < HEADER_BYTES) return false;
    const size = messageSize(this.#header, 1);
    const partial = Buffer.allocUnsafe(size);
    this.#header.copy(partial);
    this.#headerFill = 0;
    this.#partial = partial;
    this.#partialFill = HEADER_BYTES;
    return this.#fillPartial(partial);
  }

  #fillPartial(partial: Buffer): boolean {
    const take = Math.min(partial.length - this.#partialFill, this.#chunk.length - this.#at);
    this.#chunk.copy(partial, this.#partialFill, this.#at, this.#at + take);
    this.#partialFill += take;
    this.#at += take;
    if (this.#partialFill < partial.length) return false;
    this.#partial = null;
    this.type = partial[0]!;
    this.bytes = partial;
    this.start = HEADER_BYTES;
    this.end = partial.length;
    return true;
  }
}

function messageSize(bytes: Buffer, at: number): number {
  const length = bytes.readInt32BE(at);
  if (length < 4 || length > MAX_MESSAGE_BYTES)
    throw new SluiceError('SOURCE_PROTOCOL', `the server sent a message of ${length} bytes`);
  return length + 1;
}
