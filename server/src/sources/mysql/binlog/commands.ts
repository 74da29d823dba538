import { hostname } from 'node:os';
import type { MysqlGtidSet } from '../gtid.ts';
import { commandPacket } from '../wire/packets.ts';

/** Commands of the replication protocol ("COM_BINLOG_DUMP" and the pages beside it). */
const COMMAND = { binlogDump: 0x12, registerReplica: 0x15, binlogDumpGtid: 0x1e } as const;

const DUMP_FLAG = {
  /** End with EOF where the log ends, instead of waiting. */
  nonBlocking: 0x01,
  /** MySQL: the set of transactions is given (older servers look at it). */
  throughGtid: 0x04,
} as const;

/** Behind the four bytes that every file begins with. */
export const FIRST_OFFSET = 4;
/** The command has four bytes for it. */
export const MAX_COMMAND_OFFSET = 0xffffffff;

const MAX_HOST_BYTES = 60;

/** Puts us into SHOW REPLICAS (SHOW SLAVE HOSTS). No port and no account are told. */
export function registerReplica(serverId: number): Buffer {
  const host = Buffer.from(`sluice on ${hostname()}`).subarray(0, MAX_HOST_BYTES);
  return commandPacket(
    Buffer.from([COMMAND.registerReplica]),
    uint32(serverId),
    Buffer.from([host.length]),
    host,
    // User, password, port u16, rank u32, source's id u32.
    Buffer.alloc(1 + 1 + 2 + 4 + 4),
  );
}

/** From an offset of a file; the protocol has four bytes for it. An empty name: where the session's GTID state says (MariaDB). */
export function dumpFrom(file: string, offset: number, serverId: number, nonBlocking: boolean): Buffer {
  return commandPacket(
    Buffer.from([COMMAND.binlogDump]),
    uint32(offset),
    uint16(nonBlocking ? DUMP_FLAG.nonBlocking : 0),
    uint32(serverId),
    Buffer.from(file),
  );
}

/** All transactions that are not in the set (MySQL). */
export function dumpBehind(set: MysqlGtidSet, serverId: number, nonBlocking: boolean): Buffer {
  const encoded = set.encode();
  const firstOffset = Buffer.alloc(8);
  firstOffset.writeUInt32LE(FIRST_OFFSET);
  return commandPacket(
    Buffer.from([COMMAND.binlogDumpGtid]),
    uint16(DUMP_FLAG.throughGtid | (nonBlocking ? DUMP_FLAG.nonBlocking : 0)),
    uint32(serverId),
    // No file: the server looks for the one that the set leads to.
    uint32(0),
    firstOffset,
    uint32(encoded.length),
    encoded,
  );
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
