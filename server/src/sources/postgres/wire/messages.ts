import { DatabaseError } from 'pg';
import type { Lsn } from './lsn.ts';

/** Type bytes of the server's messages (PostgreSQL manual, "Message Formats"). */
export const MESSAGE = {
  commandComplete: 0x43, // C
  copyBothResponse: 0x57, // W
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyOutResponse: 0x48, // H
  errorResponse: 0x45, // E
  noticeResponse: 0x4e, // N
  parameterStatus: 0x53, // S
  readyForQuery: 0x5a, // Z
} as const;

export function queryMessage(sql: string): Buffer {
  const body = Buffer.from(`${sql}\0`);
  const message = Buffer.allocUnsafe(5 + body.length);
  message[0] = 0x51; // Q
  message.writeInt32BE(4 + body.length, 1);
  body.copy(message, 5);
  return message;
}

export function terminateMessage(): Buffer {
  return Buffer.from([0x58, 0, 0, 0, 4]);
}

/** Between 1970 and 2000, where the server's clock begins, in microseconds. */
export const EPOCH_2000_US = 946_684_800_000_000n;

/** Standby status update (PostgreSQL manual, "Streaming Replication Protocol"). 0 as `durable` confirms nothing. */
export function standbyStatus(received: Lsn, durable: Lsn, replyRequested: boolean): Buffer {
  const message = Buffer.allocUnsafe(39);
  message[0] = MESSAGE.copyData;
  message.writeInt32BE(38, 1);
  message[5] = 0x72; // r
  message.writeBigUInt64BE(received, 6);
  message.writeBigUInt64BE(durable, 14);
  message.writeBigUInt64BE(durable, 22);
  message.writeBigInt64BE(BigInt(Date.now()) * 1000n - EPOCH_2000_US, 30);
  message[38] = replyRequested ? 1 : 0;
  return message;
}

/** The body of an ErrorResponse as the error that pg itself would throw. */
export function serverError(bytes: Buffer, start: number, end: number): DatabaseError {
  const fields = new Map<string, string>();
  let at = start;
  while (at < end && bytes[at] !== 0) {
    const zero = bytes.indexOf(0, at + 1);
    if (zero < 0 || zero >= end) break;
    fields.set(String.fromCharCode(bytes[at]!), bytes.toString('utf8', at + 1, zero));
    at = zero + 1;
  }
  const error = new DatabaseError(fields.get('M') ?? 'unknown error', end - start, 'error');
  error.code = fields.get('C');
  error.severity = fields.get('V') ?? fields.get('S');
  error.detail = fields.get('D');
  error.hint = fields.get('H');
  return error;
}
