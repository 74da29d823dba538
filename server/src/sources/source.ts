import type { SluiceError } from '@sluice/contract';
import type { Column, TableName, TableSchema } from '../model/table.ts';

/**
 * A place in the source's log, as text (PostgreSQL: an LSN, `16/B374D848`; MySQL: file and offset, server, GTID set).
 * Compare with `Source.compare`, never as text.
 */
export type Position = string;

export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  /** disable | require (encrypted, not verified) | verify-full */
  readonly sslmode: 'disable' | 'require' | 'verify-full';
  /** The zone that the server is said to run in. No value depends on it; check-cdc says where it is another one. */
  readonly timezone?: string | null | undefined;
}

/** One finding of `check-cdc`: what is wrong, why it matters, the statement that mends it. */
export interface Finding {
  readonly code: string;
  readonly level: 'error' | 'warning' | 'info' | 'ok';
  /** What was looked at: a setting, a right, a table. */
  readonly subject: string;
  readonly found: string;
  readonly why: string;
  /** The exact statement, or null where nothing is to be done. */
  readonly fix: string | null;
}

/** What a task wants of a database: whole schemas (empty: all but the system's), or the tables named. */
export interface Selection {
  readonly schemas: readonly string[];
  readonly tables: readonly TableName[];
}

/** A table of the source, and whether it can be mirrored. */
export interface DiscoveredTable {
  readonly schema: TableSchema;
  /** The identity of the table object itself: another one under the same name is another table (PostgreSQL: oid). */
  readonly objectId: string;
  /** The columns as the log describes them (LogRelation.columns), to tell whether a description in the log is this one. */
  readonly logColumns: readonly {
    readonly name: string;
    readonly typeId: number;
    readonly typeModifier: number;
  }[];
  /** Names the files that hold the rows: another one means that the source rewrote or emptied them without telling the log. */
  readonly storage: string;
  /** By sourceId: another text after each statement that defines the column; whatever merely moves rows leaves it. */
  readonly columnVersions: Readonly<Record<number, string>>;
  /** The parts of a table that the source stores apart (PostgreSQL: partitions); a table in one part has none. */
  readonly pieces: readonly TablePiece[];
  /** Columns (sourceId) whose older rows have a value that was never written to them (ADD COLUMN … DEFAULT). */
  readonly filledColumns: readonly number[];
  /** Rows as the source's statistics estimate them; null where it does not know. */
  readonly estimatedRows: number | null;
  readonly refused: {
    readonly code:
      | 'TABLE_NO_KEY'
      | 'TABLE_NO_IDENTITY'
      | 'TABLE_NO_SELECT'
      | 'TABLE_CASCADE'
      | 'TABLE_ENGINE'
      | 'TABLE_SCHEMA'
      | 'MYSQL_BINLOG_FILTER'
      | 'MYSQL_REPLICA_UPDATES';
    readonly message: string;
    readonly remedy: string;
  } | null;
}

/** A part of a table with rows of its own. The log does not tell of rows that come, go or vanish with the part itself. */
export interface TablePiece {
  readonly id: string;
  readonly storage: string;
  /** It was made as a part of the table, empty; otherwise it may have brought rows with it. */
  readonly born: boolean;
}

/** Data source level: what the control plane asks before any task runs. Stateless; every call opens and closes its own connection. */
export interface SourceAdmin {
  /** @throws SluiceError SOURCE_* */
  test(
    connection: Connection,
    signal: AbortSignal,
  ): Promise<{ readonly version: string; readonly latencyMs: number }>;
  checkCdc(
    connection: Connection,
    scope: { readonly selection: Selection | null },
    signal: AbortSignal,
  ): Promise<readonly Finding[]>;
  /** The databases that the account may connect to. */
  catalogs(connection: Connection, signal: AbortSignal): Promise<readonly string[]>;
  /** The tables of a database. `reading`: as a task would have it. */
  objects(
    connection: Connection,
    signal: AbortSignal,
    reading?: ReadingOptions,
  ): Promise<readonly DiscoveredTable[]>;
  /** The first rows of a table as the source's own text. */
  sample(
    connection: Connection,
    table: TableName,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ readonly columns: readonly string[]; readonly rows: readonly (string | null)[][] }>;
  /** What a task keeps at the source from its first start on, and what that costs there, in words; null: nothing. */
  readonly keeps: { readonly what: string; readonly cost: string } | null;
  /** Undeploy: drops what a task keeps. Nothing to drop is no error. */
  forget(connection: Connection, taskKey: string, signal: AbortSignal): Promise<void>;
  /** The end of the log now, as `Source.head`. */
  head(connection: Connection, signal: AbortSignal): Promise<Position>;
  /**
   * Where a start from a place of one's choice begins, as a run takes it. Looks, and touches nothing.
   * @throws SluiceError POSITION_INVALID, POSITION_EXPIRED, POSITION_AHEAD, which say what the source still has;
   *   SOURCE_*, PG_SLOT_*, MYSQL_*
   */
  startingPlace(
    connection: Connection,
    taskKey: string,
    choice: StartChoice,
    signal: AbortSignal,
  ): Promise<Position>;
  /** As `Source.compare`. */
  compare(a: Position, b: Position): -1 | 0 | 1;
  open(options: SourceOptions, signal: AbortSignal): Promise<Source>;
}

