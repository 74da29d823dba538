import { SluiceError } from '@sluice/contract';
import type { Session } from './connect.ts';
import type { DdlPlaces, Met } from './ddl-places.ts';
import { errorNumber, LOCK_WAIT_TIMEOUT } from './errors.ts';
import { quoteIdent, quoteTable } from './quote.ts';

/** Of the server, and not of the table: nobody has been waited for. */
const LOST: ReadonlySet<string> = new Set(['SOURCE_INTERRUPTED', 'SOURCE_UNREACHABLE', 'SOURCE_PROTOCOL']);

/** The account knows of nothing in a schema, or there is none. */
const NOTHING_THERE: ReadonlySet<number | null> = new Set([1044, 1049]);
/** How long the log's reader waits at a time. */
const LOOK_MS = 5000;

/**
 * Waits until DDL that was read in the log can be seen in the catalog. MySQL writes a statement to its log, from where
 * it is sent, before it commits the data dictionary (sql/binlog.cc, MYSQL_BIN_LOG::ordered_commit), and information_schema reads the
 * dictionary without waiting. Whoever changes a table holds its exclusive metadata lock until behind that commit, and
 * SHOW CREATE needs a shared one; of high priority, so that it waits for nobody who only waits himself.
 * @throws SluiceError SOURCE_INTERRUPTED and others
 */
export async function ddlVisible(session: Session, names: Iterable<Met>): Promise<void> {
  for (const name of names) while (!(await visible(session, name))) session.signal.throwIfAborted();
}

/**
 * Takes of what is unseen whatever can be seen now, so that there is room for more. Tables of others may be held for
 * hours (CREATE TABLE … SELECT), and are left until later.
 * @throws SluiceError SOURCE_INTERRUPTED and others
 */
export async function makeRoom(session: Session, places: DdlPlaces): Promise<void> {
  const until = performance.now() + LOOK_MS;
  const schemas = new Map<string, boolean>();
  await session.run('SET lock_wait_timeout = 1');
  try {
    for (const name of places.unseen({ schemas: [], tables: [] })) {
      const { schema } = name;
      // Of many tables that are not ours the server is asked once.
      const known = schemas.get(schema) ?? (await knows(session, schema));
      schemas.set(schema, known);
      if (!known || (await visible(session, name))) places.seen(name);
      else places.postpone(name);
      if (performance.now() > until) return;
    }
  } finally {
    if (session.alive) await session.run('SET lock_wait_timeout = DEFAULT');
  }
}

async function knows(session: Session, schema: string): Promise<boolean> {
  const refused = await refusal(session, `SHOW CREATE DATABASE ${quoteIdent(schema)}`);
  return !NOTHING_THERE.has(refused);
}

/** False where somebody holds it for longer than the session waits. */
async function visible(session: Session, { schema, table }: Met): Promise<boolean> {
  const sql =
    table === null
      ? `SHOW CREATE DATABASE ${quoteIdent(schema)}`
      : `SHOW CREATE TABLE ${quoteTable({ schema, table })}`;
  // Otherwise it is gone, or we may not look at it: the lock was waited for.
  return (await refusal(session, sql)) !== LOCK_WAIT_TIMEOUT;
}

/** The number of the server's error; null: none. @throws where it is the connection's */
async function refusal(session: Session, sql: string): Promise<number | null> {
  try {
    await session.run(sql);
    return null;
  } catch (error) {
    if (!(error instanceof SluiceError) || LOST.has(error.code)) throw error;
    return errorNumber(error.cause);
  }
}
