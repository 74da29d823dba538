import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import Database from 'libsql';
import { metastoreError } from './metastore-error.ts';

/**
 * Kysely over libsql, for a file that several processes write at once.
 *
 * A write that finds the file locked is tried again after a pause that leaves the event loop free; SQLite's own
 * busy handler would hold the whole process. Transactions take the write lock at their beginning, so nothing
 * inside one can meet a lock: a deferred one that reads first and then writes fails at once, without any wait,
 * when another process has written in between (sqlite.org/lang_transaction.html §2.2).
 *
 * A single write is a transaction of its own for another reason. libsql leaves a statement that met the lock as it is
 * until its garbage is collected. While one is open, SQLite ends no read of the connection: every later one sees the
 * file as of then, and every later write is refused as busy, long after the lock is gone. `BEGIN` is ended at once.
 */
export interface SqliteOptions {
  readonly file: string;
  /** How long a locked file is waited for before METASTORE_BUSY. */
  readonly patienceMs: number;
}

/** SQLite's own wait, which blocks the process: only what bridges another process's usual short write. */
const BUSY_TIMEOUT_MS = 20;

export function sqliteDialect(options: SqliteOptions): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new LibsqlDriver(options),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class LibsqlDriver implements Driver {
  readonly #options: SqliteOptions;
  #database: Database.Database | null = null;
  #connection: LibsqlConnection | null = null;
  /** The tail of the queue for the one connection. */
  #queue: Promise<void> = Promise.resolve();
  #release: (() => void) | null = null;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  async init(): Promise<void> {
    try {
      const database = new Database(this.#options.file, { timeout: this.#options.patienceMs });
      this.#database = database;
      // Switching to WAL needs the file for itself for a moment: here the blocking wait is right.
      database.exec('PRAGMA journal_mode = WAL');
      database.exec('PRAGMA synchronous = FULL');
      database.exec('PRAGMA foreign_keys = ON');
      database.prepare(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`).all();
      this.#connection = new LibsqlConnection(database, this.#options.patienceMs);
    } catch (error) {
      this.#database?.close();
      throw metastoreError(error);
    }
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#queue;
    let release: () => void = () => {};
    this.#queue = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.#release = release;
    return this.#open();
  }

  async releaseConnection(): Promise<void> {
    this.#release?.();
  }

  async beginTransaction(): Promise<void> {
    await this.#open().command('BEGIN IMMEDIATE');
  }

  async commitTransaction(): Promise<void> {
    await this.#open().command('COMMIT');
  }

  async rollbackTransaction(): Promise<void> {
    // A full disk makes SQLite roll back by itself; there is nothing left to roll back then.
    if (this.#database?.inTransaction) await this.#open().command('ROLLBACK');
  }

  async destroy(): Promise<void> {
    await this.#queue;
    this.#database?.close();
    this.#database = null;
    this.#connection = null;
  }

  #open(): LibsqlConnection {
    if (this.#connection === null) throw new Error('the metastore is closed');
    return this.#connection;
  }
}

class LibsqlConnection implements DatabaseConnection {
  readonly #database: Database.Database;
  readonly #patienceMs: number;

  constructor(database: Database.Database, patienceMs: number) {
    this.#database = database;
    this.#patienceMs = patienceMs;
  }

  async command(sql: string): Promise<void> {
    await this.#patiently(() => this.#database.exec(sql));
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const parameters = query.parameters.map(bindable);
    if (this.#database.inTransaction || onlyReads(query)) return this.#run(query.sql, parameters);
    await this.command('BEGIN IMMEDIATE');
    try {
      const result = await this.#run<R>(query.sql, parameters);
      await this.command('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.inTransaction) await this.command('ROLLBACK');
      throw error;
    }
  }

  #run<R>(sql: string, parameters: readonly Bindable[]): Promise<QueryResult<R>> {
    // The same statement is tried again: one that meets a lock stays open until it goes through.
    let statement: Database.Statement | null = null;
    return this.#patiently(() => {
      statement ??= this.#database.prepare(sql);
      if (statement.reader) return { rows: statement.all(parameters) as R[] };
      const { changes, lastInsertRowid } = statement.run(parameters);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    });
  }

  // biome-ignore lint/correctness/useYield: refused before anything could be yielded
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the metastore does not stream: read pages');
  }

  async #patiently<T>(work: () => T): Promise<T> {
    const deadline = Date.now() + this.#patienceMs;
    for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
      try {
        return work();
      } catch (error) {
        const known = metastoreError(error);
        if (known.code !== 'METASTORE_BUSY' || this.#database.inTransaction || Date.now() >= deadline)
          throw known;
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
  }
}

function onlyReads({ query, sql }: CompiledQuery): boolean {
  return query.kind === 'SelectQueryNode' || /^\s*(select|pragma|explain)\b/i.test(sql);
}

type Bindable = string | number | bigint | null | Uint8Array;

/**
 * libsql ends the process on a value of a type that it does not know (boolean, undefined), binds every number as
 * REAL, and reads integers beyond 2^53 as the nearest double. So: integers go as integers, and what could not come
 * back as it went is refused here.
 */
function bindable(value: unknown): Bindable {
  if (value === null || typeof value === 'string' || value instanceof Uint8Array) return value;
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) {
      if (Number.isFinite(value)) return value;
    } else if (Number.isSafeInteger(value)) return BigInt(value);
  }
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return value;
  throw new TypeError(
    `the metastore cannot hold ${typeof value === 'bigint' || typeof value === 'number' ? `the number ${value}` : `a value of type ${typeof value}`}: store it as text`,
  );
}
