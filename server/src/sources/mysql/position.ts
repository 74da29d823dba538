import { SluiceError } from '@sluice/contract';
import type { Position } from '../source.ts';
import type { Session } from './connect.ts';
import { containsGtids, type GtidSet, MariadbGtidSet, MysqlGtidSet, parseGtidSet } from './gtid.ts';

/** A place in a binary log: by file and offset, which mean something on one server only, and by what was executed before it. */
export interface BinlogPosition {
  readonly file: { readonly name: string; readonly offset: number } | null;
  /** Whose file it is: ServerInfo.server, and the count of its numbering (log-anew.ts); null: not known. */
  readonly server: string | null;
  /**
   * All transactions before this place; null: not known, or the server has no such ids. An empty set, as a new server
   * has it, is null when it is read from a text again.
   */
  readonly gtids: GtidSet | null;
}

/** What XA transactions were prepared there (xa.ts): of no concern to where it is. */
const PREPARED = /^[0-9a-f]*\.[0-9a-f]*\.-?\d+@[^|]+$/;

const FILE = /^([^|\s]+\.\d{1,10}):(\d{1,15})$/;

/**
 * `<file>:<offset>|<server>|<GTID set>`, the last two may be empty. What a person types may also be `<file>:<offset>`
 * or a GTID set alone. null: it is none of these.
 */
export function parsePosition(text: string): BinlogPosition | null {
  const parts = text.trim().split('|');
  if (parts.length > 4 || (parts.length === 4 && !PREPARED.test(parts[3] ?? ''))) return null;
  if (parts.length === 1) {
    const [alone = ''] = parts;
    const file = parseFile(alone);
    if (file) return { file, server: null, gtids: null };
    const gtids = alone === '' ? null : parseGtidSet(alone);
    return gtids && !gtids.empty ? { file: null, server: null, gtids } : null;
  }
  const [filePart = '', server = '', gtidPart = ''] = parts;
  const file = parseFile(filePart);
  const gtids = gtidPart === '' ? null : parseGtidSet(gtidPart);
  if ((filePart !== '' && !file) || (gtidPart !== '' && !gtids) || (!file && !gtids)) return null;
  return { file, server: server === '' ? null : server, gtids };
}

function parseFile(text: string): BinlogPosition['file'] {
  const match = FILE.exec(text);
  const offset = Number(match?.[2]);
  if (!match || !Number.isSafeInteger(offset) || offset < 4) return null;
  return { name: match[1] ?? '', offset };
}

export function formatPosition({ file, server, gtids }: BinlogPosition): Position {
  return `${file ? `${file.name}:${file.offset}` : ''}|${server ?? ''}|${gtids ?? ''}`;
}

/** @throws SluiceError INVALID_REQUEST */
export function requirePosition(position: Position): BinlogPosition {
  const parsed = parsePosition(position);
  if (!parsed)
    throw new SluiceError(
      'INVALID_REQUEST',
      `${position} is not a position of MySQL or MariaDB (as binlog.000042:4711, or a GTID set)`,
    );
  return parsed;
}

/**
 * By file and offset on the same server (or where one is not known to be of another), otherwise by which GTID set
 * contains the other. Sets decide as well where they contradict the order of two files: no reader has come yet to see
 * that these are numbered anew (log-anew.ts).
 * @throws SluiceError POSITION_UNAVAILABLE where neither tells: transactions of either one are missing in the other
 */
export function comparePositions(a: Position, b: Position): -1 | 0 | 1 {
  const left = requirePosition(a);
  const right = requirePosition(b);
  const sameServer = left.server === null || right.server === null || left.server === right.server;
  if (sameServer && left.file && right.file) {
    const byFile = sign(fileNumber(left.file.name) - fileNumber(right.file.name));
    if (byFile === 0) return sign(left.file.offset - right.file.offset);
    // Within one file a set may lack what is being committed before its place; MariaDB's numbers need not rise.
    const bySet = left.gtids?.kind === 'mysql' ? compareSets(left, right) : null;
    return bySet === -byFile ? bySet : byFile;
  }
  const bySet = compareSets(left, right);
  if (bySet !== null) return bySet;
  throw new SluiceError(
    'POSITION_UNAVAILABLE',
    `${a} and ${b} are places in the logs of different servers, and neither is known to lie behind the other`,
  );
}