/** A position as a person types it, or a moment (microseconds since 1970): the first transaction at or after it. */
export type StartChoice =
  | { readonly by: 'position'; readonly position: string }
  | { readonly by: 'time'; readonly time: bigint };

export interface SourceOptions {
  readonly connection: Connection;
  /** Names the task at the source (PostgreSQL: slot and publication `sluice_<taskKey>`): lower-case letters, digits, _ */
  readonly taskKey: string;
  /** A publication that an administrator made; it is used as it is and never changed. */
  readonly publication: string | null;
  readonly reading: ReadingOptions;
  readonly serverIds: ServerIds;
  /** Is told what a call waits for at the source, when that takes long: somebody's open transaction. */
  readonly notice?: ((message: string) => void) | undefined;
}

/** What a task wants where a source could be read in two ways. */
export interface ReadingOptions {
  /** MySQL's tinyint(1). */
  readonly tinyint1: 'boolean' | 'int';
  /** MySQL's time, which reaches from -838:59:59 to 838:59:59. */
  readonly time: 'time' | 'string';
  /** Tables whose rows foreign keys change without a trace in the log. */
  readonly unloggedCascades: 'follow' | 'ignore';
}

export const DEFAULT_READING: ReadingOptions = {
  tinyint1: 'boolean',
  time: 'time',
  unloggedCascades: 'follow',
};

/**
 * Numbers by which a MySQL server tells its replicas apart. Two readers of one server never get the same one, not
 * even in different tasks; a task keeps its own over its runs.
 */
export interface ServerIds {
  /** `taken`: numbers that were found in use by strangers. */
  allot(server: string, taken: ReadonlySet<number>): Promise<number>;
}

