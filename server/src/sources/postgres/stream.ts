import { SluiceError } from '@sluice/contract';
import { SocketReader } from '../socket-reader.ts';
import type { ChangeSink } from '../source.ts';
import { type Session, socketOf } from './connect.ts';
import { sourceError } from './errors.ts';
import { quoteIdent, quoteLiteral } from './quote.ts';
import { Framer } from './wire/framer.ts';
import { formatLsn, type Lsn } from './wire/lsn.ts';
import { MESSAGE, queryMessage, serverError, standbyStatus, terminateMessage } from './wire/messages.ts';
import { PgoutputDecoder } from './wire/pgoutput.ts';

const COALESCE_MS = 3;
/** How long the server may be silent where wal_sender_timeout is off. */
const SILENCE_MS = 120_000;
const STATUS_MS = 10_000;

export interface LogOptions {
  readonly slot: string;
  readonly publication: string;
  readonly from: Lsn;
  readonly markPrefix: string;
  /** What is durable by now; 0: nothing yet. */
  readonly durable: () => Lsn;
  /** Is given a function that makes the stream pass `durable` on to the server soon. */
  readonly onOpen: (acknowledge: () => void) => void;
}

/**
 * Follows the log over a replication session, which it takes over for good. Resolves when the signal aborts.
 *
 * The reader's own clock answers the server: a status goes out well inside wal_sender_timeout whether or not the
 * sink lets us read, so a slow target never costs the connection. Each status asks for an answer, so that a silent
 * server is told from a quiet one, even where wal_sender_timeout is off.
 */
export async function followLog(
  session: Session,
  options: LogOptions,
  sink: ChangeSink,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const timeoutMs = await walSenderTimeout(session);
  const silenceMs = timeoutMs > 0 ? timeoutMs * 2 : SILENCE_MS;
  const statusMs = Math.min(STATUS_MS, silenceMs / 6);
  const socket = socketOf(session.client);
  const reader = new SocketReader(socket, { coalesceMs: COALESCE_MS });
  const decoder = new PgoutputDecoder(sink, { from: options.from, markPrefix: options.markPrefix });
  const framer = new Framer();

  let received: Lsn = 0n;
  let streaming = false;
  let idleAt: Lsn = options.from;
  let confirmed: Lsn = 0n;
  let soon: NodeJS.Timeout | null = null;
  let silent = false;
  const sendStatus = (ask: boolean): void => {
    if (!streaming || !socket.writable) return;
    confirmed = options.durable();
    socket.write(standbyStatus(received > confirmed ? received : confirmed, confirmed, ask));
  };
  options.onOpen(() => {
    soon ??= setTimeout(() => {
      soon = null;
      sendStatus(false);
    }, 20);
  });
  const timer = setInterval(() => {
    if (reader.silentMs > silenceMs) {
      silent = true;
      socket.destroy();
    } else sendStatus(true);
  }, statusMs);
  const onAbort = (): void => reader.detach();
  signal.addEventListener('abort', onAbort);

  const copyData = (bytes: Buffer, start: number, end: number): void | Promise<void> => {
    switch (bytes[start]) {
      case 0x77: {
        // w
        const lsn = bytes.readBigUInt64BE(start + 1);
        if (lsn > received) received = lsn;
        return decoder.message(bytes, start + 25, end);
      }
      case 0x6b: {
        // k
        const lsn = bytes.readBigUInt64BE(start + 1);
        if (lsn > received) received = lsn;
        if (bytes[start + 17] === 1) sendStatus(false);
        // Its position is where the server has read to; inside a transaction of ours that says nothing yet.
        if (decoder.inTransaction || lsn <= idleAt) return;
        idleAt = lsn;
        return sink.idle(formatLsn(lsn));
      }
      default:
        throw new SluiceError(
          'SOURCE_PROTOCOL',
          `the server sent an unknown message (${bytes[start]}) of the log`,
        );
    }
  };

  try {
    socket.write(queryMessage(startReplication(options)));
    for (;;) {
      const chunk = await reader.next();
      if (signal.aborted) return;
      if (chunk === null) {
        const how = silent ? `was silent for ${Math.round(silenceMs / 1000)} s` : 'closed the connection';
        throw new SluiceError('SOURCE_INTERRUPTED', `the server ${how} while its log was read`);
      }
      framer.push(chunk);
      while (framer.next()) {
        switch (framer.type) {
          case MESSAGE.copyData: {
            const held = copyData(framer.bytes, framer.start, framer.end);
            if (held && !(await settled(held, signal))) return;
            break;
          }
          case MESSAGE.copyBothResponse:
            streaming = true;
            sendStatus(false);
            break;
          case MESSAGE.errorResponse:
            throw sourceError(
              serverError(framer.bytes, framer.start, framer.end),
              streaming ? 'stream' : 'start',
              `reading the log through slot ${options.slot}`,
            );
          case MESSAGE.noticeResponse: {
            // From PostgreSQL 18 on, the output plugin goes on without a publication that it does not find: the
            // log would be empty from here, and look quiet.
            const notice = serverError(framer.bytes, framer.start, framer.end);
            if (notice.severity === 'WARNING' && notice.code === '55000')
              throw new SluiceError(
                'PG_PUBLICATION_MISSING',
                `publication ${options.publication} was dropped while the log was read: ${notice.message}`,
              );
            break;
          }
          case MESSAGE.parameterStatus:
            break;
          case MESSAGE.copyDone:
          case MESSAGE.commandComplete:
          case MESSAGE.readyForQuery:
            // The server ends a log stream by itself only when it shuts down.
            throw new SluiceError('SOURCE_INTERRUPTED', 'the server ended the stream of its log');
          default:
            throw new SluiceError(
              'SOURCE_PROTOCOL',
              `the server sent an unexpected message (${String.fromCharCode(framer.type)})`,
            );
        }
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    throw sourceError(error, streaming ? 'stream' : 'start', `reading the log through slot ${options.slot}`);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearInterval(timer);
    if (soon) clearTimeout(soon);
    reader.detach();
    if (options.durable() > confirmed) sendStatus(false);
    if (socket.writable) socket.write(terminateMessage());
    socket.destroySoon();
    // What the server still sends would keep the socket open; a peer that is gone would too.
    socket.resume();
    setTimeout(() => socket.destroy(), 1000).unref();
  }
}

/** False when the signal aborts first. */
async function settled(held: Promise<void>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  let onAbort = (): void => {};
  const aborted = new Promise<false>((resolve) => {
    onAbort = () => resolve(false);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([held.then(() => true), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function walSenderTimeout(session: Session): Promise<number> {
  const row = await session.row<{ ms: string }>(
    "SELECT setting AS ms FROM pg_settings WHERE name = 'wal_sender_timeout'",
  );
  return Number(row.ms);
}

function startReplication(options: LogOptions): string {
  // The option's value is itself a list of identifiers, so the name is quoted twice.
  const names = quoteLiteral(quoteIdent(options.publication));
  return `START_REPLICATION SLOT ${quoteIdent(options.slot)} LOGICAL ${formatLsn(options.from)} (proto_version '1', publication_names ${names}, messages 'true')`;
}
