import { expect, it } from 'vitest';
import { sharedPostgres, type TestDatabase } from '../../../../tests/support/postgres.ts';
import { openSession, type Session } from './connect.ts';
import { dropPublication, setTables } from './publication.ts';
import { readPublication } from './publication-state.ts';
import { never } from './testing/reading.ts';

const server = sharedPostgres();
const NAME = 'sluice_ours';

/** A session beside a table t of one row. */
async function admin(db: TestDatabase): Promise<Session> {
  await db.query('CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0)');
  return openSession(db.connection, { applicationName: 'test' }, never);
}

async function publish(session: Session): Promise<void> {
  const waiting = { notice: () => undefined, signal: never };
  expect(await setTables(session, NAME, [{ schema: 'public', table: 't' }], waiting)).toEqual([]);
}

/** A transaction that stays open after one statement. */
async function holding(db: TestDatabase, statement: string) {
  const client = await db.client();
  await client.query('BEGIN');
  await client.query(statement);
  return client;
}

// Dropped at once, beside six connections that came and wrote: an UPDATE failed in 3 to 5 of 150 drops, "cache lookup
// failed for publication". So seldom that what keeps it from happening is looked at instead.
it('a publication is dropped when no table is in it and nobody writes who may have found one there', async () => {
  await using db = await server.createDatabase();
  await using session = await admin(db);
  await db.query(`
    CREATE TABLE seen (members bigint, writers bigint);
    CREATE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO public.seen SELECT (SELECT count(*) FROM pg_publication_rel),
        (SELECT count(*) FROM pg_locks WHERE relation = 'public.t'::regclass AND mode = 'RowExclusiveLock');
    END $$;
    CREATE EVENT TRIGGER look ON ddl_command_start WHEN TAG IN ('DROP PUBLICATION') EXECUTE FUNCTION look()`);
  await publish(session);
  const writer = await holding(db, 'UPDATE t SET v = 1');
  const dropped = dropPublication(session, NAME, never);
  await expect
    .poll(async () => (await db.query('SELECT FROM pg_publication_rel')).rowCount, { timeout: 10_000 })
    .toBe(0);
  await writer.query('COMMIT');
  await dropped;
  expect((await db.query('SELECT members::int, writers::int FROM seen')).rows).toEqual([
    { members: 0, writers: 0 },
  ]);
  expect(await readPublication(session, NAME)).toBeNull();
  await dropPublication(session, NAME, never);
});

it('a table that is locked, and a transaction that stays open, do not keep the publication', async () => {
  await using db = await server.createDatabase();
  await using session = await admin(db);
  for (const statement of ['LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE', 'UPDATE t SET v = 1']) {
    await publish(session);
    const other = await holding(db, statement);
    await dropPublication(session, NAME, never);
    expect(await readPublication(session, NAME)).toBeNull();
    await other.query('COMMIT');
  }
}, 60_000);
