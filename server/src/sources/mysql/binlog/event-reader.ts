import type { Socket } from 'node:net';
import { SluiceError } from '@sluice/contract';
import { SocketReader } from '../../socket-reader.ts';
import type { Session } from '../connect.ts';
import { sourceError } from '../errors.ts';
import { uint32 } from '../rows/digits.ts';
import type { ServerInfo } from '../server-info.ts';
import { PAYLOAD, PacketFramer, readError } from '../wire/packets.ts';
import { CHECKSUM_BYTES, checksumError, checksumFits } from './checksum.ts';
import { FIRST_OFFSET, MAX_COMMAND_OFFSET, registerReplica } from './commands.ts';
import { decompressEvent, isCompressedEvent } from './compressed-event.ts';
import type { Dump, DumpOptions } from './dump.ts';
import {
  EVENT,
  eventName,
  FLAG,
  FLAGS_AT,
  HEADER_BYTES,
  isKnownEvent,
  LENGTH_AT,
  POSITION_AT,
  TYPE_AT,
} from './event-types.ts';
import { type FormatDescription, parseFormatDescription } from './format-description.ts';
import { parseHeartbeatV2 } from './heartbeat.ts';
import { TransactionPayload } from './payload.ts';

const COALESCE_MS = 2;
/** The server is given up after so many heartbeats that did not come, and a little. */
const MISSED_HEARTBEATS = 4;
const SLACK_MS = 1000;
/** Before the first event the server may look through all of its files for the place. */
const SEARCH_SILENCE_MS = 300_000;

/** The offset as the file has it, of the 32 bits that an event has room for; at or behind `near`. */
function widen(low: number, near: number): number {
  const value = near - (near % 0x100000000) + low;
  return value >= near ? value : value + 0x100000000;
}

/** The server's packets as the log's events; takes the session's socket for good. */
export class EventReader implements Dump {
  readonly info: ServerInfo;
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  type = 0;
  timestamp = 0;
  serverId = 0;
  flags = 0;
  length = 0;
  inner = false;
  file: string;
  nextPos: number;
  format: FormatDescription | null = null;

