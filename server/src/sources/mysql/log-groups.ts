import type { Dump } from './binlog/dump.ts';
import { EVENT, FLAG } from './binlog/event-types.ts';
import { type GtidEvent, parseGtid, parseMariadbGtid, parseTaggedGtid } from './gtid-event.ts';
import type { FilePlace } from './log-place.ts';

/** A transaction as far as where it stands and when it was committed; statements that stand alone are some too. */
export interface LogGroup {
  readonly begin: FilePlace;
  readonly end: FilePlace;
  readonly id: GtidEvent['id'];
  /** Microseconds since 1970, and as far as the log knows: MySQL 8 tells the moment, others the second. */
  readonly from: bigint;
  readonly to: bigint;
}

const SECOND = 1_000_000n;

/** Events that stand between two transactions. */
const BETWEEN: ReadonlySet<number> = new Set([
  EVENT.FORMAT_DESCRIPTION,
  EVENT.ROTATE,
  EVENT.STOP,
  EVENT.PREVIOUS_GTIDS,
  EVENT.GTID_LIST,
  EVENT.BINLOG_CHECKPOINT,
  EVENT.START_ENCRYPTION,
  EVENT.HEARTBEAT,
  EVENT.INCIDENT,
]);

/**
 * The transactions of a log, in its order, by the events that announce them: GTID, or the anonymous one that has been
 * in its place since MySQL 5.7. A log of MySQL 5.6 without GTIDs yields none.
 */
export async function* logGroups(dump: Dump): AsyncGenerator<LogGroup> {
  let open: { begin: FilePlace; gtid: GtidEvent } | null = null;
  let end: FilePlace = { file: dump.file, offset: 0 };
  let second = 0;
  const group = ({ begin, gtid: { id, committedAt } }: NonNullable<typeof open>): LogGroup => {
    const from = committedAt ?? BigInt(second) * SECOND;
    return { begin, end, id, from, to: committedAt ?? from + SECOND - 1n };
  };
  for (;;) {
    const next = dump.next();
    if (!(typeof next === 'boolean' ? next : await next)) break;
    const { type, file, nextPos, timestamp } = dump;
    const gtid = announced(dump);
    if (gtid !== null || (BETWEEN.has(type) && (dump.flags & FLAG.artificial) === 0)) {
      if (open !== null) yield group(open);
      open = gtid === null ? null : { begin: { file, offset: nextPos - dump.length }, gtid };
      second = 0;
    }
    if (open === null) continue;
    end = { file, offset: nextPos };
    // The statement's own second; that of COMMIT is the last of them.
    if (timestamp > second) second = timestamp;
  }
  if (open !== null) yield group(open);
}

function announced({ type, bytes, start, end, serverId }: Dump): GtidEvent | null {
  switch (type) {
    case EVENT.GTID:
      return parseGtid(bytes, start, end, false);
    case EVENT.ANONYMOUS_GTID:
      return parseGtid(bytes, start, end, true);
    case EVENT.GTID_TAGGED:
      return parseTaggedGtid(bytes, start, end);
    case EVENT.MARIADB_GTID:
      return parseMariadbGtid(bytes, start, end, serverId);
    default:
      return null;
  }
}
