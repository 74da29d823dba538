import { SluiceError } from '@sluice/contract';
import type { ChangeSink, Position } from '../source.ts';
import { EVENT, FLAG } from './binlog/event-types.ts';
import { classify, type Statement } from './ddl/classify.ts';
import type { DdlFollower } from './ddl-follower.ts';
import { type GtidEvent, parseGtid, parseMariadbGtid, parseTaggedGtid } from './gtid-event.ts';
import { comparePlaces, type FilePlace, type LogPlace, transactionNumber } from './log-place.ts';
import { parseQuery, statementStart } from './query-event.ts';
import type { Marks } from './reached.ts';
import type { Flavour } from './server-info.ts';
import type { TableModels } from './table-models.ts';
import { joinPosition, type KeptEvent, KeptGroup, type PreparedTransactions } from './xa.ts';
import { parseXaPrepare } from './xa-event.ts';

/** An event, as a dump shows it. */
export interface EventView extends KeptEvent {
  readonly serverId: number;
  readonly flags: number;
  readonly length: number;
  readonly file: string;
  readonly nextPos: number;
}

/**
 * Where the reader stands with the transaction that is read.
 *   none        between two
 *   announced   its id was read
 *   open        its rows count when COMMIT comes
 *   alone       MariaDB: its one statement comes next
 *   xa          its rows count if and when XA COMMIT comes, perhaps in another group
 */
type Group = 'none' | 'announced' | 'open' | 'alone' | 'xa' | 'void';

export interface LogReaderOptions {
  readonly flavour: Flavour;
  readonly sink: ChangeSink;
  readonly place: LogPlace;
  readonly prepared: PreparedTransactions;
  readonly tables: TableModels;
  readonly ddl: DdlFollower;
  readonly marks: Marks;
  /**
   * The log is read by GTID, and its files were read up to here. What of them is told all the same is read too: a set
   * as the server tells it lacks transactions that are being committed (readHead).
   */
  readonly from: FilePlace | null;
  /** Feeds what an XA transaction did; `from` null: its place has to be found. False: it was not found. */
  readonly replay: (
    xid: string,
    from: FilePlace | null,
    before: FilePlace,
    each: (event: KeptEvent) => void | Promise<void>,
  ) => Promise<boolean>;
  /** All tables (objectId) that may be followed. */
  readonly followed: () => Iterable<string>;
  /** The sink has been told of all that lies before the reader's place. */
  readonly onPlace: (place: FilePlace) => void;
}

