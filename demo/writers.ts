import { setTimeout as sleep } from 'node:timers/promises';

/** What the writers have done so far, for people. */
export interface WriterCounts {
  transactions: number;
  rows: number;
  schemaChanges: number;
  /** Lock conflicts and the like; a transaction that fails is rolled back and changes nothing. */
  failed: number;
}

export interface Answer {
  readonly rows: readonly Record<string, unknown>[];
  /** Rows that the statement changed. */
  readonly changed: number;
  /** The number that a new row was given. */
  readonly insertId?: number;
}

/** A connection to the shop's database. */
export interface Session {
  query(sql: string, parameters?: unknown[]): Promise<Answer>;
  /** Whether such an error is part of a database's life: a lock that was waited for in vain, a deadlock. */
  passes(error: unknown): boolean;
  end(): Promise<void>;
}

/** Sends statements inside one transaction and counts the rows that they touch. */
export type Touch = Session['query'];
export type Work = (touch: Touch) => Promise<void>;

export interface Writer {
  readonly work: Work;
  /** Pause between two transactions, milliseconds. */
  readonly pause: number;
  readonly isSchemaChange?: boolean;
}

export const below = (count: number): number => Math.floor(Math.random() * count);
export const amount = (): string => (Math.random() * 500).toFixed(2);

/** Lets all of them write, each over a connection of its own, until the signal aborts. */
export async function writeUntil(
  writers: readonly Writer[],
  open: () => Promise<Session>,
  counts: WriterCounts,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(writers.map((writer) => write(writer, open, counts, signal)));
}

async function write(
  writer: Writer,
  open: () => Promise<Session>,
  counts: WriterCounts,
  signal: AbortSignal,
): Promise<void> {
  const session = await open();
  try {
    while (!signal.aborted) {
      await transaction(session, writer, counts);
      await sleep(writer.pause, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await session.end();
  }
}

async function transaction(session: Session, writer: Writer, counts: WriterCounts): Promise<void> {
  let rows = 0;
  try {
    await session.query('BEGIN');
    await writer.work(async (sql, parameters) => {
      const answer = await session.query(sql, parameters);
      rows += answer.changed;
      return answer;
    });
    await session.query('COMMIT');
    counts.transactions++;
    counts.rows += rows;
    if (writer.isSchemaChange === true) counts.schemaChanges++;
  } catch (error) {
    await session.query('ROLLBACK');
    if (!session.passes(error)) throw error;
    counts.failed++;
  }
}
