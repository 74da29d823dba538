import { SluiceError } from '@sluice/contract';

/** The event that begins a transaction in the log. */
export interface GtidEvent {
  /** `source` as MysqlGtidSet.add wants it; null: MySQL without such ids. */
  readonly id:
    | { readonly kind: 'mysql'; readonly source: string; readonly number: bigint }
    | {
        readonly kind: 'mariadb';
        readonly domain: number;
        readonly server: number;
        readonly sequence: bigint;
      }
    | null;
  /** When it was committed on this server, microseconds since 1970; null where the log tells whole seconds only. */
  readonly committedAt: bigint | null;
  /**
   *   announced   a BEGIN, an XA START or a statement that stands alone comes next
   *   open        MariaDB: its statements and rows come next, up to a COMMIT
   *   alone       MariaDB: one statement, without BEGIN and COMMIT
   *   prepared    MariaDB: as open, up to XA PREPARE
   *   void        MariaDB: one statement that has not happened, or not yet (binlog_alter_two_phase)
   */
  readonly group: 'announced' | 'open' | 'alone' | 'prepared' | 'void';
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function uuidText(bytes: Buffer, at: number): string {
  let text = '';
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
    text += HEX[bytes[at + i]!];
  }
  return text;
}

/** The uuid of the event before: nearly always the same again. */
let lastBytes = Buffer.alloc(16);
let lastUuid = uuidText(lastBytes, 0);

function uuidAt(bytes: Buffer, at: number): string {
  if (bytes.compare(lastBytes, 0, 16, at, at + 16) === 0) return lastUuid;
  lastBytes = Buffer.from(bytes.subarray(at, at + 16));
  lastUuid = uuidText(lastBytes, 0);
  return lastUuid;
}

const LOGICAL_CLOCK = 2;
const COMMIT_TIME_AT = 42;

/**
 * GTID and ANONYMOUS_GTID of MySQL (libs/mysql/binlog/event/control_events.h, Gtid_event): flags u8, uuid, number i64,
 * then from 5.7 on the kind of clock u8 and two numbers of it, then from 8.0.1 on the time of the commit, 7 bytes,
 * whose highest bit says that another time follows.
 */
export function parseGtid(bytes: Buffer, start: number, end: number, anonymous: boolean): GtidEvent {
  if (end - start < 25) throw malformed();
  const timed = end - start >= COMMIT_TIME_AT + 7 && bytes[start + 25] === LOGICAL_CLOCK;
  let committedAt: bigint | null = null;
  if (timed) {
    const at = start + COMMIT_TIME_AT;
    // Microseconds need 51 bits for this millennium.
    const high = bytes.readUIntLE(at + 4, 3) & 0x7fffff;
    committedAt = BigInt(high * 0x100000000 + bytes.readUInt32LE(at));
  }
  return {
    id: anonymous
      ? null
      : { kind: 'mysql', source: uuidAt(bytes, start + 1), number: bytes.readBigInt64LE(start + 17) },
    committedAt,
    group: 'announced',
  };
}

/** Fields of a tagged one, by number; those behind them are not needed. */
const TAGGED = { flags: 0, uuid: 1, number: 2, tag: 3, clock: 4, sequence: 5, committedAt: 6 } as const;

/**
 * GTID_TAGGED, in MySQL's own serialization (mysql/serialization): its version, its size, the last field that must
 * be known, and each field behind its number. Integers are of variable length: as many more bytes as the first one
 * ends in 1 bits; signed ones have their sign in the lowest bit.
 */
export function parseTaggedGtid(bytes: Buffer, start: number, end: number): GtidEvent {
  let at = start;
  const unsigned = (): bigint => {
    const first = bytes[at];
    if (first === undefined || at >= end) throw malformed();
    let more = 0;
    while (more < 8 && (first >> more) & 1) more++;
    if (at + 1 + more > end) throw malformed();
    let value = 0n;
    for (let i = more; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
    at += 1 + more;
    // The first of nine bytes holds nothing but the length.
    return more === 8 ? value >> 8n : value >> BigInt(more + 1);
  };
  const signed = (): bigint => {
    const value = unsigned();
    return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  };
  if (unsigned() !== 1n) throw malformed();
  unsigned();
  if (unsigned() > BigInt(TAGGED.committedAt)) throw malformed();
  let uuid = '';
  let tag = '';
  let number = 0n;
  let committedAt: bigint | null = null;
  while (at < end && committedAt === null) {
    const field = Number(unsigned());
    switch (field) {
      case TAGGED.flags:
        unsigned();
        break;
      case TAGGED.uuid: {
        const raw = Buffer.alloc(16);
        for (let i = 0; i < 16; i++) raw[i] = Number(unsigned());
        uuid = uuidText(raw, 0);
        break;
      }
      case TAGGED.number:
        number = signed();
        break;
      case TAGGED.tag: {
        const length = Number(unsigned());
        if (at + length > end) throw malformed();
        tag = bytes.toString('latin1', at, at + length);
        at += length;
        break;
      }
      case TAGGED.clock:
      case TAGGED.sequence:
        signed();
        break;
      case TAGGED.committedAt:
        committedAt = unsigned();
        break;
      default:
        throw malformed();
    }
  }
  if (uuid === '' || number < 1n || committedAt === null) throw malformed();
  return {
    id: { kind: 'mysql', source: tag === '' ? uuid : `${uuid}:${tag}`, number },
    committedAt,
    group: 'announced',
  };
}

/** Flags of MariaDB's GTID event (sql/log_event.h, Gtid_log_event). */
const MARIADB = { standalone: 1, groupCommit: 2, preparedXa: 0x40, completedXa: 0x80 } as const;
const MARIADB_EXTRA = { startAlter: 2, rollbackAlter: 8 } as const;

/**
 * MariaDB's GTID: sequence u64, domain u32, flags u8, then by the flags the number of a group commit (u64) and the id of
 * an XA transaction (format u32, two lengths u8, its bytes), then more flags, where there are any; zero bytes fill it up.
 * The server is the one of the event's header.
 */
export function parseMariadbGtid(bytes: Buffer, start: number, end: number, server: number): GtidEvent {
  if (end - start < 13) throw malformed();
  const flags = bytes[start + 12]!;
  let at = start + 13;
  if (flags & MARIADB.groupCommit) at += 8;
  if (flags & (MARIADB.preparedXa | MARIADB.completedXa))
    at += 6 + (bytes[at + 4] ?? 0) + (bytes[at + 5] ?? 0);
  const extra = at < end ? bytes[at]! : 0;
  const isVoid = (extra & (MARIADB_EXTRA.startAlter | MARIADB_EXTRA.rollbackAlter)) !== 0;
  return {
    id: {
      kind: 'mariadb',
      domain: bytes.readUInt32LE(start + 8),
      server,
      sequence: bytes.readBigUInt64LE(start),
    },
    committedAt: null,
    group: isVoid
      ? 'void'
      : flags & MARIADB.preparedXa
        ? 'prepared'
        : flags & MARIADB.standalone
          ? 'alone'
          : 'open',
  };
}

function malformed(): SluiceError {
  return new SluiceError(
    'SOURCE_PROTOCOL',
    'the server sent the beginning of a transaction in an unknown form',
  );
}
