import type { DuckDBDataChunk } from '@duckdb/node-api';
import { SluiceError } from '@sluice/contract';
import type { Engine, EngineConnection } from '../../lakehouse/duckdb/engine.ts';

/** A connection to DuckDB with temporary tables of its own, for one step of one table. */
export interface Sql {
  readonly connection: EngineConnection;
  run(sql: string): Promise<void>;
  /** Values in the order of the columns. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
  /**
   * Hands over what the statement gives piece by piece, without an object for each row.
   * @param rows so many at most; of no more than MOST_HELD all are made first, since each piece that is waited for is a turn
   * between threads, which takes a millisecond on a busy machine
   */
  chunks(sql: string, rows: number, take: (chunk: DuckDBDataChunk) => void): Promise<void>;
}

/** More than a data file of the usual size has; at 12 bytes a row, 28 where it is a uuid. */
const MOST_HELD = 4_000_000;

/**
 * Steps share DuckDB's memory. One that does not get enough of it is made again when no other is at work: with the
 * memory for itself a row of any size that PostgreSQL can send goes through.
 */
export async function withSql<T>(
  engine: Engine,
  signal: AbortSignal,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const turns = turnsOf(engine);
  try {
    return await turns.shared(() => connected(engine, signal, work));
  } catch (error) {
    signal.throwIfAborted();
    if (!comesOfMemory(error)) throw error;
    return turns
      .alone(() => connected(engine, signal, work))
      .catch((again: unknown) => {
        throw comesOfMemory(again) ? memoryError(again) : again;
      });
  }
}

/** Work on the engine beside the tables' steps, which yields to one that has to be alone. */
export function besideSteps<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  return turnsOf(engine).shared(work);
}

function memoryError(cause: unknown): SluiceError {
  const [line] = (cause as Error).message.split('\n', 1);
  return new SluiceError('RUNNER_MEMORY', `A step of a table needs more memory than the run has: ${line}`, {
    cause,
  });
}

export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Out of Memory Error');
}

/**
 * Too little memory, or what it leaves: a statement that runs out of it while it is committed leaves its temporary table
 * behind, half made, and nothing of that name can be made on the connection any more. Nobody else makes any there.
 */
function comesOfMemory(error: unknown): boolean {
  return (
    isOutOfMemory(error) || (error instanceof Error && error.message.includes('Catalog write-write conflict'))
  );
}

async function connected<T>(engine: Engine, signal: AbortSignal, work: (sql: Sql) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const connection = await engine.connect();
  try {
    return await work({
      connection,
      run: (sql) => connection.run(sql, signal),
      rows: async (sql) => (await connection.rows(sql, signal)).map((row) => Object.values(row)),
      chunks: (sql, rows, take) =>
        connection.exclusive(async (native) => {
          if (rows <= MOST_HELD) {
            const result = await native.run(sql);
            for (let n = 0; n < result.chunkCount; n++) take(result.getChunk(n));
            return;
          }
          const result = await native.stream(sql);
          for (;;) {
            const chunk = await result.fetchChunk();
            if (chunk === null || chunk.rowCount === 0) return;
            take(chunk);
          }
        }, signal),
    });
  } finally {
    connection.close();
  }
}

const TURNS = new WeakMap<Engine, Turns>();

function turnsOf(engine: Engine): Turns {
  const known = TURNS.get(engine) ?? new Turns();
  TURNS.set(engine, known);
  return known;
}

/** Many at a time, or one alone. */
class Turns {
  /** The last one that wants to be alone; others wait behind it. */
  #last: Promise<void> = Promise.resolve();
  readonly #running = new Set<Promise<unknown>>();

  async shared<T>(work: () => Promise<T>): Promise<T> {
    for (let last: unknown = null; last !== this.#last; ) {
      last = this.#last;
      await last;
    }
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const turn = before.then(async () => {
      await Promise.allSettled([...this.#running]);
      return work();
    });
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }
}
