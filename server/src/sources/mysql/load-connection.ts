import type { Socket } from 'node:net';
import { SluiceError } from '@sluice/contract';
import { SocketReader } from '../socket-reader.ts';
import type { LoadedTypedRows } from '../source.ts';
import type { Session } from './connect.ts';
import { sourceError } from './errors.ts';
import { readTyped } from './prepared-select.ts';
import type { TypedField } from './typed-select.ts';
import { commandPacket } from './wire/packets.ts';
import { linesBuffer, type RowForms, TextRows } from './wire/text-rows.ts';

const COM_QUIT = Buffer.from([0x01]);
const COM_QUERY = Buffer.from([0x03]);

export interface LoadedRows {
  readonly rows: number;
  /** Of one line with its line end, in bytes. */
  readonly longestLine: number;
  readonly lossy: boolean;
}

/**
 * A connection that reads tables and does nothing else: its socket is read directly. Whatever was to be set up on the
 * session is done before.
 */
export class LoadConnection {
  readonly #session: Session;
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #buffers: readonly [Buffer, Buffer] = [linesBuffer(), linesBuffer()];
  #broken = false;

  constructor(session: Session) {
    this.#session = session;
    this.#socket = session.takeSocket();
    this.#reader = new SocketReader(this.#socket, { coalesceMs: 0 });
  }

  /** False after an error or an abort: the connection is of no more use. */
  get usable(): boolean {
    return !this.#broken && !this.#socket.destroyed;
  }

  /** Between two statements; in the middle of one the server's answer is cut off. */
  close(): void {
    const idle = this.usable;
    this.#broken = true;
    this.#reader.detach();
    if (idle) {
      this.#socket.write(commandPacket(COM_QUIT));
      this.#socket.destroySoon();
    } else this.#session.destroy();
  }

  /** Runs one SELECT. `write` gets buffers of lines; while it writes one, the other is filled. */
  async read(
    sql: string,
    forms: RowForms,
    doing: string,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedRows> {
    const result = this.start(sql, forms, doing);
    return await result.finish(write, signal);
  }

  /** Sends the SELECT, whose rows wait at the server until they are asked for. */
  start(sql: string, forms: RowForms, doing: string): RunningSelect {
    if (this.usable) this.#socket.write(commandPacket(COM_QUERY, Buffer.from(sql)));
    return new RunningSelect(this.#reader, this.#buffers, forms, doing, this.#breakOff);
  }

  /** Runs one SELECT whose rows become typed rows. @returns null: as text, please, and over another connection where this one is not usable */
  async readTyped(
    sql: string,
    fields: readonly TypedField[],
    doing: string,
    write: (bytes: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedTypedRows | null> {
    return await guarded(signal, doing, this.#breakOff, async () => {
      const wire = {
        send: (packet: Buffer) => void this.#socket.write(packet),
        more: () => nextChunk(this.#reader, doing, signal),
      };
      const done = await readTyped(wire, sql, fields, write);
      if (done === null) this.#breakOff();
      return done;
    });
  }

  readonly #breakOff = (): void => {
    this.#broken = true;
    this.#reader.detach();
    this.#session.destroy();
  };
}

/** A SELECT whose rows are taken in one go or in several. */
export class RunningSelect {
  readonly #reader: SocketReader;
  readonly #rows: TextRows;
  readonly #buffers: readonly [Buffer, Buffer];
  readonly #doing: string;
  readonly #breakOff: () => void;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #current: 0 | 1 = 0;

  constructor(
    reader: SocketReader,
    buffers: readonly [Buffer, Buffer],
    forms: RowForms,
    doing: string,
    breakOff: () => void,
  ) {
    this.#reader = reader;
    this.#buffers = buffers;
    this.#rows = new TextRows(forms, buffers[0]);
    this.#doing = doing;
    this.#breakOff = breakOff;
  }

  get done(): boolean {
    return this.#rows.done;
  }

  /** All rows that are left. */
  finish(write: (lines: Buffer) => Promise<void>, signal: AbortSignal): Promise<LoadedRows> {
    return this.some(Number.POSITIVE_INFINITY, write, signal);
  }

  /** Resolves when the server has begun to send rows: it holds the table's lock then. @throws SluiceError where it refuses */
  async begun(signal: AbortSignal): Promise<void> {
    await this.#guarded(signal, async () => {
      while (!this.#rows.begun) {
        if (this.#at === this.#chunk.length) await this.#more(signal);
        // No byte further than that: `some` counts the rows.
        this.#at = this.#rows.consume(this.#chunk.subarray(0, this.#at + 1), this.#at);
      }
    });
  }

  /** Rows of about so many bytes as lines; all that are left where that is less. */
  async some(
    bytes: number,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedRows> {
    const rows = this.#rows;
    const before = rows.rows;
    rows.longestLine = 0;
    rows.lossy = false;
    let written = 0;
    let writing: Promise<void> = Promise.resolve();
    const flush = async (): Promise<void> => {
      const next = this.#current === 0 ? 1 : 0;
      await writing;
      const lines = rows.take(this.#buffers[next]);
      this.#current = next;
      if (lines.length === 0) return;
      written += lines.length;
      writing = write(lines);
      // A failure is met at the next flush; until then it must not count as unhandled.
      writing.catch(() => undefined);
    };
    try {
      await this.#guarded(signal, async () => {
        while (!rows.done && (written < bytes || rows.insideRow)) {
          if (this.#at === this.#chunk.length) await this.#more(signal);
          this.#at = rows.consume(this.#chunk, this.#at);
          if (this.#at < this.#chunk.length) await flush();
        }
        await flush();
        await writing;
      });
    } finally {
      // Afterwards nobody writes from the buffers, or to the caller's file, whatever went wrong.
      await writing.catch(() => undefined);
    }
    return { rows: rows.rows - before, longestLine: rows.longestLine, lossy: rows.lossy };
  }

  async #more(signal: AbortSignal): Promise<void> {
    this.#chunk = await nextChunk(this.#reader, this.#doing, signal);
    this.#at = 0;
  }

  async #guarded(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    await guarded(signal, this.#doing, this.#breakOff, work);
  }
}

async function nextChunk(reader: SocketReader, doing: string, signal: AbortSignal): Promise<Buffer> {
  const chunk = await reader.next();
  signal.throwIfAborted();
  if (chunk === null)
    throw new SluiceError('SOURCE_INTERRUPTED', `${doing}: the server closed the connection`);
  return chunk;
}

async function guarded<T>(
  signal: AbortSignal,
  doing: string,
  breakOff: () => void,
  work: () => Promise<T>,
): Promise<T> {
  signal.addEventListener('abort', breakOff);
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    breakOff();
    signal.throwIfAborted();
    throw sourceError(error, 'load', doing);
  } finally {
    signal.removeEventListener('abort', breakOff);
  }
}
