import { SluiceError } from '@sluice/contract';
import { applicationName, type Session } from './connect.ts';
import { formatLsn, type Lsn, parseLsn } from './wire/lsn.ts';

const PLUGIN = 'pgoutput';
const FREE_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
/** A slot that is not made by then waits for somebody, and we say for whom. */
const WAIT_NOTICE_MS = 5_000;

export function slotName(taskKey: string): string {
  return `sluice_${taskKey}`;
}

/** SQL. rds_replication is how Aurora and RDS grant what is REPLICATION elsewhere. */
export const MAY_REPLICATE = `((SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user)
  OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication' AND pg_has_role(oid, 'MEMBER')))`;

export interface SlotState {
  readonly plugin: string | null;
  readonly database: string | null;
  readonly activePid: number | null;
  readonly confirmed: Lsn;
  /** Why its log is gone; null: it is all there. */
  readonly invalid: string | null;
}

export async function readSlot(session: Session, slot: string): Promise<SlotState | null> {
  const reason = session.version >= 170_000 ? 'invalidation_reason' : 'NULL::text';
  const [row] = await session.rows<{
    plugin: string | null;
    database: string | null;
    active_pid: number | null;
    confirmed: string | null;
    wal_status: string | null;
    invalidation_reason: string | null;
  }>(
    `SELECT plugin::text, database::text, active_pid, confirmed_flush_lsn::text AS confirmed, wal_status,
            ${reason} AS invalidation_reason
       FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
  if (!row) return null;
  return {
    plugin: row.plugin,
    database: row.database,
    activePid: row.active_pid,
    confirmed: row.confirmed === null ? 0n : (parseLsn(row.confirmed) ?? 0n),
    invalid: row.invalidation_reason ?? (row.wal_status === 'lost' ? 'wal_removed' : null),
  };
}

/** Whether the slot can be ours: made for pgoutput in this database. */
export function checkOwner(slot: string, state: SlotState, database: string): void {
  if (state.plugin === PLUGIN && state.database === database) return;
  throw new SluiceError(
    'PG_SLOT_FOREIGN',
    `replication slot ${slot} is of plugin ${state.plugin ?? '(physical)'} and database ${state.database ?? '(none)'}, not of ${PLUGIN} and ${database}`,
  );
}

/** The checks of a resume, in the order of what a person has to mend first. */
export function checkResumable(slot: string, state: SlotState | null, database: string, from: Lsn): void {
  if (!state) throw new SluiceError('PG_SLOT_MISSING', `replication slot ${slot} does not exist any more`);
  checkOwner(slot, state, database);
  if (state.invalid !== null)
    throw new SluiceError(
      'PG_SLOT_INVALIDATED',
      `replication slot ${slot} was invalidated (${state.invalid})`,
    );
  if (state.confirmed > from)
    throw new SluiceError(
      'PG_SLOT_AHEAD',
      `replication slot ${slot} was confirmed up to ${formatLsn(state.confirmed)}, the task has saved ${formatLsn(from)}`,
    );
}

/**
 * Ends the process that reads the slot, if it is a runner of this same task (an attempt that has died, or that a
 * newer one takes over from), and waits until the slot is free.
 * @throws SluiceError PG_SLOT_IN_USE when somebody else reads it
 */
export async function freeSlot(
  session: Session,
  slot: string,
  taskKey: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + FREE_TIMEOUT_MS;
  for (;;) {
    const [reader] = await session.rows<{ pid: number; application: string | null; ended: boolean | null }>(
      `SELECT s.active_pid AS pid, a.application_name AS application,
              CASE WHEN a.application_name = $2 THEN pg_terminate_backend(s.active_pid) END AS ended
         FROM pg_replication_slots s LEFT JOIN pg_stat_activity a ON a.pid = s.active_pid
        WHERE s.slot_name = $1 AND s.active_pid IS NOT NULL`,
      [slot, applicationName(taskKey)],
    );
    if (!reader) return;
    // A reader that has just ended leaves no row of activity; it is looked at again.
    const stranger = reader.application !== null && reader.application !== applicationName(taskKey);
    if (stranger || performance.now() > deadline)
      throw new SluiceError(
        'PG_SLOT_IN_USE',
        `replication slot ${slot} is read by process ${reader.pid} (${reader.application ?? 'unknown application'})`,
      );
    await pause(POLL_MS, signal);
  }
}

/** Drops the slot if it is there and of this database; somebody else's is left alone. */
export async function dropSlot(session: Session, slot: string): Promise<void> {
  await session.rows(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_name = $1 AND database = current_database() AND plugin = '${PLUGIN}'`,
    [slot],
    'create-slot',
  );
}

/**
 * Makes the slot and returns the place from which the log is complete. The server first waits for every transaction
 * that runs now to end; `maker` is busy with that, so the notice is asked for over `watcher`. When the signal aborts,
 * the statement is cancelled, so that no slot comes to be afterwards.
 */
export async function createSlot(
  maker: Session,
  watcher: Session,
  slot: string,
  options: { notice: (message: string) => void; signal: AbortSignal },
): Promise<Lsn> {
  const { signal } = options;
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
  });
  const notice = setInterval(() => {
    blockers(watcher, maker.pid).then(
      (found) => found && options.notice(`making replication slot ${slot} waits for ${found}`),
      () => undefined,
    );
  }, WAIT_NOTICE_MS);
  const made = maker.row<{ lsn: string }>(
    `SELECT lsn::text FROM pg_create_logical_replication_slot($1, '${PLUGIN}')`,
    [slot],
    'create-slot',
  );
  try {
    const { lsn } = await Promise.race([made, aborted]);
    return parseLsn(lsn) ?? 0n;
  } catch (error) {
    if (signal.aborted) {
      await watcher.rows('SELECT pg_cancel_backend($1)', [maker.pid]).catch(() => undefined);
      await made.catch(() => undefined);
    }
    throw error;
  } finally {
    clearInterval(notice);
    signal.removeEventListener('abort', onAbort);
    aborted.catch(() => undefined);
  }
}

/** Who holds up the process: the sessions that it waits for, or the oldest transactions that were there before it. */
async function blockers(session: Session, pid: number): Promise<string | null> {
  const found = await session.rows<{ pid: number; who: string; seconds: number }>(
    `SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename::text, a.backend_type) AS who,
            floor(extract(epoch FROM clock_timestamp() - a.xact_start))::int AS seconds
       FROM pg_stat_activity a
      WHERE a.pid <> $1 AND a.backend_xid IS NOT NULL
        AND a.xact_start < (SELECT query_start FROM pg_stat_activity WHERE pid = $1)
      ORDER BY a.xact_start LIMIT 5`,
    [pid],
  );
  const prepared = await session.rows<{ gid: string }>(
    'SELECT gid FROM pg_prepared_xacts ORDER BY prepared LIMIT 5',
  );
  const parts = [
    ...found.map((row) => `the transaction of process ${row.pid} (${row.who}), open for ${row.seconds} s`),
    ...prepared.map((row) => `the prepared transaction ${row.gid}`),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
