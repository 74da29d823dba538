import type { Column, TableName, TableSchema } from '../model/table.ts';

/** A place in the source's log, as text (PostgreSQL: an LSN, `16/B374D848`). Compare with `Source.compare`, never as text. */
export type Position = string;

export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  /** disable | require (encrypted, not verified) | verify-full */
  readonly sslmode: 'disable' | 'require' | 'verify-full';
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
    readonly code: 'TABLE_NO_KEY' | 'TABLE_NO_IDENTITY' | 'TABLE_NO_SELECT';
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
  /** The tables of a database. */
  objects(connection: Connection, signal: AbortSignal): Promise<readonly DiscoveredTable[]>;
  /** The first rows of a table as the source's own text. */
  sample(
    connection: Connection,
    table: TableName,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ readonly columns: readonly string[]; readonly rows: readonly (string | null)[][] }>;
  /** Undeploy: drops what tasks keep at the source (slot, publication). Nothing to drop is no error. */
  forget(connection: Connection, taskKey: string, signal: AbortSignal): Promise<void>;
  /** The end of the log now, as `Source.head`. */
  head(connection: Connection, signal: AbortSignal): Promise<Position>;
  /** Whether a text that a person typed is a position. */
  isPosition(text: string): boolean;
  /** As `Source.compare`. */
  compare(a: Position, b: Position): -1 | 0 | 1;
  open(options: SourceOptions, signal: AbortSignal): Promise<Source>;
}

export interface SourceOptions {
  readonly connection: Connection;
  /** Names the task at the source (PostgreSQL: slot and publication `sluice_<taskKey>`): lower-case letters, digits, _ */
  readonly taskKey: string;
  /** A publication that an administrator made; it is used as it is and never changed. */
  readonly publication: string | null;
  /** Is told what a call waits for at the source, when that takes long: somebody's open transaction. */
  readonly notice?: ((message: string) => void) | undefined;
}

/** One database as a run of a task sees it. */
export interface Source extends AsyncDisposable {
  compare(a: Position, b: Position): -1 | 0 | 1;
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
   * The tables (objectId) whose changes enter the log now.
   * @throws SluiceError PG_PUBLICATION_MISSING where that of all of them is lost
   */
  published(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /**
   * `null`: begins anew (a slot left over from this task is dropped and made again) and returns the position from
   * which the log is complete. A position: checks that the log is still complete from there and that nobody else
   * reads it; returns it. A slot that a dead runner of this same task still holds is freed (its backend ended).
   * @throws SluiceError PG_SLOT_*, PG_PUBLICATION_MISSING, POSITION_UNAVAILABLE before anything is touched
   */
  attach(from: Position | null, signal: AbortSignal): Promise<Position>;
  /** The end of the log now: whatever committed before the call lies before it. */
  head(signal: AbortSignal): Promise<Position>;
  /** Writes a mark into the log; it comes back through `ChangeSink.mark`. Keeps the position moving when the tables are quiet. */
  mark(text: string, signal: AbortSignal): Promise<void>;
  /**
   * Follows the log from a position returned by `attach` or given to `ChangeSink.commit`, calling `sink` in the
   * log's order. Transactions that end at or before `from` are left out. Resolves when the signal aborts.
   * @throws SluiceError SOURCE_INTERRUPTED and others
   */
  stream(from: Position, sink: ChangeSink, signal: AbortSignal): Promise<void>;
  /** All that lies before it is durable and will never be asked for again. Passed on to the source soon after. */
  acknowledge(position: Position): void;
  /** A consistent view of one table, to be loaded in chunks. Hold it open no longer than needed. */
  snapshot(table: TableName, columns: readonly Column[], signal: AbortSignal): Promise<TableSnapshot>;
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
  ): Promise<{ readonly rows: number; readonly longestLine: number }>;
}

/** Tells whether a transaction was already visible in a snapshot. PostgreSQL: pg_current_snapshot(), xid8 as text. */
export interface Visibility {
  readonly xmin: string;
  readonly xmax: string;
  readonly xip: readonly string[];
}

/**
 * Receives the log, in order, in the reader's own tick: calls are synchronous and cheap; a returned promise means
 * "read no further until it settles".
 */
export interface ChangeSink {
  /** Grows when the writers that were given are void: before the next row of any table, `relation` is called again. */
  readonly epoch: number;
  /** `end`: the position after this transaction. `committedAt` in microseconds since 1970. `xid` as in Visibility (modulo 2^32). */
  begin(transaction: { readonly end: Position; readonly committedAt: bigint; readonly xid: number }): void;
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
}

/**
 * Takes one row field by field, in the columns' order, without an object a row. `op` is a letter of model/change.ts.
 * Bytes are only valid during the call.
 */
export interface RowWriter {
  begin(op: number): void;
  text(bytes: Buffer, start: number, end: number): void;
  null(): void;
  unchanged(): void;
  end(): void;
  /** Key columns' indexes, for telling a moved key from an update under a full old row; empty: rows without key. */
  readonly key: readonly number[];
}