/** null: neither contains the other. */
function compareSets(left: BinlogPosition, right: BinlogPosition): -1 | 0 | 1 | null {
  if (!left.gtids || !right.gtids) return null;
  const behind = containsGtids(left.gtids, right.gtids);
  const ahead = containsGtids(right.gtids, left.gtids);
  if (!behind && !ahead) return null;
  return behind ? (ahead ? 0 : 1) : -1;
}

/** Files are numbered, with at least six digits; the number goes on when the digits do not suffice any more. */
function fileNumber(name: string): number {
  return Number(name.slice(name.lastIndexOf('.') + 1));
}

function sign(difference: number): -1 | 0 | 1 {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}

/** How often a log that grows between two questions is asked again. */
const HEAD_TRIES = 5;

/**
 * The end of the log now: whatever committed before the call lies before it.
 *
 * File and offset come from one statement, the set from another. MySQL's set may lack transactions that are in the
 * log up to the offset while they commit; it never has one that is not: a set that lacks some makes a reader read
 * them twice, one that has too many would lose them.
 * @throws SluiceError MYSQL_BINLOG_OFF, MYSQL_NO_REPLICATION
 */
export async function readHead(session: Session): Promise<BinlogPosition> {
  const { info } = session;
  if (info.flavour === 'mysql') {
    const row = await readLogStatus(session);
    return headOf(row, info.server, info.gtid ? MysqlGtidSet.parse(row.Executed_Gtid_Set ?? '') : null);
  }
  let before = await mariadbGtids(session);
  for (let tries = 0; ; tries++) {
    const row = await readLogStatus(session);
    const after = await mariadbGtids(session);
    if (before === after) return headOf(row, info.server, MariadbGtidSet.parse(after));
    before = after;
    if (tries < HEAD_TRIES) continue;
    // Exact, but the server reads the file from its beginning.
    const exact = await session.row<{ gtids: string | null }>('SELECT BINLOG_GTID_POS(?, ?) AS gtids', [
      row.File,
      Number(row.Position),
    ]);
    return headOf(row, info.server, MariadbGtidSet.parse(exact.gtids ?? ''));
  }
}

/** A row of SHOW BINARY LOG STATUS; lists of databases have commas between the names. */
export type LogStatus = {
  File: string;
  Position: string;
  Binlog_Do_DB?: string;
  Binlog_Ignore_DB?: string;
  Executed_Gtid_Set?: string;
};

/** @throws SluiceError MYSQL_BINLOG_OFF, MYSQL_NO_REPLICATION */
export async function readLogStatus(session: Session): Promise<LogStatus> {
  const { flavour, version } = session.info;
  const name = flavour === 'mysql' && version >= 80_200 ? 'BINARY LOG STATUS' : 'MASTER STATUS';
  const [row] = await session.rows<LogStatus>(`SHOW ${name}`, [], 'start');
  if (!row?.File) throw new SluiceError('MYSQL_BINLOG_OFF', 'the server has no binary log (log_bin is OFF)');
  return row;
}

function headOf(row: LogStatus, server: string, gtids: GtidSet | null): BinlogPosition {
  return {
    file: { name: row.File, offset: Number(row.Position) },
    server,
    gtids,
  };
}

async function mariadbGtids(session: Session): Promise<string> {
  const row = await session.row<{ gtids: string | null }>('SELECT @@GLOBAL.gtid_binlog_pos AS gtids');
  return row.gtids ?? '';
}
