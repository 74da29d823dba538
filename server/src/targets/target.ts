import type { SluiceError } from '@sluice/contract';
import type { CascadeRule } from '../model/cascade.ts';
import type { Column, TableName, TableSchema } from '../model/table.ts';
import type { Visibility } from '../sources/source.ts';

/** Lines of changes (model/change.ts) that were written under one schema, in the order of `files`. */
export interface ChangePart {
  readonly format: 'csv' | 'parquet';
  readonly files: readonly string[];
  readonly columns: readonly Column[];
  readonly rows: number;
  /** Bytes of the longest line; CSV only. */
  readonly longestLine: number;
  /** Whether any line has a mask. */
  readonly masked: boolean;
  /** False where the bytes "infinity" are surely in no line. */
  readonly lossy: boolean;
  /** Whether any line is a delete or a move of which foreign keys made more than the log tells (OP.deleteUnseen). */
  readonly unseen: boolean;
  /** False where surely no line is a TRUNCATE. */
  readonly truncates: boolean;
}

/** Lines that say what a foreign key did to the rows of its table (CASCADE_OP). */
export interface CascadePart extends ChangePart {
  readonly firstOrd: number;
  readonly lastOrd: number;
}

export interface ChangeBatch {
  readonly parts: readonly ChangePart[];
  /** The schema that the table has after the batch. Columns of parts are matched to it by sourceId. */
  readonly schema: TableSchema;
  /** Columns (sourceId) that hold one text in all rows of the batch and are in none of its parts: a merge's extended fields. */
  readonly constants: ReadonlyMap<number, string>;
  /** Lines of transactions that this snapshot already showed are left out. */
  readonly alreadyVisible: Visibility | null;
  /** True where the log alone made every row of the table since a consistent load, so that an insert's key is new and a delete finds its row. */
  readonly exact: boolean;
  /**
   * False where the rows that are there are of several moments (a load that went on in another snapshot): under the
   * key of a row there may be another one that took it later.
   */
  readonly oneMoment: boolean;
  /** The position after the batch, for the snapshot's summary. */
  readonly position: string;
  /**
   * Asks the source for rows as they are now (see Source.fetchRows); used where an unchanged value was left out of
   * the log and no old row exists to take it from.
   */
  readonly fetchRows: (keys: readonly (readonly string[])[]) => Promise<Buffer>;
  /** The columns of what it gives. */
  readonly fetchColumns: readonly Column[];
  /**
   * Names files of its own for the keys of rows that cascades delete, where other tables' rows refer to these; null:
   * nobody asks for them.
   */
  readonly tellDeleted: string | null;
}

/** The table after a step: durable files that nobody sees yet. Opaque to the engine, which keeps it as text. */
export interface Staged {
  /** Where the table's new metadata is. */
  readonly location: string;
  readonly rowsWritten: number;
  /** Values that became null because the lake's type has no such value. */
  readonly nulledValues: number;
  /** Rows were asked from the source as of now: the table is consistent only from a later position on. */
  readonly fetched: boolean;
  /** The rows that cascades deleted, as lines with their keys; where the batch asks for them. */
  readonly deleted: readonly ChangePart[];
}

/** Data files made of one chunk. JSON text. */
export interface LoadedChunk {
  readonly files: string;
  readonly rows: number;
  readonly nulledValues: number;
}

/** A merged table whose shards' lines a commit is to show. */
export interface MergedStep {
  readonly table: TableName;
  /** The position after the commit, for the snapshot's summary. */
  readonly position: string;
}

/** A merged table in which no two shards may have a row of one key. */
export interface KeyedMerge {
  readonly table: TableName;
  /** The key's columns, by their numbers in the merged table's schema (sourceId). */
  readonly key: readonly number[];
}

/** A line's step that would bring a key which another shard has. */
export interface RefusedLine {
  readonly line: TableName;
  readonly error: SluiceError;
}

/** One table's step in a commit. */
export interface TableStep {
  readonly table: TableName;
  readonly staged: Staged;
  /**
   * `advance`: the staged step was made on the table's current state. `replace`: it was made beside the table
   * (a load) and becomes the table's whole contents; the table is created if it does not exist.
   */
  readonly kind: 'advance' | 'replace';
}

export interface BackfillRequest {
  /** CSV lines of the columns: the rows that the source gave. */
  readonly file: string;
  readonly columns: readonly Column[];
  /** Indexes of the columns that identify a row. */
  readonly key: readonly number[];
  readonly longestLine: number;
  readonly takenAt: bigint;
  /** Which rows of the table were meant (contract parseRowFilter). */
  readonly filter: string;
  /** As Source.fetchRows. */
  readonly fetchRows: (keys: readonly (readonly string[])[]) => Promise<Buffer>;
  /** Where the lines go. */
  readonly to: string;
}

export interface BackfillLines {
  readonly part: ChangePart;
  /** Rows of the table that the source no longer has. */
  readonly gone: number;
}

