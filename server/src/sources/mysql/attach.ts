import { SluiceError } from '@sluice/contract';
import type { Connection, Position } from '../source.ts';
import { openDump } from './binlog/dump.ts';
import type { Session } from './connect.ts';
import { containsGtids, type GtidSet, parseGtidSet } from './gtid.ts';
import { serverOfLog } from './log-anew.ts';
import { comparePlaces, type FilePlace } from './log-place.ts';
import { type BinlogPosition, readHead, requirePosition } from './position.ts';
import type { ServerInfo } from './server-info.ts';
import { splitPosition } from './xa.ts';

const OLDEST = { mysql: 50_600, mariadb: 100_500 } as const;

export function checkVersion({ flavour, version, versionText }: ServerInfo): void {
  if (version < OLDEST[flavour]) throw new SluiceError('MYSQL_VERSION', `the server is ${versionText}`);
}

/** How the log is asked for from a position. */
export type DumpStart =
  | { readonly kind: 'file'; readonly file: string; readonly offset: number }
  | { readonly kind: 'gtid'; readonly set: GtidSet };

/**
 * By GTID where the position and the server have them: then it may be another server of the same replication.
 * @throws SluiceError POSITION_UNAVAILABLE where the position means nothing on this server
 */
export function dumpStart(position: BinlogPosition, info: ServerInfo): DumpStart {
  const { file, server, gtids } = position;
  if (gtids !== null && info.gtid && gtids.kind === info.flavour) return { kind: 'gtid', set: gtids };
  const elsewhere = server !== null && serverOfLog(server) !== info.server;
  if (file !== null && !elsewhere) return { kind: 'file', file: file.name, offset: file.offset };
  throw new SluiceError(
    'POSITION_UNAVAILABLE',
    elsewhere
      ? `the position is of server ${server}, and this is ${info.server}: without GTIDs it has no meaning here`
      : 'the position is a GTID set, and the server has no such ids',
  );
}

/**
 * Whether changes are logged in a way that can be read, and by this account.
 * @returns the end of the log
 * @throws SluiceError MYSQL_*
 */
export async function checkLog(session: Session): Promise<BinlogPosition> {
  checkVersion(session.info);
  const head = await readHead(session);
  const row = await session
    .row<{ format: string }>('SELECT @@GLOBAL.binlog_format AS format')
    .catch((error) => {
      // A server that knows row format only has no such setting any more.
      if (SluiceError.from(error).code === 'SOURCE_QUERY') return { format: 'ROW' };
      throw error;
    });
  if (row.format !== 'ROW')
    throw new SluiceError('MYSQL_BINLOG_FORMAT', `binlog_format is ${row.format}, not ROW`);
  return head;
}

/**
 * Checks that the log is complete from the position on, without disturbing anybody who reads it.
 * @throws SluiceError BINLOG_PURGED, SERVER_BEHIND, POSITION_UNAVAILABLE, MYSQL_NO_REPLICATION
 */
export async function checkResumable(
  session: Session,
  connection: Connection,
  applicationName: string,
  from: Position,
  head: BinlogPosition,
  signal: AbortSignal,
): Promise<void> {
  const position = requirePosition(splitPosition(from).base);
  const start = dumpStart(position, session.info);
  if (start.kind === 'gtid') await checkGtids(session, start.set);
  else await checkFile(session, start, head);
  await using dump = await openDump(
    connection,
    { from: start, serverId: 0, nonBlocking: true, heartbeatMs: 60_000, applicationName },
    signal,
  );
  await dump.next();
}

async function checkGtids(session: Session, set: GtidSet): Promise<void> {
  const mysql = session.info.flavour === 'mysql';
  const row = await session.row<{ executed: string | null; purged: string | null }>(
    mysql
      ? 'SELECT @@GLOBAL.gtid_executed AS executed, @@GLOBAL.gtid_purged AS purged'
      : 'SELECT @@GLOBAL.gtid_binlog_pos AS executed, NULL AS purged',
  );
  const executed = parseGtidSet(row.executed ?? '');
  if (executed !== null && !set.empty && !containsGtids(executed, set))
    throw new SluiceError(
      'SERVER_BEHIND',
      `the server has executed ${row.executed || 'nothing'}, and the position is behind ${set}`,
    );
  // MariaDB tells when it is asked for the log.
  const purged = parseGtidSet(row.purged ?? '');
  if (mysql && purged !== null && !containsGtids(set, purged))
    throw new SluiceError(
      'BINLOG_PURGED',
      `the server has removed the log of ${row.purged}, and the position is behind ${set || 'nothing'}`,
    );
}

/** @throws SluiceError BINLOG_PURGED, SERVER_BEHIND */
export async function checkFile(session: Session, start: FilePlace, head: BinlogPosition): Promise<void> {
  const files = await session.rows<{ Log_name: string; File_size: string }>('SHOW BINARY LOGS', [], 'start');
  const file = files.find((one) => one.Log_name === start.file);
  const text = `${start.file}:${start.offset}`;
  const end = head.file ? { file: head.file.name, offset: head.file.offset } : null;
  if (end !== null && comparePlaces(start, end) > 0)
    throw new SluiceError(
      'SERVER_BEHIND',
      `the position ${text} lies behind the end of the server's log (${end.file}:${end.offset})`,
    );
  if (!file)
    throw new SluiceError(
      'BINLOG_PURGED',
      `the server has no ${start.file} any more; its oldest file is ${files[0]?.Log_name ?? 'none'}`,
    );
  if (start.offset > Number(file.File_size))
    throw new SluiceError(
      'SERVER_BEHIND',
      `${start.file} ends at ${file.File_size}, before the position ${text}`,
    );
}
