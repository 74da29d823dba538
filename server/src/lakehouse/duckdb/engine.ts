import { mkdir } from 'node:fs/promises';
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { SluiceError } from '@sluice/contract';
import { FreedMemory } from './freed-memory.ts';
import { decodeTextsWhole } from './text-decoding.ts';

export interface EngineLimits {
  readonly threads: number;
  readonly memoryBytes: number;
  /** What does not fit into memory goes here; made if missing. */
  readonly tempFolder: string;
  readonly maxTempBytes: number;
}

export type Row = Readonly<Record<string, DuckDBValue>>;

/** An in-memory DuckDB. Tables and settings are its own, shared by its connections; the limits are for all of them together. */
export class Engine {
  readonly #instance: DuckDBInstance;
  readonly #limits: EngineLimits;
  readonly #open = new Set<EngineConnection>();
  readonly #freed = new FreedMemory();
  readonly #looks: NodeJS.Timeout;
  #givesBack = false;

  private constructor(instance: DuckDBInstance, limits: EngineLimits) {
    this.#instance = instance;
    this.#limits = limits;
    this.#looks = setInterval(() => this.#giveBack(), LOOK_MS).unref();
  }

  static async open(limits: EngineLimits): Promise<Engine> {
    decodeTextsWhole();
    await mkdir(limits.tempFolder, { recursive: true });
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(limits.threads),
      memory_limit: mebibytes(limits.memoryBytes),
      temp_directory: limits.tempFolder,
      // Otherwise a statement that names an unknown function asks a host of DuckDB's for an extension.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // It keeps what was read of each file until the memory is full. Few files are read twice, and the system keeps those.
      enable_external_file_cache: 'false',
      // As it is anyway: a compaction's positions are those of the rows that it read (maintenance/compaction.ts).
      preserve_insertion_order: 'true',
    });
    const engine = new Engine(instance, limits);
    try {
      const connection = await engine.connect();
      // Of the extension icu, so it is no option of the start.
      await connection.run("SET GLOBAL TimeZone = 'UTC'");
      // As an option of the start it is accepted and not kept to.
      await connection.run(`SET GLOBAL max_temp_directory_size = '${mebibytes(limits.maxTempBytes)}'`);
      connection.close();
      return engine;
    } catch (error) {
      engine.close();
      throw error;
    }
  }

  async connect(): Promise<EngineConnection> {
    const connection = new EngineConnection(await this.#instance.connect(), (one) => this.#open.delete(one));
    this.#open.add(connection);
    return connection;
  }

  /** While a statement runs, too: it takes more than what it holds at a time. */
  #giveBack(): void {
    if (this.#givesBack || !this.#freed.isDue(this.#limits.memoryBytes)) return;
    this.#givesBack = true;
    this.#limitAgain()
      .then(() => this.#freed.wasGivenBack())
      // It failed because the engine is closed, or is tried again when more has come.
      .catch(() => undefined)
      .finally(() => {
        this.#givesBack = false;
      });
  }

  /** To set the limit, even to what it is, is the one way to have DuckDB give back what it has freed. */
  async #limitAgain(): Promise<void> {
    const connection = await this.connect();
    const limit = mebibytes(this.#limits.memoryBytes);
    await connection.run(`SET GLOBAL memory_limit = '${limit}'`).finally(() => connection.close());
  }

  /** Connections first. A statement that still runs must have ended: the native library waits for it, and so does the whole process. */
  close(): void {
    clearInterval(this.#looks);
    for (const connection of [...this.#open]) connection.close();
    this.#instance.closeSync();
  }
}

/** One statement at a time: the next waits until the one before has ended. */
export class EngineConnection {
  readonly #connection: DuckDBConnection;
  readonly #closed: (connection: EngineConnection) => void;
  #last: Promise<unknown> = Promise.resolve();
  #isOpen = true;

  constructor(connection: DuckDBConnection, closed: (connection: EngineConnection) => void) {
    this.#connection = connection;
    this.#closed = closed;
  }

  /** For what the wrapper does not have: extracted statements, table names, streams. */
  get native(): DuckDBConnection {
    return this.#connection;
  }

  async run(sql: string, signal?: AbortSignal): Promise<void> {
    await this.exclusive((connection) => connection.run(sql), signal);
  }

  /** All rows of the statement, in memory: bigint for 64-bit integers and counts, DuckDB's value objects for decimals, dates, maps … */
  async rows(sql: string, signal?: AbortSignal): Promise<readonly Row[]> {
    return this.exclusive(async (connection) => {
      const result = await connection.run(sql);
      const names = result.deduplicatedColumnNames();
      const rows: Row[] = [];
      // All is there by now; to be given it piece by piece would be a turn between threads for each.
      for (let n = 0; n < result.chunkCount; n++) result.getChunk(n).appendToRowObjects(names, rows);
      return rows;
    }, signal);
  }

  /**
   * @throws the signal's reason where it was aborted before the end
   * @throws SluiceError STORAGE_FULL, or what DuckDB throws
   */
  exclusive<T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const result = this.#last.then(() => this.#interruptible(work, signal));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #interruptible<T>(
    work: (connection: DuckDBConnection) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    let timer: NodeJS.Timeout | undefined;
    const interrupt = (): void => {
      this.#connection.interrupt();
      // One that comes between two steps of a statement is forgotten by DuckDB, so it is said again.
      timer ??= setInterval(() => this.#connection.interrupt(), INTERRUPT_AGAIN_MS);
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await work(this.#connection);
    } catch (error) {
      signal?.throwIfAborted();
      throw engineError(error);
    } finally {
      clearInterval(timer);
      signal?.removeEventListener('abort', interrupt);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#connection.closeSync();
    this.#closed(this);
  }
}

const INTERRUPT_AGAIN_MS = 20;
/** Between two looks at the size of the process. */
const LOOK_MS = 250;

function mebibytes(bytes: number): string {
  return `${Math.max(1, Math.floor(bytes / 1024 / 1024))}MiB`;
}

/** DuckDB's errors are texts; the class stands in front ("IO Error: …"). */
function engineError(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  if (/No space left on device|Disk quota exceeded/i.test(message))
    return new SluiceError('STORAGE_FULL', `The disk is full: ${firstLine(message)}`, { cause: error });
  if (/Out of Memory Error.*max_temp_directory_size/s.test(message))
    return new SluiceError(
      'STORAGE_FULL',
      `The space for temporary files is used up: ${firstLine(message)}`,
      {
        cause: error,
      },
    );
  return error;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
