import { setMaxListeners } from 'node:events';
import { SluiceError } from '@sluice/contract';
import { type Column, type Identity, type TableName, tableText } from '../../model/table.ts';
import type { ChunkRange, Connection, LoadedTypedRows, TableSnapshot, Visibility } from '../source.ts';
import { forced, planRanges } from './chunks.ts';
import { openSession, type Session } from './connect.ts';
import { ConnectionPool } from './connection-pool.ts';
import { beginExactly } from './exact-view.ts';
import { type Key, rangeCondition } from './key-range.ts';
import { LoadConnection, type LoadedRows, type RunningSelect } from './load-connection.ts';
import { type FilePlace, transactionNumber } from './log-place.ts';
import type { BinlogPosition } from './position.ts';
import { quoteTable } from './quote.ts';
import { selectList } from './select-list.ts';
import { settledHead } from './settle.ts';
import { type KeyIndex, readKeyIndex, readShape, type TableShape } from './table-shape.ts';
import { type TypedSelect, typedSelect } from './typed-select.ts';

/** Connections of one snapshot besides its leader: how many chunks are read at once, whatever is asked for. */
const MAX_CONNECTIONS = 8;
const ISOLATION = 'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ';

/**
 * Opens a view of a table that shows whatever was in the log before the call.
 *
 * A table with a key is read in ranges of it, each in a statement of its own and as of its own moment: no transaction is
 * held open, and what changes meanwhile is recognised by the key. A table without one is read in one go, as of a moment
 * whose exact place in the log is known.
 *
 * @throws SluiceError TABLE_DROPPED, TABLE_NO_SELECT, SOURCE_*
 */
