import type { Socket } from 'node:net';

const QUEUE_BYTES = 512 * 1024;
/** A read of this size or more means that the kernel holds more already. */
const FULL_READ_BYTES = 16 * 1024;
/**
 * So much is read before the rest of the process has its turn. A full socket would be read 2 MB at a time, while the many
 * short steps of a commit wait in between.
 */
const TURN_BYTES = 256 * 1024;

/**
 * A socket's bytes, asked for chunk by chunk. What nobody asks for is left in the kernel, so that the server stops
 * sending: that is the backpressure.
 *
 * Small reads are coalesced where `coalesceMs` is not 0: PostgreSQL's WAL sender sends every message by itself, and
 * taking each one costs more than reading it. After a small read the socket rests that long; measured on single-row
 * changes this cuts the client's CPU to a third.
 */
export class SocketReader {
  readonly #socket: Socket;
  readonly #coalesceMs: number;
  #queue: Buffer[] = [];
  #queued = 0;
  #ended = false;
  #error: Error | null = null;
  #waiting: { resolve: (chunk: Buffer | null) => void; reject: (error: Error) => void } | null = null;
  #rest: NodeJS.Timeout | null = null;
  /** Bytes since others had their turn. */
  #turn = 0;
  #others: NodeJS.Immediate | null = null;
  #lastByteAt = performance.now();

  constructor(socket: Socket, options: { coalesceMs: number }) {
    this.#socket = socket;
    this.#coalesceMs = options.coalesceMs;
    // What listened before (the client library's own parser) must not see another byte.
    socket.removeAllListeners('data');
    socket.removeAllListeners('readable');
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
    if (socket.destroyed) this.#ended = true;
    socket.resume();
  }

  /** Milliseconds since the server was last heard, while somebody waits for it; else 0. */
  get silentMs(): number {
    return this.#waiting ? performance.now() - this.#lastByteAt : 0;
  }

  /** The next bytes; null when the server has closed the connection. One caller at a time. */
  next(): Promise<Buffer | null> {
    const chunk = this.#queue.shift();
    if (chunk) {
      this.#queued -= chunk.length;
      this.#resume();
      return Promise.resolve(chunk);
    }
    if (this.#error) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(null);
    this.#lastByteAt = performance.now();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Lets go of the socket's events; the socket itself stays the caller's. */
  detach(): void {
    if (this.#rest) clearTimeout(this.#rest);
    this.#rest = null;
    if (this.#others) clearImmediate(this.#others);
    this.#others = null;
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
    // The error listener stays: an error after this is of no interest, but must not end the process.
    this.#ended = true;
    this.#queue = [];
    this.#waiting?.resolve(null);
    this.#waiting = null;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#lastByteAt = performance.now();
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = null;
      waiting.resolve(chunk);
    } else {
      this.#queue.push(chunk);
      this.#queued += chunk.length;
    }
    this.#turn += chunk.length;
    if (this.#queued >= QUEUE_BYTES) this.#socket.pause();
    else if (this.#turn >= TURN_BYTES) this.#giveTurn();
    else if (this.#coalesceMs > 0 && chunk.length < FULL_READ_BYTES) this.#takeRest();
  };

  #takeRest(): void {
    if (this.#rest) return;
    this.#socket.pause();
    this.#rest = setTimeout(() => {
      this.#rest = null;
      this.#resume();
    }, this.#coalesceMs);
  }

  #giveTurn(): void {
    if (this.#others) return;
    this.#socket.pause();
    this.#others = setImmediate(() => {
      this.#others = null;
      this.#turn = 0;
      this.#resume();
    });
  }

  #resume(): void {
    if (this.#rest === null && this.#others === null && this.#queued < QUEUE_BYTES) this.#socket.resume();
  }

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#waiting?.resolve(null);
    this.#waiting = null;
  };

  readonly #onError = (error: Error): void => {
    this.#error ??= error;
    this.#waiting?.reject(error);
    this.#waiting = null;
  };
}