  readonly #socket: Socket;
  readonly #reader: SocketReader;
  /** A payload is a 0 and the event, whose header has its length. */
  readonly #framer = new PacketFramer((bytes, start, end) =>
    end - start > LENGTH_AT + 4 ? bytes.readUInt32LE(start + 1 + LENGTH_AT) + 1 : 0,
  );
  readonly #signal: AbortSignal;
  readonly #doing: string;
  readonly #timer: NodeJS.Timeout;
  readonly #silenceMs: number;
  readonly #endsAtEnd: boolean;
  #streaming = false;
  /** An event of the file itself has come. */
  #moved = false;
  #silent = false;
  #ended = false;
  #failure: unknown = null;
  #payload: TransactionPayload | null = null;
  /** What lies before this offset of the first file was read already; the command has no room for such an offset. */
  #skipTo = 0;

  constructor(session: Session, options: DumpOptions, doing: string, signal: AbortSignal) {
    this.info = session.info;
    this.#signal = signal;
    this.#doing = doing;
    this.#endsAtEnd = options.nonBlocking === true;
    this.file = options.from.kind === 'file' ? options.from.file : '';
    this.nextPos = options.from.kind === 'file' ? options.from.offset : 0;
    if (this.nextPos > MAX_COMMAND_OFFSET) {
      this.#skipTo = this.nextPos;
      this.nextPos = FIRST_OFFSET;
    }
    this.#socket = session.takeSocket();
    this.#reader = new SocketReader(this.#socket, { coalesceMs: COALESCE_MS });
    this.#silenceMs = MISSED_HEARTBEATS * options.heartbeatMs + SLACK_MS;
    this.#timer = setInterval(
      () => {
        if (this.#reader.silentMs <= this.#patienceMs) return;
        this.#silent = true;
        this.#socket.destroy();
      },
      Math.min(5000, this.#silenceMs / MISSED_HEARTBEATS),
    );
  }

  /** Sends a command and reads the server's OK. */
  async register(serverId: number): Promise<void> {
    this.#send(registerReplica(serverId));
    while (!this.#framer.next()) this.#framer.push(await this.#chunk());
    const { bytes, start, end } = this.#framer;
    if (bytes[start] === PAYLOAD.error) throw readError(bytes, start, end);
  }

  begin(command: Buffer): void {
    this.#send(command);
  }

  next(): boolean | Promise<boolean> {
    if (this.#failure !== null) throw this.#failure;
    try {
      if (this.#step()) return true;
    } catch (error) {
      throw this.#fail(error);
    }
    return this.#ended ? false : this.#more();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#reader.detach();
    this.#socket.destroy();
  }

  get #patienceMs(): number {
    return this.#streaming ? this.#silenceMs : Math.max(SEARCH_SILENCE_MS, this.#silenceMs);
  }

  #send(command: Buffer): void {
    this.#framer.begin();
    this.#socket.write(command);
  }

  async #more(): Promise<boolean> {
    try {
      for (;;) {
        this.#framer.push(await this.#chunk());
        if (this.#step()) return true;
        if (this.#ended) return false;
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #chunk(): Promise<Buffer> {
    const chunk = await this.#reader.next();
    this.#signal.throwIfAborted();
    if (chunk !== null) return chunk;
    const how = this.#silent
      ? `was silent for ${Math.round(this.#patienceMs / 1000)} s`
      : 'closed the connection';
    throw new SluiceError('SOURCE_INTERRUPTED', `${this.#doing}: the server ${how}`);
  }

  #fail(error: unknown): unknown {
    this.#socket.destroy();
    clearInterval(this.#timer);
    if (this.#signal.aborted) this.#failure = this.#signal.reason;
    else {
      const failure = sourceError(error, this.#streaming ? 'stream' : 'start', this.#doing);
      // Bytes from within an event look to the server like the head of one that is too long.
      const astray = failure.code === 'EVENT_TOO_LARGE' && !this.#moved && this.nextPos > FIRST_OFFSET;
      this.#failure = astray ? this.#noEventAt(this.nextPos) : failure;
    }
    return this.#failure;
  }

  /** True: an event. False: more bytes are needed, or the log has ended. */
  #step(): boolean {
    if (this.#payload && this.#nextInner(this.#payload)) return true;
    const framer = this.#framer;
    while (!this.#ended && framer.next())
      if (this.#packet(framer.bytes, framer.start, framer.end)) return true;
    return false;
  }

  #packet(bytes: Buffer, start: number, end: number): boolean {
    switch (bytes[start]) {
      case PAYLOAD.ok:
        this.#streaming = true;
        return this.#event(bytes, start + 1, end);
      case PAYLOAD.error:
        throw readError(bytes, start, end);
      case PAYLOAD.eof:
        if (!this.#endsAtEnd)
          throw new SluiceError(
            'SOURCE_INTERRUPTED',
            `${this.#doing}: the server ended the stream, as it does when it shuts down`,
          );
        if (this.#skipTo > 0) throw this.#beyondEnd();
        this.#ended = true;
        return false;
      default:
        throw new SluiceError(
          'SOURCE_PROTOCOL',
          `${this.#doing}: the server sent an unknown packet (${bytes[start]})`,
        );
    }
  }

  /** `start`: of the header; `end`: behind the checksum. True where the event is to come out. */
  #event(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (length < HEADER_BYTES || uint32(bytes, start + LENGTH_AT) !== length)
      throw new SluiceError(
        'SOURCE_PROTOCOL',
        `${this.#doing}: the server sent ${length} bytes that are no event`,
      );
    this.#readHeader(bytes, start);
    this.inner = false;
    this.end = this.#checked(bytes, start, end);
    if (!this.#knows()) return false;
    this.#advance(uint32(bytes, start + POSITION_AT));
    if (this.#skipTo > 0 && !this.#reached()) return false;
    if (this.type === EVENT.TRANSACTION_PAYLOAD) {
      this.#payload = new TransactionPayload(bytes, this.start, this.end);
      return this.#nextInner(this.#payload);
    }
    if (isCompressedEvent(this.type)) {
      const plain = decompressEvent(bytes, start, this.end);
      this.#readHeader(plain, 0);
      this.end = plain.length;
      this.length = length;
    }
    return true;
  }

  #readHeader(bytes: Buffer, start: number): void {
    this.bytes = bytes;
    this.start = start + HEADER_BYTES;
    this.timestamp = uint32(bytes, start);
    this.type = bytes[start + TYPE_AT]!;
    this.serverId = uint32(bytes, start + TYPE_AT + 1);
    this.length = uint32(bytes, start + LENGTH_AT);
    this.flags = bytes[start + FLAGS_AT]! | (bytes[start + FLAGS_AT + 1]! << 8);
  }

  /** The body's end, when the checksum was found right. */
  #checked(bytes: Buffer, start: number, end: number): number {
    if (this.type === EVENT.FORMAT_DESCRIPTION) {
      this.format = parseFormatDescription(bytes, start + HEADER_BYTES, end);
      if (this.format.checksum === 'crc32') this.#verify(bytes, start, end);
      return end - CHECKSUM_BYTES;
    }
    // What the server makes up before it has sent a file's description has a checksum if its setting says so, which
    // may have changed since; here the bytes themselves have to tell.
    if (this.format === null || (this.type === EVENT.ROTATE && (this.flags & FLAG.artificial) !== 0))
      return checksumFits(bytes, start, end) ? end - CHECKSUM_BYTES : end;
    if (this.format.checksum === 'none') return end;
    this.#verify(bytes, start, end);
    return end - CHECKSUM_BYTES;
  }

  #verify(bytes: Buffer, start: number, end: number): void {
    if (!checksumFits(bytes, start, end)) throw checksumError(bytes, start, end, this.#place);
  }

  get #place(): string {
    return `behind ${this.file}:${this.nextPos}`;
  }

  #knows(): boolean {
    if (this.type === EVENT.INCIDENT) throw this.#incident();
    if (isKnownEvent(this.type)) return true;
    if ((this.flags & FLAG.ignorable) !== 0) return false;
    throw new SluiceError(
      'SOURCE_PROTOCOL',
      `${this.#doing}: the log has an event that this version does not know (${eventName(this.type)}) ${this.#place}`,
    );
  }

  /** Number u16, length of the message u8, the message. */
  #incident(): SluiceError {
    const at = this.start + 3;
    const message = at <= this.end ? this.bytes.toString('utf8', at, this.end) : '';
    return new SluiceError(
      'BINLOG_INCIDENT',
      `${this.#doing}: the server reports changes missing from its log ${this.#place}: ${message}`,
    );
  }

  #advance(position: number): void {
    switch (this.type) {
      case EVENT.ROTATE: {
        const file = this.bytes.toString('utf8', this.start + 8, this.end);
        if (!/\.\d+$/.test(file))
          throw new SluiceError('BINLOG_CORRUPT', `${this.#doing}: a file of the log has the name ${file}`);
        if (this.#skipTo > 0 && file !== this.file) throw this.#beyondEnd();
        this.file = file;
        this.nextPos = Number(this.bytes.readBigUInt64LE(this.start));
        return;
      }
      case EVENT.HEARTBEAT_V2: {
        const beat = parseHeartbeatV2(this.bytes, this.start, this.end);
        this.type = EVENT.HEARTBEAT;
        this.#heartbeat(beat.file, beat.position);
        return;
      }
      case EVENT.HEARTBEAT:
        this.#heartbeat(this.bytes.toString('utf8', this.start, this.end), position);
        return;
      default: {
        // A description that is sent ahead of an offset has none; nothing moves by it.
        if ((this.flags & FLAG.artificial) !== 0) return;
        if (position === 0) {
          // From 11.4 on MariaDB writes none within a transaction: its last event tells, this keeps the wraps of 4 GB.
          if (this.type !== EVENT.FORMAT_DESCRIPTION) this.nextPos += this.length;
          return;
        }
        this.#moved = true;
        const behind = this.nextPos + this.length;
        this.nextPos = behind % 0x100000000 === position ? behind : widen(position, this.nextPos);
      }
    }
  }

  /** Says how far the server is, beyond what it has left out; never goes back. */
  #heartbeat(file: string, position: number): void {
    if (this.#skipTo > 0) throw this.#beyondEnd();
    if (file !== this.file) {
      this.file = file;
      this.nextPos = position;
    } else if (position > this.nextPos) this.nextPos = position;
  }

  #reached(): boolean {
    if (this.type === EVENT.FORMAT_DESCRIPTION || this.type === EVENT.ROTATE) return true;
    if (this.nextPos <= this.#skipTo) return false;
    if (this.nextPos - this.length !== this.#skipTo) throw this.#noEventAt(this.#skipTo);
    this.#skipTo = 0;
    return true;
  }

  #noEventAt(offset: number): SluiceError {
    return new SluiceError('BINLOG_CORRUPT', `${this.#doing}: no event of ${this.file} begins at ${offset}`);
  }

  #beyondEnd(): SluiceError {
    return new SluiceError(
      'SERVER_BEHIND',
      `${this.#doing}: ${this.file} ends at ${this.nextPos}, before ${this.#skipTo}`,
    );
  }

  #nextInner(payload: TransactionPayload): boolean {
    while (payload.next()) {
      this.#readHeader(payload.bytes, payload.start);
      this.inner = true;
      this.end = payload.end;
      if (this.#knows()) return true;
    }
    this.#payload = null;
    return false;
  }
}
