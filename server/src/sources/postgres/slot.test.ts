import { describe, expect, it } from 'vitest';
import { sharedPostgres, startPostgres, type TestDatabase } from '../../../../tests/support/postgres.ts';
import { postgresAdmin } from './admin.ts';
import { openSession, socketOf } from './connect.ts';
import { begin, never, newTaskKey, openSource, readLog } from './testing/reading.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { queryMessage } from './wire/messages.ts';

const server = sharedPostgres();

async function slots(
  db: TestDatabase,
  taskKey: string,
): Promise<readonly { plugin: string; active: boolean }[]> {
  const { rows } = await db.query('SELECT plugin, active FROM pg_replication_slots WHERE slot_name = $1', [
    `sluice_${taskKey}`,
  ]);
  return rows;
}

async function publications(db: TestDatabase): Promise<readonly string[]> {
  const { rows } = await db.query('SELECT pubname FROM pg_publication ORDER BY 1');
  return rows.map((row) => row.pubname);
}

/** A role of the database's own name with these rights, and the connection as it. */
async function role(
  db: TestDatabase,
  rights: string,
): Promise<{ name: string; connection: TestDatabase['connection'] }> {
  const name = `role_${db.name}`;
  await db.query(`CREATE ROLE ${name} LOGIN PASSWORD 'pa''ss' ${rights}`);
  return { name, connection: { ...db.connection, username: name, password: "pa'ss" } };
}

