import type { Connection } from '../source.ts';
import { FIRST_OFFSET } from './binlog/commands.ts';
import { type Dump, openDump } from './binlog/dump.ts';
import { EVENT } from './binlog/event-types.ts';
import type { Session } from './connect.ts';
import { type GtidSet, MariadbGtidSet, MysqlGtidSet } from './gtid.ts';
import type { FilePlace } from './log-place.ts';

/** The files that the server still has, and what their heads tell. */
export class LogFiles {
  readonly names: readonly string[];
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #session: Session;
  readonly #connection: Connection;
  readonly #application: string;
  readonly #signal: AbortSignal;

  private constructor(
    files: readonly { readonly Log_name: string; readonly File_size: string }[],
    session: Session,
    connection: Connection,
    application: string,
    signal: AbortSignal,
  ) {
    this.names = files.map((file) => file.Log_name);
    this.#sizes = new Map(files.map((file) => [file.Log_name, Number(file.File_size)]));
    this.#session = session;
    this.#connection = connection;
    this.#application = application;
    this.#signal = signal;
  }

  /** @throws SluiceError MYSQL_NO_REPLICATION, MYSQL_BINLOG_OFF */
  static async list(
    session: Session,
    connection: Connection,
    application: string,
    signal: AbortSignal,
  ): Promise<LogFiles> {
    const files = await session.rows<{ Log_name: string; File_size: string }>(
      'SHOW BINARY LOGS',
      [],
      'start',
    );
    return new LogFiles(files, session, connection, application, signal);
  }

  sizeOf(file: string): number {
    return this.#sizes.get(file) ?? 0;
  }

  /** From the beginning of a file up to the end of the log. */
  read(file: string): Promise<Dump> {
    const from = { kind: 'file', file, offset: FIRST_OFFSET } as const;
    return openDump(
      this.#connection,
      {
        from,
        serverId: 0,
        nonBlocking: true,
        heartbeatMs: 60_000,
        applicationName: this.#application,
      },
      this.#signal,
    );
  }

  /** When the file was begun, in seconds since 1970: all that is in the files before it was written by then. */
  async begunAt(file: string): Promise<number> {
    await using dump = await this.read(file);
    while (await dump.next())
      if (dump.type === EVENT.FORMAT_DESCRIPTION && dump.timestamp > 0) return dump.timestamp;
    return 0;
  }

  /** What had been executed before the file's first transaction; null: the server has no such ids. */
  async gtidsBefore(file: string): Promise<GtidSet | null> {
    const { flavour, gtid } = this.#session.info;
    if (!gtid || flavour === 'mariadb') return null;
    const events = await this.#session.rows<{ Event_type: string; Info: string }>(
      'SHOW BINLOG EVENTS IN ? LIMIT 4',
      [file],
      'start',
    );
    const previous = events.find(({ Event_type }) => Event_type === 'Previous_gtids');
    return previous === undefined ? null : MysqlGtidSet.parse(previous.Info.replace(/\s+/g, ''));
  }

  /** MariaDB alone can tell it of any place. */
  async mariadbGtids({ file, offset }: FilePlace): Promise<GtidSet | null> {
    const { gtids } = await this.#session.row<{ gtids: string | null }>(
      'SELECT BINLOG_GTID_POS(?, ?) AS gtids',
      [file, offset],
    );
    return MariadbGtidSet.parse(gtids ?? '');
  }
}