/** Cuts the log into transactions and tells them to the sink. Knows no I/O but the one it is given. */
export class LogReader {
  readonly #options: LogReaderOptions;
  readonly #sink: ChangeSink;
  readonly #tables: TableModels;
  readonly #place: LogPlace;
  readonly #prepared: PreparedTransactions;
  #group: Group = 'none';
  #id: GtidEvent['id'] = null;
  #committedAt = 0n;
  #firstFile = '';
  #firstOffset = 0;
  /** The sink was told that the transaction has begun. */
  #told = false;
  #kept: KeptGroup | null = null;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#sink = options.sink;
    this.#tables = options.tables;
    this.#place = options.place;
    this.#prepared = options.prepared;
  }

  get position(): Position {
    return joinPosition(this.#place.toString(), this.#prepared.toString());
  }

  /** No transaction is being read. */
  get between(): boolean {
    return this.#group === 'none';
  }

  /** Somebody waits for a place; the end of the open transaction tells otherwise. */
  nudge(): void {
    if (this.between && this.#place.known) void this.#settle();
  }

  /** Before the sink gets anything of a transaction. */
  readonly begin = (): void => {
    if (this.#told) return;
    this.#told = true;
    this.#sink.begin({
      committedAt: this.#committedAt,
      xid: transactionNumber(this.#firstFile, this.#firstOffset),
    });
  };

  /** The next event of the log. A promise: the next one may be given when it has settled. */
  event(event: EventView): void | Promise<void> {
    switch (event.type) {
      case EVENT.WRITE_ROWS:
      case EVENT.UPDATE_ROWS:
      case EVENT.DELETE_ROWS:
      case EVENT.WRITE_ROWS_V1:
      case EVENT.UPDATE_ROWS_V1:
      case EVENT.DELETE_ROWS_V1:
      case EVENT.PARTIAL_UPDATE_ROWS:
      case EVENT.TABLE_MAP:
        return this.#change(event);
      case EVENT.QUERY:
      case EVENT.EXECUTE_LOAD_QUERY:
        return this.#query(event);
      case EVENT.XID:
        return this.#end(event);
      case EVENT.GTID:
        this.#begun(event, parseGtid(event.bytes, event.start, event.end, false));
        return;
      case EVENT.ANONYMOUS_GTID:
        this.#begun(event, parseGtid(event.bytes, event.start, event.end, true));
        return;
      case EVENT.GTID_TAGGED:
        this.#begun(event, parseTaggedGtid(event.bytes, event.start, event.end));
        return;
      case EVENT.MARIADB_GTID:
        this.#begun(event, parseMariadbGtid(event.bytes, event.start, event.end, event.serverId));
        return;
      case EVENT.XA_PREPARE:
        return this.#xaPrepare(event);
      case EVENT.FORMAT_DESCRIPTION:
      case EVENT.ROTATE:
        return this.#between(event);
      case EVENT.HEARTBEAT:
      case EVENT.STOP:
      case EVENT.PREVIOUS_GTIDS:
      case EVENT.GTID_LIST:
      case EVENT.BINLOG_CHECKPOINT:
      case EVENT.START_ENCRYPTION:
        if (this.#group === 'none') return this.#moved(event);
        return;
      case EVENT.INTVAR:
      case EVENT.RAND:
      case EVENT.USER_VAR:
      case EVENT.BEGIN_LOAD_QUERY:
      case EVENT.APPEND_BLOCK:
      case EVENT.DELETE_FILE:
        // They belong to a statement that the log has as text; that one tells the table.
        if (this.#group === 'none') {
          this.#first(event);
          this.#group = 'announced';
        }
        return;
      case EVENT.IGNORABLE:
      case EVENT.ROWS_QUERY:
      case EVENT.ANNOTATE_ROWS:
      case EVENT.TRANSACTION_CONTEXT:
      case EVENT.VIEW_CHANGE:
        return;
      default:
        throw new SluiceError(
          'SOURCE_PROTOCOL',
          `the log has an event of an unexpected type (${event.type})`,
        );
    }
  }

  #first(event: EventView): void {
    this.#firstFile = event.file;
    this.#firstOffset = event.nextPos - event.length;
    this.#committedAt = BigInt(event.timestamp) * 1_000_000n;
    this.#id = null;
    this.#tables.beginGroup();
  }

  #begun(event: EventView, gtid: GtidEvent): void {
    if (this.#group !== 'none') throw protocolError('a transaction inside another');
    this.#first(event);
    this.#requireBehindStart();
    this.#id = gtid.id;
    if (gtid.committedAt !== null) this.#committedAt = gtid.committedAt;
    switch (gtid.group) {
      case 'prepared':
        this.#beginXa();
        break;
      default:
        this.#group = gtid.group;
    }
  }

  /** Files are numbered anew since it was looked at (attach): the next attempt sees it. */
  #requireBehindStart(): void {
    const { from } = this.#options;
    if (from === null || this.#firstFile === from.file) return;
    if (comparePlaces({ file: this.#firstFile, offset: this.#firstOffset }, from) < 0)
      throw new SluiceError(
        'SOURCE_INTERRUPTED',
        `the server tells of ${this.#firstFile}, before ${from.file}, what was not read: it numbers its files anew`,
      );
  }

  #beginXa(): void {
    this.#group = 'xa';
    this.#kept = new KeptGroup({ file: this.#firstFile, offset: this.#firstOffset });
  }

  #change(event: EventView): void | Promise<void> {
    if (this.#group === 'xa') {
      this.#kept!.add(event);
      return;
    }
    if (this.#group !== 'open') throw protocolError('rows outside of a transaction');
    return this.#feed(event);
  }

  #feed(event: KeptEvent): void | Promise<void> {
    if (event.type === EVENT.TABLE_MAP) return this.#tables.tableMap(event.bytes, event.start, event.end);
    return this.#tables.rows(event.type, event.bytes, event.start, event.end);
  }

  #query(event: EventView): void | Promise<void> {
    const { bytes, start, end } = event;
    const load = event.type === EVENT.EXECUTE_LOAD_QUERY;
    const at = statementStart(bytes, start, end, load);
    if (this.#group === 'void') return this.#end(event);
    if (this.#group === 'none') {
      this.#first(event);
      this.#group = 'announced';
    }
    if (end - at === 5 && bytes.toString('latin1', at, end) === 'BEGIN') {
      this.#group = 'open';
      return;
    }
    const query = parseQuery(bytes, start, end, load);
    const statement = classify(query.sql, { ...query, flavour: this.#options.flavour });
    switch (statement.kind) {
      case 'begin':
        this.#group = 'open';
        return;
      case 'commit':
        return this.#end(event);
      case 'rollback':
        this.#tables.takeBack();
        return this.#end(event);
      case 'xa':
        return this.#xa(event, statement);
      case 'tables':
      case 'dml':
      case 'unknown':
      case 'rollback-to':
        if (this.#group === 'xa') {
          this.#kept!.add(event);
          return;
        }
        break;
      default:
    }
    const alone = this.#group !== 'open' && this.#group !== 'xa';
    const applied = this.#apply(statement, event, { file: event.file, offset: event.nextPos });
    if (!alone) return applied;
    return applied === undefined ? this.#end(event) : applied.then(() => this.#end(event));
  }

  /** What a statement means for the tables, in a transaction or by itself. */
  #apply(statement: Statement, event: KeptEvent, end: FilePlace): void | Promise<void> {
    switch (statement.kind) {
      case 'rollback-to':
        return this.#tables.takeBack();
      case 'tables':
      case 'dml':
      case 'unknown': {
        const load = event.type === EVENT.EXECUTE_LOAD_QUERY;
        return this.#options.ddl.apply(statement, parseQuery(event.bytes, event.start, event.end, load), end);
      }
      default:
    }
  }

  #xa(event: EventView, statement: Extract<Statement, { kind: 'xa' }>): void | Promise<void> {
    const xid = statement.xid.toLowerCase().replace(/x'/g, "X'");
    switch (statement.verb) {
      case 'start':
        this.#beginXa();
        return;
      case 'end':
        return;
      case 'rollback':
        this.#prepared.take(xid);
        return this.#end(event);
      case 'commit':
        return this.#xaCommit(xid, event);
      case 'prepare':
        throw protocolError('an XA PREPARE as a statement');
    }
  }

  #xaPrepare(event: EventView): void | Promise<void> {
    const kept = this.#kept;
    if (this.#group !== 'xa' || kept === null)
      throw protocolError('an XA PREPARE outside of its transaction');
    this.#kept = null;
    const { xid, onePhase } = parseXaPrepare(event.bytes, event.start, event.end);
    if (!onePhase) {
      this.#prepared.add(xid, kept.place, kept.events);
      return this.#end(event);
    }
    return this.#replay(xid, kept.place, kept.events, event);
  }

  #xaCommit(xid: string, event: EventView): Promise<void> {
    const one = this.#prepared.take(xid);
    return this.#replay(xid, one?.place ?? null, one?.events ?? null, event);
  }

  /** The rows of an XA transaction count from here on. */
  async #replay(
    xid: string,
    place: FilePlace | null,
    events: readonly KeptEvent[] | null,
    end: EventView,
  ): Promise<void> {
    const { file, nextPos: offset } = end;
    const each = (event: KeptEvent): void | Promise<void> => {
      if (event.type !== EVENT.QUERY && event.type !== EVENT.EXECUTE_LOAD_QUERY) return this.#feed(event);
      const load = event.type === EVENT.EXECUTE_LOAD_QUERY;
      const query = parseQuery(event.bytes, event.start, event.end, load);
      return this.#apply(classify(query.sql, { ...query, flavour: this.#options.flavour }), event, {
        file,
        offset,
      });
    };
    if (events !== null) for (const event of events) await each(event);
    else {
      const before = { file, offset };
      if (!(await this.#options.replay(xid, place, before, each)))
        for (const objectId of [...this.#options.followed()])
          this.#tables.gap(
            objectId,
            `an XA transaction (${xid}) was committed whose changes are in no log any more`,
          );
    }
    await this.#end(end);
  }

  #end(event: EventView): void | Promise<void> {
    this.#group = 'none';
    this.#kept = null;
    this.#place.add(this.#id);
    this.#id = null;
    this.#place.moveTo(event.file, event.nextPos);
    return this.#settle();
  }

  /** Tells the sink where the reader is, and all who wait for it. */
  #settle(): void | Promise<void> {
    const { marks } = this.#options;
    for (let text = marks.takeDue(this.#place); text !== null; text = marks.takeDue(this.#place))
      this.#sink.mark(text);
    const position = this.position;
    const held = this.#told ? this.#sink.commit(position) : this.#sink.idle(position);
    this.#told = false;
    this.#options.onPlace(this.#place);
    return held;
  }

  /** Something between two transactions. */
  #moved(event: EventView): void | Promise<void> {
    if (event.nextPos > 0 && this.#place.moveTo(event.file, event.nextPos)) return this.#settle();
  }

  /** A file's beginning or end: a transaction never goes on in the next one. */
  #between(event: EventView): void | Promise<void> {
    if ((event.flags & FLAG.artificial) === 0 && this.#group !== 'none') {
      // The server stopped while it wrote it; its rows do not count.
      if (this.#group === 'open') this.#tables.takeBack();
      this.#group = 'none';
      this.#kept = null;
      this.#id = null;
    }
    if (this.#group === 'none') return this.#moved(event);
  }
}

function protocolError(what: string): SluiceError {
  return new SluiceError('SOURCE_PROTOCOL', `the server sent ${what}`);
}
