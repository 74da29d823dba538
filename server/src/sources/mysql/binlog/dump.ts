import { SluiceError } from '@sluice/contract';
import type { Connection } from '../../source.ts';
import { openSession } from '../connect.ts';
import { sourceError } from '../errors.ts';
import type { GtidSet } from '../gtid.ts';
import { quoteLiteral } from '../quote.ts';
import type { ServerInfo } from '../server-info.ts';
import { dumpBehind, dumpFrom, FIRST_OFFSET, MAX_COMMAND_OFFSET } from './commands.ts';
import { EventReader } from './event-reader.ts';
import type { FormatDescription } from './format-description.ts';

export interface DumpOptions {
  readonly from:
    | { readonly kind: 'file'; readonly file: string; readonly offset: number }
    | { readonly kind: 'gtid'; readonly set: GtidSet };
  /** By which the server tells its replicas apart; a second one with the same number ends the first. 0 with `nonBlocking`. */
  readonly serverId: number;
  /** MySQL tells replicas apart by this, where it is given. */
  readonly serverUuid?: string;
  /** End where the log ends. Such a dump never ends another one. */
  readonly nonBlocking?: boolean;
  /** How long the server may have nothing to say. */
  readonly heartbeatMs: number;
  readonly applicationName: string;
}

/**
 * The events of a binary log, one at a time and without an object each: the fields are those of the event that
 * `next` found, and its bytes are valid until `next` is called again.
 *
 * Every event that the server sends comes out, in the log's order, but for those that this reader does not know and
 * that are flagged as such that may be ignored. Compressed transactions come as their events, with `inner` true,
 * instead of the event that holds them; MariaDB's compressed events come as their plain types; the newer heartbeat
 * as the older type.
 */
export interface Dump extends AsyncDisposable {
  readonly info: ServerInfo;
  /**
   * True: there is another event. False: the log has ended (`nonBlocking`).
   * @throws SluiceError SOURCE_INTERRUPTED, BINLOG_*, SERVER_ID_TAKEN and others; the signal's reason when it aborts
   */
  next(): boolean | Promise<boolean>;
  readonly bytes: Buffer;
  /** Of the body, behind the header. */
  readonly start: number;
  /** Of the body, before the checksum. */
  readonly end: number;
  readonly type: number;
  /** Seconds since 1970, when the statement began. */
  readonly timestamp: number;
  /** The server where the event came from first. */
  readonly serverId: number;
  readonly flags: number;
  /** In the header, behind which the body begins: the whole event's size as it was sent. */
  readonly length: number;
  /** From a compressed transaction: `file` and `nextPos` are those of the transaction. */
  readonly inner: boolean;
  /** The file that the event is in, or with a rotation: the one that comes next. */
  readonly file: string;
  /** The offset behind the event in its file; of a rotation: where the next file begins. Beyond 4 GB too. */
  readonly nextPos: number;
  /** Of the file that is read. */
  readonly format: FormatDescription | null;
}

/** @throws SluiceError SOURCE_*, MYSQL_*; the signal's reason when it aborts */
export async function openDump(
  connection: Connection,
  options: DumpOptions,
  signal: AbortSignal,
): Promise<Dump> {
  const session = await openSession(connection, { applicationName: options.applicationName }, signal);
  const doing = `reading the binary log of ${connection.host}:${connection.port}`;
  let dump: EventReader | null = null;
  try {
    const command = dumpCommand(session.info, options);
    await session.run(replicaSettings(session.info, options), [], 'start');
    dump = new EventReader(session, options, doing, signal);
    if (!options.nonBlocking) await dump.register(options.serverId);
    dump.begin(command);
    return dump;
  } catch (error) {
    await dump?.[Symbol.asyncDispose]();
    session.destroy();
    signal.throwIfAborted();
    throw sourceError(error, 'start', doing);
  }
}

/** @throws SluiceError POSITION_UNAVAILABLE */
function dumpCommand(info: ServerInfo, { from, serverId, nonBlocking = false }: DumpOptions): Buffer {
  const id = nonBlocking ? 0 : serverId;
  if (from.kind === 'file')
    return dumpFrom(
      from.file,
      from.offset > MAX_COMMAND_OFFSET ? FIRST_OFFSET : from.offset,
      id,
      nonBlocking,
    );
  if (info.flavour === 'mariadb' && (from.set.kind === 'mariadb' || from.set.empty))
    return dumpFrom('', FIRST_OFFSET, id, nonBlocking);
  if (info.flavour === 'mysql' && from.set.kind === 'mysql') return dumpBehind(from.set, id, nonBlocking);
  throw new SluiceError(
    'POSITION_UNAVAILABLE',
    `${from.set} names no transactions of a ${info.flavour === 'mysql' ? 'MySQL' : 'MariaDB'} server`,
  );
}

/** What a replica tells the server of itself: user variables, under their old and new names. */
function replicaSettings(info: ServerInfo, options: DumpOptions): string {
  const heartbeat = options.nonBlocking ? 0 : Math.round(options.heartbeatMs * 1e6);
  const variables: [string, string][] = [
    // That we know checksums; the server sends what stands in the file.
    ['master_binlog_checksum', "'CRC32'"],
    ['master_heartbeat_period', String(heartbeat)],
  ];
  if (info.flavour === 'mariadb') {
    // MARIA_SLAVE_CAPABILITY_GTID: GTID events come as they are.
    variables.push(['mariadb_slave_capability', '4']);
    if (options.from.kind === 'gtid') {
      variables.push(
        ['slave_connect_state', quoteLiteral(options.from.set.toString())],
        ['slave_gtid_strict_mode', '1'],
        ['slave_gtid_ignore_duplicates', '0'],
      );
    }
  } else {
    variables.push(['source_binlog_checksum', "'CRC32'"], ['source_heartbeat_period', String(heartbeat)]);
    if (options.serverUuid !== undefined && !options.nonBlocking) {
      const uuid = quoteLiteral(options.serverUuid);
      variables.push(['slave_uuid', uuid], ['replica_uuid', uuid]);
    }
  }
  return `SET ${variables.map(([name, value]) => `@${name} = ${value}`).join(', ')}`;
}