/** One database as a run of a task sees it. */
export interface Source extends AsyncDisposable {
  /**
   * Where a change of a table's schema is learnt: from the source's catalog, which is ahead of the log that is read,
   * or from the log itself, in its order (`ChangeSink.ddl`, and `LogRelation.table` with every relation).
   */
  readonly ddl: 'catalog' | 'log';
  /** Names the server that a table is on, where transaction numbers of another one mean nothing (Visibility); otherwise ''. */
  serverOf(table: TableName): string;
  /**
   * Whether each value of a column is the same under its new definition; asked where the source's storage does not tell. It
   * and `compare` are functions that work without the source before them.
   */
  readonly keepsValues: (before: Column, after: Column) => boolean;
  readonly compare: (a: Position, b: Position) => -1 | 0 | 1;
  discover(selection: Selection, signal: AbortSignal): Promise<readonly DiscoveredTable[]>;
  /**
   * Lets the changes of exactly these tables enter the log. Returns the tables that could not be included, with
   * why. Changes committed after this returns are in the log; a table that was included before stays so without a gap.
   */
  publish(
    tables: readonly TableName[],
    signal: AbortSignal,
  ): Promise<readonly { readonly name: TableName; readonly message: string }[]>;
  /**
   * The tables (objectId) whose changes enter the log now; 'all' where every change of every table does.
   * @throws SluiceError PG_PUBLICATION_MISSING where that of all of them is lost
   */
  published(signal: AbortSignal): Promise<ReadonlySet<string> | 'all'>;
  /**
   * `null`: begins anew (a slot left over from this task is dropped and made again) and returns the position from
   * which the log is complete. A position: checks that the log is still complete from there and that nobody else
   * reads it; returns it. A slot that a dead runner of this same task still holds is freed (its backend ended).
   * @throws SluiceError PG_SLOT_*, PG_PUBLICATION_MISSING, POSITION_UNAVAILABLE before anything is touched
   */
  attach(from: Position | null, signal: AbortSignal): Promise<Position>;
  /**
   * Whether DDL behind the position changes what the catalog says of a table (Source.ddl 'log'): rows before it are not
   * as the catalog has them now. Reads the log up to its end.
   */
  redefined(from: Position, signal: AbortSignal): Promise<(table: TableName) => boolean>;
  /** The end of the log now: whatever committed before the call lies before it. */
  head(signal: AbortSignal): Promise<Position>;
  /** The same, and how many bytes of the log lie between a position and it; null where that cannot be told. */
  remaining(
    from: Position,
    signal: AbortSignal,
  ): Promise<{ readonly end: Position; readonly bytes: number | null }>;
  /**
   * Comes back through `ChangeSink.mark` when all that was in the log at the time of the call is read. Where the
   * source lets us, it is written into the log, which keeps the position moving when the tables are quiet.
   */
  mark(text: string, signal: AbortSignal): Promise<void>;
  /**
   * Follows the log from a position returned by `attach` or given to `ChangeSink.commit`, calling `sink` in the
   * log's order. Transactions that end at or before `from` are left out. Resolves when the signal aborts.
   * @throws SluiceError SOURCE_INTERRUPTED and others
   */
  stream(from: Position, sink: ChangeSink, signal: AbortSignal): Promise<void>;
  /** All that lies before it is durable and will never be asked for again. Passed on to the source soon after. */
  acknowledge(position: Position): void;
  /**
   * A view of one table, to be loaded in chunks; consistent, but where its visibility is 'none'. It shows every
   * transaction that the sink has been told of before the call (Source.ddl 'log'). Hold it open no longer than needed.
   */
  snapshot(table: TableSchema, signal: AbortSignal): Promise<TableSnapshot>;
  /** The rows with these keys (values as text in key order) as they are now, as CSV lines of the table's columns. */
  fetchRows(
    table: TableName,
    columns: readonly Column[],
    key: readonly string[],
    keys: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<Buffer>;
}

/** Part of a table; meaningful to the source only. JSON. */
export type ChunkRange = Readonly<Record<string, string | number | null>>;

export interface TableSnapshot extends AsyncDisposable {
  /** Which transactions of the log are already in the rows of this snapshot. JSON, kept with what was loaded. */
  readonly visibility: Visibility;
  /** When it was taken, microseconds since 1970 by the source's clock. */
  readonly takenAt: bigint;
  /** Chunks of about `targetBytes` that together hold every row of the snapshot once. Costs no scan and no count. */
  plan(targetBytes: number): Promise<readonly ChunkRange[]>;
  /**
   * Writes the chunk's rows as CSV lines of the columns, several calls at once allowed up to the source's patience.
   * `write` is awaited: that is the backpressure. Each buffer holds whole lines and may be reused after the await.
   */
  copy(
    chunk: ChunkRange,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{
    readonly rows: number;
    readonly longestLine: number;
    /** Some value may have no counterpart in the lake (RowWriter.lossy). */
    readonly lossy: boolean;
  }>;
  /**
   * The same as typed rows (model/typed-rows), which the target reads faster: the bytes of one file.
   * @returns null where some value can be told as text only: what was written is to be thrown away, and `copy` is the way
   */
  copyTyped?(
    chunk: ChunkRange,
    write: (bytes: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedTypedRows | null>;
  /**
   * As `copy`, of all rows that match a condition in the source's own SQL (contract parseRowFilter), in one go.
   * @throws SluiceError SOURCE_QUERY where the source does not understand it
   */
  copyMatching(
    filter: string,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly rows: number; readonly longestLine: number; readonly lossy: boolean }>;
}

export interface LoadedTypedRows {
  readonly rows: number;
  readonly longestLine: number;
  readonly lossy: boolean;
  /** By column: the value itself is there, of the column's type; otherwise its text. */
  readonly typed: readonly boolean[];
}

/**
 * Tells whether a transaction was already visible in a snapshot.
 *   xid    PostgreSQL: pg_current_snapshot(), xid8 as text
 *   log    every transaction of this server with a number (`ChangeSink.begin`) below `before`, and no other
 *   none   nothing is known of any; rows are recognised by key, so that applying a change twice does no harm
 */
export type Visibility =
  | {
      readonly kind: 'xid';
      readonly xmin: string;
      readonly xmax: string;
      readonly xip: readonly string[];
    }
  | { readonly kind: 'log'; readonly server: string; readonly before: number }
  | { readonly kind: 'none' };

/** A source but for the reading of its log. */
export type AskedSource = Omit<Source, 'stream'> & {
  /** Of a merge: members that cannot be reached now, by label, and why. */
  readonly away?: ReadonlyMap<string, SluiceError>;
  /** Whether the table is of one of them: nothing is known of what that has. */
  isAway?(table: TableName): boolean;
};

/** What takes each of the logs of a source that has several (composite/). */
export interface MemberSinks {
  member(label: string): ChangeSink;
}

/**
 * Receives the log, in order, in the reader's own tick: calls are synchronous and cheap; a returned promise means
 * "read no further until it settles".
 */
export interface ChangeSink {
  /** Grows when the writers that were given are void: before the next row of any table, `relation` is called again. */
  readonly epoch: number;
  /** `committedAt` in microseconds since 1970. `xid`: the transaction's number, as in Visibility (PostgreSQL: modulo 2^32). */
  begin(transaction: { readonly committedAt: bigint; readonly xid: number }): void;
  /**
   * What the engine knows of a table (Source.ddl 'log'): its schema at this place in the log as far as the engine
   * has been told, to go on from; `life` is another one after each new load, which begins from the catalog again.
   * null: its rows are of no interest now. Asked again whenever `epoch` has grown.
   */
  known(objectId: string): { readonly schema: TableSchema; readonly life: string } | null;
  /** The tables (objectId) that are followed, whether or not they keep lines now. */
  tables(): Iterable<string>;
  /** DDL of a table, known or not, at its place in the log (Source.ddl 'log'); a transaction of its own. */
  ddl(event: TableEvent): void;
  /**
   * A table is about to change under this schema; called before its first row and again whenever the schema of the
   * following rows differs. `column.sourceId` is −1 where the log does not tell it. The returned writer is used for all its rows until the
   * next call for it; null: its rows are of no interest and are skipped undecoded.
   */
  relation(relation: LogRelation): RowWriter | null;
  truncate(objectId: string): void;
  mark(text: string): void;
  /** The end of the transaction. The promise is the backpressure. */
  commit(end: Position): void | Promise<void>;
  /** No transaction is open and the log is empty up to here (keepalive). */
  idle(position: Position): void | Promise<void>;
}

/**
 * What happened to a table besides its rows.
 *   schema    from here on its rows are of this relation
 *   gap       rows changed without a trace in the log, or the log cannot be read any more for this table
 *   dropped   it is gone (a table made again under its name is another one)
 *   made      a table of this name is new
 *   renamed   `to` had no table before, or its table was renamed away before in the same statement
 *   trouble   it cannot be mirrored on, for a reason that a person has to mend
 */
export type TableEvent =
  | { readonly kind: 'schema'; readonly relation: LogRelation }
  | { readonly kind: 'gap'; readonly objectId: string; readonly reason: string }
  | { readonly kind: 'dropped' | 'made'; readonly objectId: string }
  | { readonly kind: 'renamed'; readonly objectId: string; readonly to: string; readonly name: TableName }
  | { readonly kind: 'trouble'; readonly objectId: string; readonly error: SluiceError };

/** A table as the log itself describes it at its place in the log. */
export interface LogRelation {
  readonly objectId: string;
  readonly name: TableName;
  readonly identity: 'default' | 'full' | 'index' | 'nothing';
  readonly columns: readonly {
    readonly name: string;
    readonly typeId: number;
    readonly typeModifier: number;
    readonly inKey: boolean;
  }[];
  /** The whole table, where the log's reader knows it (Source.ddl 'log'); null: the catalog has to be asked. */
  readonly table: DiscoveredTable | null;
}

/**
 * Takes one row field by field, in the columns' order, without an object a row. `op` is a letter of model/change.ts.
 * Bytes are only valid during the call.
 */
export interface RowWriter {
  begin(op: number): void;
  text(bytes: Buffer, start: number, end: number): void;
  null(): void;
  /** The log left the value out because it did not change. `column`: its index. */
  unchanged(column: number): void;
  /** The log left the value out though it may have changed: the source is asked. `column`: its index. */
  untold(column: number): void;
  end(): void;
  /** A value of the row may have no counterpart in the lake (a zero date) and become null there: such values are counted. */
  lossy(): void;
  /**
   * For readers that make the text themselves: fields may be written into `buffer` from `at` on, each with its comma
   * before it, in the columns' order between `begin` and `end`, after `room(bytes)` has made sure of that many bytes
   * (which may exchange `buffer` and move `at`); then `at` is set behind them. A field without quotes holds no
   * quote, comma or line end and is not empty, since an empty one is NULL; a quoted one has its quotes doubled.
   * At most 64 KiB at a time: longer text goes through `text`.
   */
  buffer: Buffer;
  at: number;
  room(bytes: number): void;
  /** Key columns' indexes, for telling a moved key from an update under a full old row; empty: rows without key. */
  readonly key: readonly number[];
}
