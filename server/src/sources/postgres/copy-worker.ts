import type { Socket } from 'node:net';
import { SluiceError } from '@sluice/contract';
import { SocketReader } from '../socket-reader.ts';
import { type Session, socketOf } from './connect.ts';
import { sourceError } from './errors.ts';
import { Framer } from './wire/framer.ts';
import { MESSAGE, queryMessage, serverError, terminateMessage } from './wire/messages.ts';

const BUFFER_BYTES = 1024 * 1024;

export interface CopyResult {
  readonly rows: number;
  /** Of one line with its line end, in bytes. */
  readonly longestLine: number;
  readonly lossy: boolean;
}

/**
 * A connection that does COPY … TO STDOUT and nothing else: its socket is read directly, so that a row costs one copy
 * of its bytes and no object. Whatever was to be set up on the session is done before.
 */
export class CopyWorker {
  readonly #session: Session;
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #framer = new Framer();
  readonly #buffers: readonly [Buffer, Buffer] = [
    Buffer.allocUnsafe(BUFFER_BYTES),
    Buffer.allocUnsafe(BUFFER_BYTES),
  ];
  #broken = false;

  constructor(session: Session) {
    this.#session = session;
    this.#socket = socketOf(session.client);
    this.#reader = new SocketReader(this.#socket, { coalesceMs: 0 });
  }

  /** False after an error or an abort: the connection is of no more use. */
  get usable(): boolean {
    return !this.#broken && this.#session.alive;
  }

  close(): void {
    this.#broken = true;
    this.#reader.detach();
    if (this.#socket.writable) this.#socket.end(terminateMessage());
    this.#session.destroy();
  }

  /**
   * Runs one COPY, each of whose CopyData messages is a line. `write` gets buffers of whole lines; while it writes
   * one, the other is filled.
   */
  async copy(
    sql: string,
    doing: string,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<CopyResult> {
    const lines = new LineBuffer(this.#buffers, write);
    await this.copyInto(sql, doing, lines, signal);
    return { rows: lines.rows, longestLine: lines.longest, lossy: lines.lossy };
  }

  /** Runs one COPY into what takes its messages. */
  async copyInto(sql: string, doing: string, sink: CopySink, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const onAbort = (): void => {
      this.#broken = true;
      this.#reader.detach();
      this.#session.destroy();
    };
    signal.addEventListener('abort', onAbort);
    try {
      this.#socket.write(queryMessage(sql));
      await this.#receive(doing, sink, signal);
    } catch (error) {
      this.#broken = true;
      signal.throwIfAborted();
      if (error instanceof SpecialValue) throw error;
      throw sourceError(error, 'copy', doing);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #receive(doing: string, sink: CopySink, signal: AbortSignal): Promise<void> {
    try {
      let complete = false;
      let failure: unknown = null;
      for (;;) {
        const chunk = await this.#reader.next();
        signal.throwIfAborted();
        if (chunk === null)
          throw new SluiceError('SOURCE_INTERRUPTED', `${doing}: the server closed the connection`);
        this.#framer.push(chunk);
        while (this.#framer.next()) {
          const { type, bytes, start, end } = this.#framer;
          switch (type) {
            case MESSAGE.copyData: {
              const full = sink.add(bytes, start, end);
              if (full) await full;
              break;
            }
            case MESSAGE.errorResponse:
              failure = serverError(bytes, start, end);
              if (isFatal(failure)) throw failure;
              break;
            case MESSAGE.commandComplete:
              complete = true;
              break;
            case MESSAGE.readyForQuery:
              if (failure) throw failure;
              if (!complete) throw new SluiceError('SOURCE_PROTOCOL', `${doing}: the copy did not complete`);
              await sink.finish();
              return;
            case MESSAGE.copyOutResponse:
            case MESSAGE.copyDone:
            case MESSAGE.noticeResponse:
            case MESSAGE.parameterStatus:
              break;
            default:
              throw new SluiceError(
                'SOURCE_PROTOCOL',
                `${doing}: unexpected message ${String.fromCharCode(type)}`,
              );
          }
        }
        const full = sink.taken();
        if (full) await full;
      }
    } finally {
      await sink.settle();
    }
  }
}

/** What takes the messages of a COPY. A promise means: no further before it is settled. */
export interface CopySink {
  /** The bytes are there until `taken`; a message that was cut in two has bytes of its own. */
  add(bytes: Buffer, start: number, end: number): Promise<void> | null;
  /** All messages that have come so far were added. */
  taken(): Promise<void> | null;
  finish(): Promise<void>;
  /** Whatever went wrong: afterwards nobody writes any more. */
  settle(): Promise<void>;
}

/** A sink has met a value that it cannot tell: what was copied is of no use, and the connection is given up. */
export class SpecialValue extends Error {
  override readonly name = 'SpecialValue';
}

/** Gathers lines into buffers of about a megabyte; while one is written, the other is filled. */
class LineBuffer implements CopySink {
  rows = 0;
  longest = 0;
  /** Lines are whole, so the word lies in one buffer. */
  lossy = false;
  readonly #write: (lines: Buffer) => Promise<void>;
  readonly #buffers: readonly [Buffer, Buffer];
  #current: 0 | 1 = 0;
  #fill = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(buffers: readonly [Buffer, Buffer], write: (lines: Buffer) => Promise<void>) {
    this.#buffers = buffers;
    this.#write = write;
  }

  add(bytes: Buffer, start: number, end: number): Promise<void> | null {
    const length = end - start;
    this.rows++;
    if (length > this.longest) this.longest = length;
    if (length > BUFFER_BYTES) return this.#writeLong(bytes.subarray(start, end));
    if (this.#fill + length > BUFFER_BYTES) {
      return this.#flush().then(() => this.#append(bytes, start, end));
    }
    this.#append(bytes, start, end);
    return null;
  }

  taken(): null {
    return null;
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  /** Afterwards nobody writes from the buffers, or to the caller's file, whatever went wrong. */
  async settle(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    bytes.copy(this.#buffers[this.#current], this.#fill, start, end);
    this.#fill += end - start;
  }

  async #flush(): Promise<void> {
    if (this.#fill === 0) return;
    const lines = this.#buffers[this.#current].subarray(0, this.#fill);
    this.lossy ||= lines.includes('infinity');
    await this.#writing;
    this.#writing = this.#write(lines);
    // A failure is met at the next flush; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
    this.#current = this.#current === 0 ? 1 : 0;
    this.#fill = 0;
  }

  /** A line longer than a buffer goes out from where it lies, after what came before it. */
  async #writeLong(line: Buffer): Promise<void> {
    await this.finish();
    this.lossy ||= line.includes('infinity');
    this.#writing = this.#write(line);
    await this.#writing;
  }
}

/** After a fatal error no ReadyForQuery comes. */
function isFatal(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity !== 'ERROR';
}
