import { createHash } from 'node:crypto';
import { SluiceError } from '@sluice/contract';
import { type Column, type TableName, type TableSchema, tableKey } from '../../model/table.ts';
import type {
  ChangeSink,
  Connection,
  DiscoveredTable,
  Position,
  Selection,
  Source,
  SourceOptions,
  TableSnapshot,
} from '../source.ts';
import { checkLog, checkResumable, checkVersion, type DumpStart, dumpStart } from './attach.ts';
import { type Dump, openDump } from './binlog/dump.ts';
import { applicationName, openSession, type Session } from './connect.ts';
import { DdlFollower } from './ddl-follower.ts';
import { DdlPlaces } from './ddl-places.ts';
import { ddlVisible, makeRoom } from './ddl-visible.ts';
import { discoverTables } from './discover.ts';
import { LogAhead, redefinedIn } from './log-ahead.ts';
import { isNumberedAnew, logNameOf, nextLogName } from './log-anew.ts';
import { comparePlaces, type FilePlace, LogPlace } from './log-place.ts';
import { LogReader } from './log-reader.ts';
import {
  type BinlogPosition,
  comparePositions,
  formatPosition,
  readHead,
  requirePosition,
} from './position.ts';
import { Marks, Reached } from './reached.ts';
import { readRemaining } from './remaining.ts';
import { Charsets } from './rows/charset.ts';
import { fetchRows } from './rows.ts';
import type { ServerInfo } from './server-info.ts';
import { ShortQuestions } from './short-questions.ts';
import { openSnapshot } from './snapshot.ts';
import { TableModels } from './table-models.ts';
import { keepsValues } from './types.ts';
import { PreparedTransactions, splitPosition } from './xa.ts';
import { findPrepared, readPrepared } from './xa-search.ts';

/** How often the server says that it is there while its log is quiet. */
const HEARTBEAT_MS = 2_000;
/** Server ids that are tried where strangers use them. */
const SERVER_ID_TRIES = 5;

export async function openMysql(options: SourceOptions, signal: AbortSignal): Promise<Source> {
  await using session = await openSession(
    options.connection,
    { applicationName: applicationName(options.taskKey) },
    signal,
  );
  checkVersion(session.info);
  return new MysqlSource(options, session.info);
}

/** From where the log is asked for, and what its events are given to. */
interface Log {
  readonly start: DumpStart;
  readonly place: LogPlace;
  readonly reader: LogReader;
}

/** What is read now: ends with the stream. */
interface Reading {
  readonly reader: LogReader;
  readonly places: DdlPlaces;
  readonly reached: Reached;
  readonly place: FilePlace;
}

class MysqlSource implements Source {
  readonly ddl = 'log';
  readonly keepsValues = keepsValues;
  readonly #options: SourceOptions;
  readonly #info: ServerInfo;
  readonly #application: string;
  readonly #closed = new AbortController();
  readonly #questions: ShortQuestions;
  readonly #charsets = new Charsets();
  readonly #marks = new Marks();
  readonly #takenIds = new Set<number>();
  /** As positions name the log that is read (log-anew.ts). */
  #log: string;
  #reading: Reading | null = null;

  constructor(options: SourceOptions, info: ServerInfo) {
    this.#options = options;
    this.#info = info;
    this.#log = info.server;
    this.#application = applicationName(options.taskKey);
    this.#questions = new ShortQuestions((signal) => this.#open(signal));
  }

  serverOf(): string {
    return this.#log;
  }

  readonly compare = (a: Position, b: Position): -1 | 0 | 1 =>
    comparePositions(splitPosition(a).base, splitPosition(b).base);

