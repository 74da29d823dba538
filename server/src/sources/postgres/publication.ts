import { SluiceError } from '@sluice/contract';
import { within } from '../../model/deadline.ts';
import { type TableName, tableKey } from '../../model/table.ts';
import type { Session } from './connect.ts';
import { partitionTree } from './partition-tree.ts';
import { isWhole, type NotPublished, namedTables, readPublication } from './publication-state.ts';
import { quoteIdent, quoteTable } from './quote.ts';
import { pause } from './slot.ts';

const POLL_MS = 100;
const WAIT_NOTICE_MS = 5_000;
/** A statement that waits longer for a table's lock gives way, so that it can be said who holds it. */
const LOCK_MS = 5_000;
/** A statement has found its table's publications within microseconds; a transaction may stay open for hours. */
const LEAVING_MS = 5_000;
/** SQLSTATE: lock_not_available, deadlock_detected. */
const LOCKED: ReadonlySet<string> = new Set(['55P03', '40P01']);

/**
 * Makes the task's own publication, without tables; one that is there is kept, but publishes all kinds of changes
 * afterwards. A slot can only decode what it finds.
 */
export async function ensurePublication(session: Session, name: string): Promise<void> {
  const state = await readPublication(session, name);
  if (state) {
    if (!isWhole(state))
      await inPublicationRights(
        session.rows(
          `ALTER PUBLICATION ${quoteIdent(name)} SET (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)`,
        ),
      );
    return;
  }
  const generated = session.version >= 180_000 ? ', publish_generated_columns = stored' : '';
  await inPublicationRights(
    session.rows(
      `CREATE PUBLICATION ${quoteIdent(name)} WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true${generated})`,
    ),
  );
}

/**
 * Drops the task's own publication. Its tables leave it first, and who writes to them at that moment is waited for:
 * PostgreSQL looks a table's publications up by two steps, and an application's statement that found one dropped
 * between them would fail ("cache lookup failed for publication", RelationBuildPublicationDesc).
 */
export async function dropPublication(session: Session, name: string, signal: AbortSignal): Promise<void> {
  const tables = (await namedTables(session, name)).map((member) => member.name);
  if (tables.length > 0) {
    await session.rows(`SET lock_timeout = ${LOCK_MS}`);
    try {
      await alterTables(session, name, 'DROP', tables);
      const until = within(signal, LEAVING_MS);
      await writersBefore(session, tables, { notice: () => {}, signal: until });
    } catch (error) {
      // A table that is locked or written to for longer, or was dropped meanwhile, goes with the publication.
      if (!session.alive || signal.aborted) throw error;
    }
  }
  await inPublicationRights(session.rows(`DROP PUBLICATION IF EXISTS ${quoteIdent(name)}`));
}

/**
 * Lets the publication hold exactly these tables, by differences, so that a table that stays is never out of it.
 * Returns those that could not be included. Afterwards waits for the transactions that were already writing to a
 * table when it came in: what they wrote before that moment is not in the log, though they commit later.
 */
export async function setTables(
  session: Session,
  publication: string,
  tables: readonly TableName[],
  options: Waiting,
): Promise<readonly NotPublished[]> {
  await ensurePublication(session, publication);
  const present = await namedTables(session, publication);
  const wanted = new Map(tables.map((name) => [tableKey(name), name]));
  // A column list or filter that somebody gave to a member goes with it, and the table comes in anew.
  const kept = new Set(
    present
      .filter((member) => !member.partial)
      .map(({ name }) => tableKey(name))
      .filter((key) => wanted.has(key)),
  );
  const drop = present.map(({ name }) => name).filter((name) => !kept.has(tableKey(name)));
  const add = [...wanted].filter(([key]) => !kept.has(key)).map(([, name]) => name);

  const refused: NotPublished[] = [];
  await alterEach(session, publication, 'DROP', drop, options);
  for (const { name, error } of await alterEach(session, publication, 'ADD', add, options))
    refused.push({ name, message: error.message });
  const refusedKeys = new Set(refused.map(({ name }) => tableKey(name)));
  const added = add.filter((name) => !refusedKeys.has(tableKey(name)));
  if (added.length > 0) await writersBefore(session, added, options);
  return refused;
}