describe('slot and publication', () => {
  it('forget drops both, twice is no error, and stops a reader of the same task', async () => {
    await using db = await server.createDatabase();
    const taskKey = newTaskKey();
    const source = await openSource(db.connection, { taskKey });
    const from = await begin(source);
    const streaming = source.stream(from, new RecordingSink(), never);
    streaming.catch(() => undefined);
    await expect.poll(async () => (await slots(db, taskKey))[0]?.active).toBe(true);
    await postgresAdmin.forget(db.connection, taskKey, never);
    await expect(streaming).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });
    expect(await slots(db, taskKey)).toEqual([]);
    expect(await publications(db)).toEqual([]);
    await postgresAdmin.forget(db.connection, taskKey, never);
    await source[Symbol.asyncDispose]();
  });

  it('a missing slot, a missing publication and a slot that was moved on are told apart', async () => {
    await using db = await server.createDatabase();
    const taskKey = newTaskKey();
    await using source = await openSource(db.connection, { taskKey });
    const from = await begin(source);
    await db.query(`DROP PUBLICATION sluice_${taskKey}`);
    await expect(source.attach(from, never)).rejects.toMatchObject({ code: 'PG_PUBLICATION_MISSING' });
    await db.query(`CREATE PUBLICATION sluice_${taskKey}`);
    await db.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    await db.query('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [`sluice_${taskKey}`]);
    await expect(source.attach(from, never)).rejects.toMatchObject({ code: 'PG_SLOT_AHEAD' });
    await expect(source.attach('FFFF/0', never)).rejects.toMatchObject({ code: 'POSITION_UNAVAILABLE' });
    await expect(source.attach('nonsense', never)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await db.query('SELECT pg_drop_replication_slot($1)', [`sluice_${taskKey}`]);
    await expect(source.attach(from, never)).rejects.toMatchObject({ code: 'PG_SLOT_MISSING' });
    await expect(source.stream(from, new RecordingSink(), never)).rejects.toMatchObject({
      code: 'PG_SLOT_MISSING',
    });
    // Anew works from whatever is left.
    const anew = await source.attach(null, never);
    expect(source.compare(anew, from)).toBe(1);
  });

  it.each([18, 15] as const)(
    'a publication that is dropped under a running stream ends it (PostgreSQL %d)',
    async (version) => {
      await using own = await startPostgres({ version });
      await using db = await own.createDatabase();
      await db.query('CREATE TABLE t (id int PRIMARY KEY)');
      const taskKey = newTaskKey();
      await using source = await openSource(db.connection, { taskKey });
      const from = await begin(source);
      const sink = new RecordingSink();
      const streaming = source.stream(from, sink, never);
      streaming.catch(() => undefined);
      await db.query('INSERT INTO t VALUES (1)');
      await source.mark('there', never);
      await sink.marked('there');
      await db.query(`DROP PUBLICATION sluice_${taskKey}`);
      await db.query('INSERT INTO t VALUES (2)');
      await expect(streaming).rejects.toMatchObject({ code: 'PG_PUBLICATION_MISSING' });
      expect(sink.rows('t')).toEqual([['I', '1']]);
      await expect(source.attach(from, never)).rejects.toMatchObject({ code: 'PG_PUBLICATION_MISSING' });
    },
  );

  it("somebody else's slot of the same name is left alone", async () => {
    await using db = await server.createDatabase();
    const taskKey = newTaskKey();
    await db.query("SELECT pg_create_logical_replication_slot($1, 'test_decoding')", [`sluice_${taskKey}`]);
    await using source = await openSource(db.connection, { taskKey });
    await expect(source.attach(null, never)).rejects.toMatchObject({ code: 'PG_SLOT_FOREIGN' });
    await expect(source.attach('0/1', never)).rejects.toMatchObject({ code: 'PG_SLOT_FOREIGN' });
    await expect(postgresAdmin.forget(db.connection, taskKey, never)).rejects.toMatchObject({
      code: 'PG_SLOT_FOREIGN',
    });
    expect(await slots(db, taskKey)).toEqual([{ plugin: 'test_decoding', active: false }]);
  });

  it('a reader of the same task is ended, a stranger is not', async () => {
    await using db = await server.createDatabase();
    const taskKey = newTaskKey();
    await using first = await openSource(db.connection, { taskKey });
    const from = await begin(first);
    const streaming = first.stream(from, new RecordingSink(), never);
    streaming.catch(() => undefined);
    await expect.poll(async () => (await slots(db, taskKey))[0]?.active).toBe(true);
    await using second = await openSource(db.connection, { taskKey });
    expect(await second.attach(from, never)).toBe(from);
    await expect(streaming).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });

    await using stranger = await openSession(
      db.connection,
      { applicationName: 'stranger', replication: true },
      never,
    );
    const name = `sluice_${taskKey}`;
    socketOf(stranger.client).write(
      queryMessage(
        `START_REPLICATION SLOT ${name} LOGICAL 0/0 (proto_version '1', publication_names '${name}')`,
      ),
    );
    await expect.poll(async () => (await slots(db, taskKey))[0]?.active).toBe(true);
    await expect(second.attach(from, never)).rejects.toMatchObject({
      code: 'PG_SLOT_IN_USE',
      message: expect.stringContaining('stranger'),
    });
    await expect(second.stream(from, new RecordingSink(), never)).rejects.toMatchObject({
      code: 'PG_SLOT_IN_USE',
    });
    await expect(second.attach(null, never)).rejects.toMatchObject({ code: 'PG_SLOT_IN_USE' });
    await expect(postgresAdmin.forget(db.connection, taskKey, never)).rejects.toMatchObject({
      code: 'PG_SLOT_IN_USE',
    });
  });

  it('a slot whose log was removed is invalidated', async () => {
    await using own = await startPostgres({
      settings: {
        max_slot_wal_keep_size: '1MB',
        max_wal_size: '32MB',
        min_wal_size: '32MB',
        wal_keep_size: '0',
      },
    });
    await using db = await own.createDatabase();
    const taskKey = newTaskKey();
    await using source = await openSource(db.connection, { taskKey });
    const from = await begin(source);
    await db.query('CREATE TABLE t (id int)');
    for (let i = 0; i < 4; i++)
      await db.query('INSERT INTO t SELECT generate_series(1, 1000); SELECT pg_switch_wal(); CHECKPOINT');
    await expect(source.attach(from, never)).rejects.toMatchObject({ code: 'PG_SLOT_INVALIDATED' });
    await source.attach(null, never);
  });

  it('waits for running transactions, says for whom, and can be given up without leaving a slot', async () => {
    await using db = await server.createDatabase();
    const taskKey = newTaskKey();
    const writer = await db.client();
    await writer.query("SET application_name = 'slow job'");
    await db.query('CREATE TABLE t (id int PRIMARY KEY)');
    await writer.query('BEGIN; INSERT INTO t VALUES (1)');
    const notices: string[] = [];
    await using source = await openSource(db.connection, {
      taskKey,
      notice: (message) => void notices.push(message),
    });
    const stop = new AbortController();
    const attaching = source.attach(null, stop.signal);
    attaching.catch(() => undefined);
    await expect.poll(() => notices.join(), { timeout: 15_000 }).toContain('slow job');
    stop.abort();
    await expect(attaching).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => slots(db, taskKey)).toEqual([]);
    const again = source.attach(null, never);
    await writer.query('COMMIT');
    await again;
    expect(await slots(db, taskKey)).toHaveLength(1);
  });

  it('a table that joins waits for those that were writing to it, and only for them', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)');
    await using source = await openSource(db.connection);
    const from = await source.attach(null, never);
    const [onA, onB] = [await db.client(), await db.client()];
    await onA.query('BEGIN; INSERT INTO a VALUES (1)');
    await onB.query('BEGIN; INSERT INTO b VALUES (1)');
    let published = false;
    const publishing = source.publish([{ schema: 'public', table: 'a' }], never).then((refused) => {
      published = true;
      return refused;
    });
    await expect.poll(async () => (await db.query('SELECT FROM pg_publication_rel')).rowCount).toBe(1);
    await onA.query('INSERT INTO a VALUES (2)');
    expect(published).toBe(false);
    await onA.query('COMMIT');
    expect(await publishing).toEqual([]);
    // What the snapshot of a load does not see is in the log from here on.
    await db.query('INSERT INTO a VALUES (3)');
    await onB.query('COMMIT');
    const sink = new RecordingSink();
    await readLog(source, from, sink);
    expect(sink.rows('a').at(-1)).toEqual(['I', '3']);
    expect(sink.rows('b')).toEqual([]);
  });

  it('alters only what differs, and a table that cannot join does not keep the others out', async () => {
    await using db = await server.createDatabase();
    await db.query(
      'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY)',
    );
    const taskKey = newTaskKey();
    await using source = await openSource(db.connection, { taskKey });
    const names = (...tables: string[]): { schema: string; table: string }[] =>
      tables.map((table) => ({ schema: 'public', table }));
    const members = async (): Promise<unknown[]> =>
      (
        await db.query(
          'SELECT r.oid::int, prrelid::regclass::text AS name FROM pg_publication_rel r ORDER BY 2',
        )
      ).rows;
    expect(await source.publish(names('a', 'b'), never)).toEqual([]);
    const [, b] = await members();
    const refused = await source.publish(names('b', 'c', 'gone'), never);
    expect(refused).toEqual([
      { name: { schema: 'public', table: 'gone' }, message: expect.stringContaining('gone') },
    ]);
    const after = await members();
    expect(after).toEqual([b, { oid: expect.any(Number), name: 'c' }]);
    await source.publish(names('b', 'c'), never);
    expect(await members()).toEqual(after);
    await source.publish([], never);
    expect(await members()).toEqual([]);
  });

  it("an administrator's publication is used as it is", async () => {
    await using db = await server.createDatabase();
    await db.query(`CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE rows (id int PRIMARY KEY); CREATE PUBLICATION "The Admin's" FOR TABLE a, part, rows WHERE (id > 5)`);
    const { connection } = await role(db, 'REPLICATION');
    await db.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO role_${db.name}`);
    await using source = await openSource(connection, { publication: "The Admin's" });
    const from = await source.attach(null, never);
    const refused = await source.publish(
      ['a', 'b', 'part', 'rows'].map((table) => ({ schema: 'public', table })),
      never,
    );
    expect(refused.map(({ name, message }) => [name.table, message.replace(/.*The Admin's /, '')])).toEqual([
      ['b', 'does not hold the table'],
      ['part', 'has publish_via_partition_root off, so that a partitioned table is not in it as one table'],
      ['rows', 'holds the table with a column list or a row filter only'],
    ]);
    await db.query("INSERT INTO a VALUES (1, 'x')");
    const sink = new RecordingSink();
    await readLog(source, from, sink);
    expect(sink.rows('a')).toEqual([['I', '1', 'x']]);
    await db.query(`DROP OWNED BY role_${db.name}`);
  });

  it('rights that are missing are named before anything is made', async () => {
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE mine (id int PRIMARY KEY)');
    const { name, connection } = await role(db, 'NOREPLICATION');
    await using source = await openSource(connection);
    await expect(source.attach(null, never)).rejects.toMatchObject({
      code: 'PG_NO_REPLICATION',
      remedy: `Run ALTER ROLE "${name}" REPLICATION; as a superuser.`,
    });
    await expect(source.stream('0/1', new RecordingSink(), never)).rejects.toMatchObject({
      code: 'PG_NO_REPLICATION',
    });
    await db.query(`ALTER ROLE ${name} REPLICATION`);
    await expect(source.attach(null, never)).rejects.toMatchObject({ code: 'PG_PUBLICATION_RIGHTS' });
    await db.query(`GRANT CREATE ON DATABASE "${db.name}" TO ${name}`);
    await source.attach(null, never);
    const [refused] = await source.publish([{ schema: 'public', table: 'mine' }], never);
    expect(refused?.message).toContain('must be owner of table mine');
    await source[Symbol.asyncDispose]();
    await db.query(`DROP OWNED BY ${name} CASCADE`);
  });

  it('wal_level and a full house of slots are named', async () => {
    await using own = await startPostgres({ settings: { wal_level: 'replica' } });
    await using db = await own.createDatabase();
    const taskKey = newTaskKey();
    {
      await using source = await openSource(db.connection, { taskKey });
      await expect(source.attach(null, never)).rejects.toMatchObject({ code: 'PG_WAL_LEVEL' });
      expect(await publications(db)).toEqual([]);
    }
    await own.restart({ wal_level: 'logical', max_replication_slots: 1 });
    await using other = await own.createDatabase();
    await other.query("SELECT pg_create_physical_replication_slot('taken')");
    await using source = await openSource(other.connection, { taskKey });
    await expect(source.attach(null, never)).rejects.toMatchObject({ code: 'PG_NO_SLOT_FREE' });
    await other.query("SELECT pg_drop_replication_slot('taken')");
    await source.attach(null, never);
  });
});