export async function openSnapshot(
  connection: Connection,
  applicationName: string,
  table: TableName,
  columns: readonly Column[],
  identity: Identity,
  signal: AbortSignal,
  notice: (message: string) => void = () => undefined,
): Promise<TableSnapshot> {
  const open = async (until: AbortSignal): Promise<Session> => {
    const session = await openSession(connection, { applicationName }, until);
    try {
      await session.run(ISOLATION);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  };
  const leader = await open(signal);
  try {
    const head = await settledHead(leader, table, notice);
    const shape = await readShape(leader, table, columns);
    const view = { leader, open, table, columns, shape };
    if (identity.kind === 'key') {
      const key = await readKeyIndex(leader, table, columns, identity.columns);
      return new KeyedSnapshot(view, key, await now(leader));
    }
    return await openWhole(view, head, signal, notice);
  } catch (error) {
    leader.destroy();
    throw error;
  }
}

interface View {
  readonly leader: Session;
  readonly open: (signal: AbortSignal) => Promise<Session>;
  readonly table: TableName;
  readonly columns: readonly Column[];
  readonly shape: TableShape;
}

/** Microseconds since 1970 by the server's clock. */
async function now(session: Session): Promise<bigint> {
  const { taken } = await session.row<{ taken: string }>(
    'SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED) AS taken',
  );
  return BigInt(taken);
}

function reading(table: TableName): string {
  return `reading ${tableText(table)}`;
}

class KeyedSnapshot implements TableSnapshot {
  readonly visibility: Visibility = { kind: 'none' };
  readonly takenAt: bigint;
  readonly #view: View;
  readonly #key: KeyIndex;
  readonly #pool: ConnectionPool;
  /** null: some value, or some column, can be told as text only. */
  #typed: TypedSelect | null;

  constructor(view: View, key: KeyIndex, takenAt: bigint) {
    this.#view = view;
    this.#key = key;
    this.takenAt = takenAt;
    this.#typed = typedSelect(view.columns);
    this.#pool = new ConnectionPool(MAX_CONNECTIONS, view.open);
  }

  async plan(targetBytes: number): Promise<readonly ChunkRange[]> {
    const { leader, table, shape } = this.#view;
    const rows = Math.max(1, Math.floor(targetBytes / shape.bytesPerRow));
    const ranges = await planRanges(leader, table, this.#key, rows);
    const names = this.#key.columns.map((column) => column.name);
    return ranges.map(({ from, to }) => ({
      key: JSON.stringify(names),
      from: from && JSON.stringify(from),
      to: JSON.stringify(to),
    }));
  }

  async copy(
    chunk: ChunkRange,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedRows> {
    const { table, columns } = this.#view;
    const { from, to } = this.#rangeOf(chunk);
    const list = selectList(columns);
    const sql = `SELECT ${list.sql} FROM ${forced(table, this.#key.index)} WHERE ${rangeCondition(this.#key.columns, from, to)}`;
    return await this.#pool.use(signal, (connection) =>
      connection.read(sql, list, reading(table), write, signal),
    );
  }

  async copyTyped(
    chunk: ChunkRange,
    write: (bytes: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedTypedRows | null> {
    const select = this.#typed;
    if (select === null) return null;
    const { table } = this.#view;
    const { from, to } = this.#rangeOf(chunk);
    const sql = `SELECT ${select.sql} FROM ${forced(table, this.#key.index)} WHERE ${rangeCondition(this.#key.columns, from, to)}`;
    const done = await this.#pool.use(signal, (connection) =>
      connection.readTyped(sql, select.fields, reading(table), write, signal),
    );
    // One value that only text can tell is seldom alone.
    if (done === null) this.#typed = null;
    return done;
  }

  async copyMatching(
    filter: string,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedRows> {
    const { table, columns } = this.#view;
    const list = selectList(columns);
    const sql = `SELECT ${list.sql} FROM ${quoteTable(table)} WHERE (\n${filter}\n)`;
    const doing = `reading rows of ${tableText(table)} where ${filter}`;
    return await this.#pool.use(signal, (connection) => connection.read(sql, list, doing, write, signal));
  }

  /** A chunk may be of an earlier attempt; the order in which the key's columns are compared is its own. */
  #rangeOf(chunk: ChunkRange): { readonly from: Key | null; readonly to: Key } {
    const names = this.#key.columns.map((column) => column.name);
    if (typeof chunk.to !== 'string' || typeof chunk.from === 'number' || chunk.from === undefined)
      throw new SluiceError('INTERNAL', `not a chunk of a table with a key: ${JSON.stringify(chunk)}`);
    if (chunk.key !== JSON.stringify(names))
      throw new SluiceError(
        'TABLE_SCHEMA',
        `The key of ${tableText(this.#view.table)} is another one than when its load was planned.`,
      );
    return { from: chunk.from === null ? null : JSON.parse(chunk.from), to: JSON.parse(chunk.to) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pool.close();
    await this.#view.leader[Symbol.asyncDispose]();
  }
}

async function openWhole(
  view: View,
  head: BinlogPosition,
  signal: AbortSignal,
  notice: (message: string) => void,
): Promise<TableSnapshot> {
  const { leader, table, columns, shape } = view;
  // The reader outlives this call, so the call's signal only holds while it is opened.
  const life = new AbortController();
  setMaxListeners(0, life.signal);
  const onAbort = (): void => life.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    const reader = await view.open(life.signal);
    const list = selectList(columns);
    let connection: LoadConnection | null = null;
    let select: RunningSelect | null = null;
    const takenAt = await now(leader);
    const place = await beginExactly({
      reader,
      helper: leader,
      table,
      transactional: shape.transactional,
      head,
      notice,
      begin: async () => {
        connection = new LoadConnection(reader);
        select = connection.start(`SELECT ${list.sql} FROM ${quoteTable(table)}`, list, reading(table));
        await select.begun(life.signal);
      },
    });
    return new WholeSnapshot(view, life, { place, takenAt, select: select!, connection: connection! });
  } catch (error) {
    life.abort(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** One SELECT, whose rows are handed out piece after piece. */
class WholeSnapshot implements TableSnapshot {
  readonly visibility: Visibility;
  readonly takenAt: bigint;
  readonly #view: View;
  readonly #life: AbortController;
  readonly #connection: LoadConnection;
  readonly #select: RunningSelect;
  #targetBytes = Number.POSITIVE_INFINITY;
  #pieces = 1;
  #before: Promise<unknown> = Promise.resolve();

  constructor(
    view: View,
    life: AbortController,
    begun: { place: FilePlace; takenAt: bigint; connection: LoadConnection; select: RunningSelect },
  ) {
    const { file, offset } = begun.place;
    this.visibility = {
      kind: 'log',
      server: view.leader.info.server,
      before: transactionNumber(file, offset),
    };
    this.takenAt = begun.takenAt;
    this.#view = view;
    this.#life = life;
    this.#connection = begun.connection;
    this.#select = begun.select;
  }

  async plan(targetBytes: number): Promise<readonly ChunkRange[]> {
    this.#targetBytes = targetBytes;
    this.#pieces = Math.max(1, Math.ceil(this.#view.shape.estimatedBytes / targetBytes));
    return Array.from({ length: this.#pieces }, (_, piece) => ({ piece }));
  }

  /** The next rows, whatever the number of the chunk; the last that is asked for are all that are left. */
  async copy(
    chunk: ChunkRange,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedRows> {
    if (typeof chunk.piece !== 'number' || this.#pieces === 0)
      throw new SluiceError('INTERNAL', `not a chunk of a table without a key: ${JSON.stringify(chunk)}`);
    const bytes = --this.#pieces === 0 ? Number.POSITIVE_INFINITY : this.#targetBytes;
    const turn = this.#before.then(() => this.#select.some(bytes, write, signal));
    this.#before = turn;
    // Who comes next fails as well; that nobody does must not count as unhandled.
    turn.catch(() => undefined);
    return await turn;
  }

  copyMatching(): Promise<LoadedRows> {
    throw new SluiceError(
      'TABLE_BACKFILL',
      `${tableText(this.#view.table)} has no key by which single rows could be replaced.`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#select.done) this.#connection.close();
    this.#life.abort(new SluiceError('SOURCE_INTERRUPTED', 'the snapshot was closed'));
    await this.#view.leader[Symbol.asyncDispose]();
  }
}