  async discover(selection: Selection, signal: AbortSignal): Promise<readonly DiscoveredTable[]> {
    const wanted = this.#withDefault(selection);
    for (;;) {
      const reading = this.#reading;
      const [before, tables, behind] = await this.#questions.ask(signal, async (session) => {
        const unseen = reading?.places.unseen(wanted) ?? [];
        await ddlVisible(session, unseen);
        for (const name of unseen) reading?.places.seen(name);
        return [
          await readFileHead(session),
          await this.#discoverNow(session, selection),
          await readFileHead(session),
        ] as const;
      });
      if (reading !== this.#reading) continue;
      if (reading !== null) {
        if (comparePlaces(reading.place, behind) < 0) await reading.reached.wait(behind, signal);
        // The catalog shows what the log tells further on, or may have shown what was before it.
        if (reading.places.since(before, wanted) || reading.places.unseen(wanted).length > 0) continue;
      }
      return tables;
    }
  }

  #withDefault(selection: Selection): Selection {
    if (selection.schemas.length > 0 || selection.tables.length > 0) return selection;
    const { database } = this.#options.connection;
    return database === '' ? selection : { schemas: [database], tables: [] };
  }

  #discoverNow(session: Session, selection: Selection): Promise<readonly DiscoveredTable[]> {
    const { connection, reading } = this.#options;
    return discoverTables(session, selection, { database: connection.database, reading });
  }

  /** The log has every change of every table. */
  async publish(): Promise<readonly []> {
    return [];
  }

  async published(): Promise<'all'> {
    return 'all';
  }

  async attach(from: Position | null, signal: AbortSignal): Promise<Position> {
    await using session = await this.#open(signal);
    const head = await checkLog(session);
    const position = from ?? formatPosition(head);
    await checkResumable(session, this.#ofServer, this.#application, position, head, signal);
    const parsed = requirePosition(splitPosition(position).base);
    this.#log = logNameOf(parsed, this.#info.server);
    // The end of the log is a place in it, though its set may lack what lies before that.
    if (from === null || !(await this.#isNumberedAnew(parsed, head, signal))) return position;
    this.#log = nextLogName(this.#log);
    this.#notice(`the server numbers the files of its log anew since ${position}: it is read on by GTID`);
    return formatPosition({ file: null, server: this.#log, gtids: parsed.gtids });
  }

  async #isNumberedAnew(
    position: BinlogPosition,
    head: BinlogPosition,
    signal: AbortSignal,
  ): Promise<boolean> {
    const start = dumpStart(position, this.#info);
    const place = new LogPlace(position, this.#log);
    return (
      start.kind === 'gtid' &&
      place.known &&
      isNumberedAnew(place, head.file, () => this.#openUpToEnd(start, signal))
    );
  }

  async redefined(from: Position, signal: AbortSignal): Promise<(table: TableName) => boolean> {
    const start = dumpStart(requirePosition(splitPosition(from).base), this.#info);
    const head = await this.#questions.ask(signal, readFileHead);
    await using dump = await this.#openUpToEnd(start, AbortSignal.any([signal, this.#closed.signal]));
    return await redefinedIn(dump, head, this.#info.flavour, this.#fold);
  }

  async head(signal: AbortSignal): Promise<Position> {
    const head = await this.#questions.ask(signal, readHead);
    return formatPosition({ ...head, server: this.#log });
  }

  async remaining(from: Position, signal: AbortSignal): Promise<{ end: Position; bytes: number | null }> {
    const ofServer = renamed(splitPosition(from).base, this.#log, this.#info.server);
    const { end, bytes } = await this.#questions.ask(signal, (session) => readRemaining(session, ofServer));
    return { end: renamed(end, this.#info.server, this.#log), bytes };
  }

  async mark(text: string, signal: AbortSignal): Promise<void> {
    const place = await this.#questions.ask(signal, readFileHead);
    this.#marks.add(text, place);
    this.#reading?.reader.nudge();
  }

  async stream(from: Position, sink: ChangeSink, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const life = AbortSignal.any([signal, this.#closed.signal]);
    const reached = new Reached();
    const places = new DdlPlaces();
    let failure: unknown = new SluiceError('SOURCE_INTERRUPTED', 'the log is not read any more');
    try {
      let position = from;
      this.#log = logNameOf(requirePosition(splitPosition(from).base), this.#info.server);
      for (let tries = 1; ; tries++) {
        const log = this.#logOf(position, sink, reached, places, life);
        // Before anything is waited for: whoever looks at the catalog from now on is told what holds at this place.
        this.#reading = { reader: log.reader, places, reached, place: log.place };
        const serverId = await this.#options.serverIds.allot(this.#info.server, this.#takenIds);
        try {
          return await this.#follow(log, serverId, life);
        } catch (error) {
          if (SluiceError.from(error).code !== 'SERVER_ID_TAKEN' || tries === SERVER_ID_TRIES) throw error;
          this.#takenIds.add(serverId);
          // Rows of the open transaction cannot be taken back: the next attempt begins it again.
          if (!log.reader.between) throw error;
          position = log.reader.position;
        }
      }
    } catch (error) {
      if (life.aborted) return;
      failure = error;
      throw error;
    } finally {
      this.#reading = null;
      reached.end(failure);
    }
  }

  /** Reads until the signal aborts. */
  async #follow({ start, reader }: Log, serverId: number, life: AbortSignal): Promise<void> {
    await using dump = await openDump(
      this.#ofServer,
      {
        from: start,
        serverId,
        serverUuid: replicaUuid(this.#options.taskKey, serverId),
        heartbeatMs: HEARTBEAT_MS,
        applicationName: this.#application,
      },
      life,
    );
    // Whatever waits for the place where it begins.
    reader.nudge();
    for (;;) {
      const next = dump.next();
      if (next !== true && !(await next))
        throw new SluiceError('SOURCE_INTERRUPTED', 'the server ended the stream of its log');
      const held = reader.event(dump);
      if (held !== undefined && !(await settled(held, life))) return;
    }
  }

  /** What reads the log from a position. @throws SluiceError POSITION_UNAVAILABLE */
  #logOf(from: Position, sink: ChangeSink, reached: Reached, places: DdlPlaces, life: AbortSignal): Log {
    const { base, prepared } = splitPosition(from);
    const position = requirePosition(base);
    const start = dumpStart(position, this.#info);
    const place = new LogPlace(position, this.#log);
    const own = position.server === null || position.server === this.#log;
    const pending = PreparedTransactions.parse(own ? prepared : '');
    if (pending === null)
      throw new SluiceError('POSITION_UNAVAILABLE', `position ${from} has a part that is not known`);
    const followed = (): Iterable<string> => sink.tables();
    const tables = new TableModels({
      sink,
      charsets: this.#charsets,
      loadCharsets: (names) =>
        this.#questions.ask(life, (session) => this.#charsets.load((sql) => session.rows(sql), names)),
      leavesOutGenerated: this.#info.flavour === 'mariadb',
      begin: () => reader.begin(),
    });
    const ddl = new DdlFollower({
      flavour: this.#info.flavour,
      sink,
      tables,
      catalog: this.#catalog,
      ahead: new LogAhead(this.#info.flavour, this.#fold, (at, signal) => this.#openStretch(at, signal)),
      places,
      fold: this.#fold,
      followed,
      begin: () => reader.begin(),
      signal: life,
    });
    const reader: LogReader = new LogReader({
      flavour: this.#info.flavour,
      sink,
      place,
      prepared: pending,
      tables,
      ddl,
      marks: this.#marks,
      from: start.kind === 'gtid' && place.known ? { file: place.file, offset: place.offset } : null,
      replay: (xid, at, before, each) => this.#replay(xid, at, before, each, life),
      followed,
      onPlace: (now) => reached.advance(now),
    });
    return { start, place, reader };
  }

  readonly #fold = (name: TableName): TableName =>
    this.#info.lowerCaseTableNames === 1
      ? { schema: name.schema.toLowerCase(), table: name.table.toLowerCase() }
      : name;

  readonly #catalog = {
    describe: (name: TableName, signal: AbortSignal): Promise<DiscoveredTable | null> =>
      this.#questions.ask(signal, async (session) => {
        await ddlVisible(session, [name]);
        const found = await this.#discoverNow(session, { schemas: [], tables: [name] });
        return found.find((table) => table.objectId === tableKey(name)) ?? null;
      }),
    head: (signal: AbortSignal): Promise<FilePlace> => this.#questions.ask(signal, readFileHead),
    makeRoom: (places: DdlPlaces, signal: AbortSignal): Promise<void> =>
      this.#questions.ask(signal, (session) => makeRoom(session, places)),
  };

  #openStretch({ file, offset }: FilePlace, signal: AbortSignal): Promise<Dump> {
    return this.#openUpToEnd({ kind: 'file', file, offset }, signal);
  }

  /** Ends where the log does. */
  #openUpToEnd(from: DumpStart, signal: AbortSignal): Promise<Dump> {
    return openDump(
      this.#ofServer,
      {
        from,
        serverId: 0,
        nonBlocking: true,
        heartbeatMs: 60_000,
        applicationName: this.#application,
      },
      signal,
    );
  }

  async #replay(
    xid: string,
    at: FilePlace | null,
    before: FilePlace,
    each: Parameters<typeof readPrepared>[2],
    signal: AbortSignal,
  ): Promise<boolean> {
    const open = (from: FilePlace, until: AbortSignal): Promise<Dump> => this.#openStretch(from, until);
    let place = at;
    if (place === null) {
      this.#options.notice?.(
        `the changes of the XA transaction ${xid} are looked for in older files of the log`,
      );
      const files = await this.#questions.ask(signal, (session) =>
        session.rows<{ Log_name: string }>('SHOW BINARY LOGS'),
      );
      const names = files.map((file) => file.Log_name);
      place = await findPrepared(open, names, xid, before, signal);
    }
    if (place === null) return false;
    await readPrepared(open, place, each, signal);
    return true;
  }

  /** The log is the server's; it is kept as long as the server's settings say. */
  acknowledge(): void {}

  async snapshot({ name, columns, identity }: TableSchema, signal: AbortSignal): Promise<TableSnapshot> {
    const snapshot = await openSnapshot(
      this.#options.connection,
      this.#application,
      name,
      columns,
      identity,
      AbortSignal.any([signal, this.#closed.signal]),
      this.#notice,
    );
    const { visibility } = snapshot;
    // Numbers of transactions are of one numbering of the files only.
    return visibility.kind === 'log'
      ? Object.assign(snapshot, { visibility: { ...visibility, server: this.#log } })
      : snapshot;
  }

  async fetchRows(
    table: TableName,
    columns: readonly Column[],
    key: readonly string[],
    keys: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<Buffer> {
    return fetchRows(this.#options.connection, this.#application, table, columns, key, keys, signal);
  }

  /** The log is the server's, whatever becomes of the database. */
  get #ofServer(): Connection {
    return { ...this.#options.connection, database: '' };
  }

  #open(signal: AbortSignal): Promise<Session> {
    return openSession(
      this.#ofServer,
      { applicationName: this.#application },
      AbortSignal.any([signal, this.#closed.signal]),
    );
  }

  readonly #notice = (message: string): void => {
    this.#options.notice?.(message);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new SluiceError('SOURCE_INTERRUPTED', 'the source was closed'));
    await this.#questions[Symbol.asyncDispose]();
  }
}

async function readFileHead(session: Session): Promise<FilePlace> {
  const { file } = await readHead(session);
  if (file === null) throw new SluiceError('MYSQL_BINLOG_OFF', 'the server does not tell the end of its log');
  return { file: file.name, offset: file.offset };
}

/** The position under another name of its log. */
function renamed(position: Position, from: string, to: string): Position {
  return position.replace(`|${from}|`, `|${to}|`);
}

/** MySQL tells replicas apart by this: the same for a task, so that its next reader ends one that died. */
function replicaUuid(taskKey: string, serverId: number): string {
  const hex = createHash('sha256').update(`sluice ${taskKey} ${serverId}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
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
