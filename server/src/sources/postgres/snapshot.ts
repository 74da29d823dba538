import { setMaxListeners } from 'node:events';
import { SluiceError } from '@sluice/contract';
import type { Column, TableName } from '../../model/table.ts';
import type { ChunkRange, Connection, LoadedTypedRows, TableSnapshot, Visibility } from '../source.ts';
import { openSession, type Session } from './connect.ts';
import { type CopyResult, CopyWorker, SpecialValue } from './copy-worker.ts';
import { quoteIdent, quoteLiteral, quoteTable } from './quote.ts';
import { rowsOf } from './rows.ts';
import { TypedRows, typedColumn } from './typed-copy.ts';
import { parseVisibility } from './visibility.ts';

/** Connections of one snapshot besides its leader: how many chunks are read at once, whatever is asked for. */
const MAX_WORKERS = 8;
/**
 * How long a reader waits for its own lock. The leader has one already, so whatever is in the way is either short or
 * waits for the leader itself, which the server cannot see: it would wait for ever, and all who use the table with it.
 */
const LOCK_MS = 1000;
const BEGIN = 'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY';

interface Leaf {
  readonly schema: string;
  readonly name: string;
  readonly blocks: number;
  /** Main fork and TOAST together. */
  readonly bytes: number;
}

/**
 * Opens a snapshot of a table: a transaction that stays open and whose snapshot the readers of the chunks import, so
 * that all chunks are of one moment. The table (with its partitions) is locked against being rewritten, truncated or
 * dropped before the snapshot is taken; reading and writing go on. A definition change waits until the load is done,
 * or until a reader of a chunk comes to wait behind it (SOURCE_LOCKED).
 *
 * @throws SluiceError TABLE_DROPPED, TABLE_NO_SELECT, SOURCE_*
 */
export async function openSnapshot(
  connection: Connection,
  applicationName: string,
  table: TableName,
  columns: readonly Column[],
  signal: AbortSignal,
): Promise<TableSnapshot> {
  const leader = await openSession(connection, { applicationName }, signal);
  try {
    await leader.rows(BEGIN);
    // The first statement that looks at data fixes the snapshot; a lock does not.
    await leader.rows(`LOCK TABLE ${quoteTable(table)} IN ACCESS SHARE MODE`, undefined, 'copy');
    const row = await leader.row<{ id: string; visibility: string; taken: string }>(
      `SELECT pg_export_snapshot() AS id, pg_current_snapshot()::text AS visibility,
              (extract(epoch FROM clock_timestamp()) * 1000000)::int8::text AS taken`,
    );
    return new PostgresSnapshot(connection, applicationName, leader, table, columns, {
      id: row.id,
      visibility: parseVisibility(row.visibility),
      takenAt: BigInt(row.taken),
    });
  } catch (error) {
    leader.destroy();
    throw error;
  }
}

class PostgresSnapshot implements TableSnapshot {
  readonly visibility: Visibility;
  readonly takenAt: bigint;
  readonly #connection: Connection;
  readonly #applicationName: string;
  readonly #leader: Session;
  readonly #table: TableName;
  readonly #columns: readonly Column[];
  readonly #id: string;
  readonly #free: CopyWorker[] = [];
  readonly #all = new Set<CopyWorker>();
  readonly #queue: (() => void)[] = [];
  readonly #closed = new AbortController();
  #places = MAX_WORKERS;
  /** Some value can be told as text only. */
  #special = false;

