import { setTimeout as pause } from 'node:timers/promises';
import { SluiceError } from '@sluice/contract';
import { type TableName, tableText } from '../../model/table.ts';
import type { Session } from './connect.ts';
import { errorNumber, LOCK_WAIT_TIMEOUT } from './errors.ts';
import { ownedGtids } from './gtids-owned.ts';
import { comparePlaces, type FilePlace } from './log-place.ts';
import { type BinlogPosition, readHead } from './position.ts';
import { quoteIdent, quoteTable } from './quote.ts';

/** A log says it of a transaction that takes longer than this to be committed. */
const NOTICE_MS = 5000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 250;
/** Seconds in which a table's lock is waited for, with everybody behind it; then they get a chance. */
export const LOCK_SECONDS = 3;

const LOCK_REFUSED: ReadonlySet<number> = new Set([1044, 1045, 1142, 1143, 1227]);

/**
 * Waits until whatever is in the log now can be seen by reads that begin afterwards, and returns the log's end.
 *
 * A transaction is in the log, and may have been sent to us, before the engine has committed it; with a semi-synchronous
 * replica that does not answer, for long.
 *
 * - MySQL with GTIDs: a transaction owns its GTID from before its bytes are written to the log until after the engine
 *   has committed it (sql/binlog.cc: assign_automatic_gtids_to_flush_group in the flush stage; ha_commit_low, then
 *   gtid_state->update_commit_group, in process_commit_stage_queue). So of what is in the log at a moment, whatever is
 *   not committed at a later one is among those owned then. GTIDs that are owned without being in the log yet (a
 *   replica's appliers own theirs while they work) are waited for as well, which does no harm.
 * - MariaDB: a consistent snapshot tells the place in the log up to which it shows everything (binlog_snapshot_file,
 *   binlog_snapshot_position). It begins when that has come up to the log's end.
 * - MySQL without GTIDs: whoever writes to a table holds its metadata lock until after the commit, so that a read lock
 *   on the table is only granted when all of them are done.
 *
 * @throws SluiceError TABLE_NO_SELECT where the table may not be locked, SOURCE_*
 */
export async function settledHead(
  session: Session,
  table: TableName,
  notice: (message: string) => void = () => undefined,
): Promise<BinlogPosition> {
  const head = await readHead(session);
  if (session.info.flavour === 'mariadb') {
    await openSettledSnapshot(session, head, notice);
    await session.run('COMMIT');
  } else if (session.info.gtid) await gtidsGivenBack(session, notice);
  else await locked(session, table, notice, async () => undefined);
  return head;
}

async function gtidsGivenBack(session: Session, notice: (message: string) => void): Promise<void> {
  const waiting = new Waiting(session.signal, notice);
  let left: ReadonlySet<string> = await readOwned(session);
  while (left.size > 0) {
    await waiting.pause(
      () => `the full load waits for ${left.size} transactions that are in the log and not yet committed`,
    );
    const now = await readOwned(session);
    left = new Set([...left].filter((one) => now.has(one)));
  }
}

export async function readOwned(session: Session): Promise<ReadonlySet<string>> {
  const { owned } = await session.row<{ owned: string | null }>('SELECT @@GLOBAL.gtid_owned AS owned');
  return ownedGtids(owned ?? '');
}

/**
 * MariaDB: a transaction that sees exactly what is in the log before the place that is returned, which is at or
 * behind `head`. It is left open.
 */
export async function openSettledSnapshot(
  session: Session,
  head: BinlogPosition,
  notice: (message: string) => void,
): Promise<FilePlace> {
  const waiting = new Waiting(session.signal, notice);
  for (;;) {
    await session.run('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    const rows = await session.rows<{ Variable_name: string; Value: string }>(
      "SHOW STATUS LIKE 'binlog_snapshot_%'",
    );
    const value = (name: string): string =>
      rows.find((row) => row.Variable_name.toLowerCase() === name)?.Value ?? '';
    const file = value('binlog_snapshot_file');
    const offset = Number(value('binlog_snapshot_position'));
    if (file === '')
      throw new SluiceError('SOURCE_PROTOCOL', 'the server does not tell the place in its log of a snapshot');
    const place = { file, offset };
    if (!head.file || comparePlaces(place, { file: head.file.name, offset: head.file.offset }) >= 0)
      return place;
    await session.run('COMMIT');
    await waiting.pause(
      () => 'the full load waits for transactions that are in the log and not yet committed',
    );
  }
}

/** Does something while nobody can have changed the table and not be done with it. Everybody who writes to it waits. */
export async function locked<T>(
  session: Session,
  table: TableName,
  notice: (message: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const waiting = new Waiting(session.signal, notice);
  await session.run(`SET lock_wait_timeout = ${LOCK_SECONDS}`);
  for (;;) {
    try {
      await session.run(`LOCK TABLES ${quoteTable(table)} READ`, [], 'load');
      break;
    } catch (error) {
      const number = errorNumber(error instanceof SluiceError ? error.cause : error);
      if (LOCK_REFUSED.has(number ?? 0))
        throw new SluiceError(
          'MYSQL_NO_LOCK_TABLES',
          `The account may not lock ${tableText(table)}, which is needed for a moment at the start of its load.`,
          {
            cause: error,
            remedy: `Run GRANT LOCK TABLES ON ${quoteIdent(table.schema)}.* TO the account of the data source, or switch gtid_mode to ON. Then start the table again.`,
          },
        );
      if (number !== LOCK_WAIT_TIMEOUT) throw error;
      await waiting.pause(
        () => `the full load of ${tableText(table)} waits for a transaction that has changed the table`,
      );
    }
  }
  try {
    return await work();
  } finally {
    await session.run('UNLOCK TABLES');
  }
}

/** Pauses that grow, and one message when it takes long. */
export class Waiting {
  readonly #signal: AbortSignal;
  readonly #notice: (message: string) => void;
  readonly #since = performance.now();
  #pauseMs = FIRST_PAUSE_MS;
  #told = false;

  constructor(signal: AbortSignal, notice: (message: string) => void) {
    this.#signal = signal;
    this.#notice = notice;
  }

  get elapsedMs(): number {
    return performance.now() - this.#since;
  }

  async pause(message: () => string): Promise<void> {
    this.tell(message);
    await pause(this.#pauseMs, undefined, { signal: this.#signal }).catch(() =>
      this.#signal.throwIfAborted(),
    );
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
  }

  tell(message: () => string): void {
    if (this.#told || this.elapsedMs < NOTICE_MS) return;
    this.#told = true;
    this.#notice(message());
  }
}