interface Waiting {
  readonly notice: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * All in one statement; if the server refuses that, one by one, so that a table's trouble stays its own. A table that
 * somebody has locked (an index being built, a VACUUM, a transaction that was forgotten) is tried until it is free.
 */
async function alterEach(
  session: Session,
  publication: string,
  verb: 'ADD' | 'DROP',
  tables: readonly TableName[],
  options: Waiting,
): Promise<readonly { name: TableName; error: SluiceError }[]> {
  if (tables.length === 0) return [];
  await session.rows(`SET lock_timeout = ${LOCK_MS}`);
  try {
    await alterTables(session, publication, verb, tables);
    return [];
  } catch (error) {
    if (!session.alive) throw error;
  }
  const failed: { name: TableName; error: SluiceError }[] = [];
  let left = tables;
  while (left.length > 0) {
    const locked: TableName[] = [];
    for (const name of left) {
      try {
        await alterTables(session, publication, verb, [name]);
      } catch (error) {
        if (!session.alive) throw error;
        if (LOCKED.has(sqlState(error) ?? '')) locked.push(name);
        else failed.push({ name, error: SluiceError.from(error) });
      }
    }
    left = locked;
    if (left.length > 0) options.notice(await lockNotice(session, left));
    options.signal.throwIfAborted();
  }
  return failed;
}

async function alterTables(
  session: Session,
  publication: string,
  verb: 'ADD' | 'DROP',
  tables: readonly TableName[],
): Promise<void> {
  // ONLY: tables that inherit are tables of their own. Partitions of a partitioned table are included all the same.
  const names = tables.map((name) => `ONLY ${quoteTable(name)}`).join(', ');
  await session.rows(`ALTER PUBLICATION ${quoteIdent(publication)} ${verb} TABLE ${names}`);
}

/** Who holds a lock that a publication cannot be altered beside. */
async function lockNotice(session: Session, tables: readonly TableName[]): Promise<string> {
  const holders = await session.rows<{ who: string }>(
    `SELECT DISTINCT coalesce('process ' || l.pid || coalesce(' (' || nullif(a.application_name, '') || ')', ''),
              'a prepared transaction') AS who
       FROM unnest($1::text[], $2::text[]) AS w(s, t)
       JOIN pg_namespace n ON n.nspname = w.s
       JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.t
       JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = c.oid AND l.granted
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
       LEFT JOIN pg_stat_activity a ON a.pid = l.pid
      ORDER BY 1 LIMIT 5`,
    [tables.map((name) => name.schema), tables.map((name) => name.table)],
  );
  const names = tables.slice(0, 5).map(quoteTable).join(', ');
  return `publishing ${names} waits for a lock of ${holders.map(({ who }) => who).join(', ') || 'somebody'}`;
}

/**
 * Waits for the transactions that hold a writer's lock on one of the tables now. Whoever takes that lock from now on
 * finds the publication as it is. Only those transactions are waited for, and nobody waits for us.
 */
async function writersBefore(
  session: Session,
  tables: readonly TableName[],
  options: Waiting,
): Promise<void> {
  const holders = await session.rows<{ holder: string; pid: number | null }>(
    `WITH wanted AS (
       SELECT c.oid FROM unnest($1::text[], $2::text[]) AS w(s, t)
         JOIN pg_namespace n ON n.nspname = w.s
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.t),
     every AS (SELECT DISTINCT tree.oid FROM wanted, LATERAL ${partitionTree('wanted.oid')} tree)
     SELECT DISTINCT l.virtualtransaction AS holder, l.pid
       FROM pg_locks l JOIN every ON every.oid = l.relation
      WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`,
    [tables.map((name) => name.schema), tables.map((name) => name.table)],
  );
  let waiting = holders;
  let noticeAt = performance.now() + WAIT_NOTICE_MS;
  while (waiting.length > 0) {
    if (performance.now() > noticeAt) {
      const who = waiting.map(({ pid, holder }) => (pid === null ? `prepared ${holder}` : `process ${pid}`));
      options.notice(`new tables wait for transactions that were writing to them: ${who.join(', ')}`);
      noticeAt = performance.now() + WAIT_NOTICE_MS * 6;
    }
    await pause(POLL_MS, options.signal);
    const alive = await session.rows<{ holder: string }>(
      'SELECT DISTINCT virtualtransaction AS holder FROM pg_locks WHERE virtualtransaction = ANY($1::text[])',
      [waiting.map(({ holder }) => holder)],
    );
    const left = new Set(alive.map(({ holder }) => holder));
    waiting = waiting.filter(({ holder }) => left.has(holder));
  }
}

async function inPublicationRights<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (sqlState(error) === '42501')
      throw new SluiceError('PG_PUBLICATION_RIGHTS', SluiceError.from(error).message, { cause: error });
    throw error;
  }
}

function sqlState(error: unknown): string | null {
  const cause = error instanceof SluiceError ? error.cause : null;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null;
}