  constructor(
    connection: Connection,
    applicationName: string,
    leader: Session,
    table: TableName,
    columns: readonly Column[],
    snapshot: { id: string; visibility: Visibility; takenAt: bigint },
  ) {
    this.#connection = connection;
    this.#applicationName = applicationName;
    this.#leader = leader;
    this.#table = table;
    this.#columns = columns;
    this.#id = snapshot.id;
    this.visibility = snapshot.visibility;
    this.takenAt = snapshot.takenAt;
    // Every connection that was ever opened listens; that many are no leak.
    setMaxListeners(0, this.#closed.signal);
  }

  /**
   * Ranges of blocks, none of them open: a row that the snapshot sees was inserted, and its file extended, before
   * the snapshot was taken, and the sizes are read after that. The lock keeps the file from being replaced. What
   * VACUUM cuts off the end afterwards holds no row that any snapshot sees.
   */
  async plan(targetBytes: number): Promise<readonly ChunkRange[]> {
    const leaves = await this.#leader.rows<Leaf>(
      `SELECT n.nspname::text AS schema, c.relname::text AS name,
              (pg_relation_size(c.oid) / current_setting('block_size')::int8)::float8 AS blocks,
              pg_table_size(c.oid)::float8 AS bytes
         FROM (SELECT $1::regclass AS oid WHERE (SELECT relkind FROM pg_class WHERE oid = $1::regclass) = 'r'
               UNION ALL SELECT tree.relid FROM pg_partition_tree($1::regclass) tree
                WHERE tree.isleaf AND tree.relid <> $1::regclass) leaf
         JOIN pg_class c ON c.oid = leaf.oid AND c.relkind = 'r'
         JOIN pg_namespace n ON n.oid = c.relnamespace
        ORDER BY n.nspname, c.relname`,
      [quoteTable(this.#table)],
    );
    const chunks: ChunkRange[] = [];
    for (const leaf of leaves) {
      const perBlock = leaf.blocks > 0 ? leaf.bytes / leaf.blocks : 1;
      const step = Math.max(1, Math.floor(targetBytes / perBlock));
      for (let from = 0; from < leaf.blocks; from += step)
        chunks.push({ schema: leaf.schema, table: leaf.name, from, to: Math.min(from + step, leaf.blocks) });
    }
    return chunks;
  }

  async copy(
    chunk: ChunkRange,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<CopyResult> {
    const { leaf, rows } = blocksOf(chunk);
    const list = this.#columns.map((column) => quoteIdent(column.name)).join(', ');
    const sql = `COPY (SELECT ${list} ${rows}) TO STDOUT (FORMAT csv, NULL '', ENCODING 'UTF8')`;
    const worker = await this.#take(signal);
    try {
      return await worker.copy(sql, `reading ${leaf}`, write, signal);
    } finally {
      this.#give(worker);
    }
  }

  async copyTyped(
    chunk: ChunkRange,
    write: (bytes: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LoadedTypedRows | null> {
    if (this.#special) return null;
    const { leaf, rows } = blocksOf(chunk);
    const columns = this.#columns.map(typedColumn);
    const list = columns.map(({ select }) => select).join(', ');
    const worker = await this.#take(signal);
    const sink = new TypedRows(this.#columns, write);
    try {
      const sql = `COPY (SELECT ${list} ${rows}) TO STDOUT (FORMAT binary)`;
      await worker.copyInto(sql, `reading ${leaf}`, sink, signal);
      const typed = columns.map(({ row }) => row.kind === 'typed');
      return { rows: sink.rows, longestLine: sink.longest, lossy: sink.lossy, typed };
    } catch (error) {
      if (!(error instanceof SpecialValue)) throw error;
      // One such value is seldom alone, and what was read before it is read again.
      this.#special = true;
      return null;
    } finally {
      this.#give(worker);
    }
  }

  async copyMatching(
    filter: string,
    write: (lines: Buffer) => Promise<void>,
    signal: AbortSignal,
  ): Promise<CopyResult> {
    const table = quoteTable(this.#table);
    const list = this.#columns.map((column) => quoteIdent(column.name)).join(', ');
    const from = await rowsOf(this.#leader, this.#table);
    const sql = `COPY (SELECT ${list} FROM ${from} WHERE (\n${filter}\n)) TO STDOUT (FORMAT csv, NULL '', ENCODING 'UTF8')`;
    const worker = await this.#take(signal);
    try {
      return await worker.copy(sql, `reading rows of ${table} where ${filter}`, write, signal);
    } finally {
      this.#give(worker);
    }
  }

  /** A connection that sees this snapshot: a free one, a new one, or the next that becomes free. */
  async #take(signal: AbortSignal): Promise<CopyWorker> {
    if (this.#places === 0) {
      await new Promise<void>((resolve, reject) => {
        const turn = (): void => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
        const onAbort = (): void => {
          this.#queue.splice(this.#queue.indexOf(turn), 1);
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort);
        this.#queue.push(turn);
      });
    } else this.#places--;
    try {
      return this.#free.pop() ?? (await this.#open(signal));
    } catch (error) {
      this.#givePlace();
      throw error;
    }
  }

  #givePlace(): void {
    const turn = this.#queue.shift();
    if (turn) turn();
    else this.#places++;
  }

  #give(worker: CopyWorker): void {
    if (worker.usable && !this.#closed.signal.aborted) this.#free.push(worker);
    else {
      worker.close();
      this.#all.delete(worker);
    }
    this.#givePlace();
  }

  async #open(signal: AbortSignal): Promise<CopyWorker> {
    if (!this.#leader.alive)
      throw new SluiceError('SOURCE_INTERRUPTED', 'the snapshot was lost with its connection');
    // The connection outlives this call, so the call's signal only holds while it is opened.
    const life = new AbortController();
    const onAbort = (): void => life.abort(signal.reason);
    signal.addEventListener('abort', onAbort);
    this.#closed.signal.addEventListener('abort', () => life.abort(this.#closed.signal.reason));
    let session: Session;
    try {
      session = await openSession(this.#connection, { applicationName: this.#applicationName }, life.signal);
      await session.rows(BEGIN);
      await session.rows(`SET TRANSACTION SNAPSHOT ${quoteLiteral(this.#id)}`);
      await session.rows(`SET LOCAL lock_timeout = ${LOCK_MS}`);
    } catch (error) {
      life.abort(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    const worker = new CopyWorker(session);
    this.#all.add(worker);
    return worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new SluiceError('SOURCE_INTERRUPTED', 'the snapshot was closed'));
    for (const worker of this.#all) worker.close();
    this.#all.clear();
    await this.#leader[Symbol.asyncDispose]();
  }
}

/** The rows of a chunk, as SQL from FROM on, and the table that they are of. */
function blocksOf(chunk: ChunkRange): { readonly leaf: string; readonly rows: string } {
  const { schema, table, from, to } = chunk;
  if (
    typeof schema !== 'string' ||
    typeof table !== 'string' ||
    typeof from !== 'number' ||
    typeof to !== 'number'
  )
    throw new SluiceError('INTERNAL', `not a chunk of PostgreSQL: ${JSON.stringify(chunk)}`);
  const leaf = quoteTable({ schema, table });
  return {
    leaf,
    rows: `FROM ONLY ${leaf} WHERE ctid >= '(${from},0)'::tid AND ctid < '(${to},0)'::tid`,
  };
}