export interface CascadeRequest {
  /** Lines of the table that is referred to. */
  readonly told: readonly ChangePart[];
  /** Its columns (sourceId) that the rule refers to, in the rule's order. */
  readonly referenced: readonly number[];
  readonly rule: CascadeRule;
  /** The columns of the rule's own table. */
  readonly columns: readonly Column[];
  /** Earlier lines are left out. */
  readonly fromOrd: number;
  /** Where the lines go. */
  readonly file: string;
}

/** What a step is made on: the visible table, or a staged state beside it. */
export type Base = { readonly kind: 'visible' } | { readonly kind: 'staged'; readonly location: string };

/**
 * Where a task's tables go. Making a step (slow: files are written and fsynced) and committing it (fast: one
 * transaction over all tables and the task's position) are apart; until the commit nobody sees anything of it, and
 * files of a step that was never committed are cleaned up later.
 */
export interface Target<Transaction> extends AsyncDisposable {
  exists(table: TableName): Promise<boolean>;
  /** Where the visible table's metadata is, for a state beside it to go on from (Base 'staged'); null: there is none. */
  visible(table: TableName): Promise<string | null>;
  /**
   * The state that all lines of a merged table begin with: empty, with the merged schema. To be committed as an
   * `advance` of the table's line ''. `replace` allows a column to become another type, which leaves no old value of it.
   * @throws SluiceError TABLE_NAME_TAKEN, TABLE_SCHEMA
   */
  stageRoot(table: TableName, schema: TableSchema, options: { readonly replace: boolean }): Promise<Staged>;
  /** An empty state beside the table, with this schema, for a full load to fill. Of a shard's line: with its root's. */
  stageEmpty(table: TableName, schema: TableSchema): Promise<Staged>;
  /** Makes data files of a chunk's CSV lines (columns only), or of its typed rows. */
  loadChunk(
    base: Base & { kind: 'staged' },
    chunk: {
      readonly file: string;
      readonly columns: readonly Column[];
      /** Of typed rows (model/typed-rows), by column: whether the value itself is there. Of lines: null. */
      readonly typed: readonly boolean[] | null;
      /** As ChangeBatch.constants; null: the chunk has every column of the table. */
      readonly constants: ReadonlyMap<number, string> | null;
      /** Indexes of the columns that identify a row; their values never become null. */
      readonly key: readonly number[];
      readonly longestLine: number;
      readonly lossy: boolean;
      readonly takenAt: bigint;
    },
    table: TableName,
    signal: AbortSignal,
  ): Promise<LoadedChunk>;
  /** The staged state with these files as its only contents. */
  stageLoaded(
    table: TableName,
    base: Base & { kind: 'staged' },
    files: readonly string[],
    position: string,
  ): Promise<Staged>;
  /** Applies changes. @throws SluiceError TABLE_* for troubles of this table alone */
  stageChanges(table: TableName, base: Base, batch: ChangeBatch, signal: AbortSignal): Promise<Staged>;
  /** A segment of changes as a durable file; the parts have the same columns. */
  writeSegment(
    parts: readonly ChangePart[],
    file: string,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }>;
  /**
   * What a foreign key did to its table's rows unseen, given the lines of the table that it refers to. Not durable.
   * @returns null where none of these lines means anything to it
   */
  cascadeLines(request: CascadeRequest, signal: AbortSignal): Promise<CascadePart | null>;
  /**
   * Lines that make the rows which a filter matches what the source has. Not durable.
   * @throws SluiceError TABLE_BACKFILL
   */
  backfillLines(
    base: Base & { kind: 'staged' },
    request: BackfillRequest,
    signal: AbortSignal,
  ): Promise<BackfillLines>;
  /** A backlog is being read, or no longer: maintenance keeps out of its way as long as it can. Holds until said anew. */
  besideBacklog(isSo: boolean): void;
  /** Whether maintenance has something ready for the next commit. */
  upkeepWaits(): boolean;
  /** Steps of maintenance for tables that are not `busy`: these take theirs along with their own changes. */
  stageUpkeep(busy: readonly TableName[]): Promise<readonly TableStep[]>;
  /**
   * The steps on lines of these tables that must not be committed, TABLE_KEY_CONFLICT; each is looked at beside the
   * lines as they are and as the steps before it leave them.
   */
  keyConflicts(
    steps: readonly TableStep[],
    merges: readonly KeyedMerge[],
    signal: AbortSignal,
  ): Promise<readonly RefusedLine[]>;
  /**
   * All steps and what `also` writes in the same transaction, or nothing. Steps whose base was moved meanwhile by
   * another writer are refused. Each of the `merged` tables then shows what its lines hold.
   * @throws SluiceError COMMIT_CONFLICT
   */
  commit(
    steps: readonly TableStep[],
    also: (transaction: Transaction) => Promise<void>,
    merged?: readonly MergedStep[],
  ): Promise<void>;
}
