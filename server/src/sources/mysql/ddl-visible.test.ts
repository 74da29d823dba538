import { describe, expect, it, vi } from 'vitest';
import { FLAVOURS, sharedMysql } from '../../../../tests/support/mysql.ts';
import { openSession } from './connect.ts';
import { DdlPlaces } from './ddl-places.ts';
import { makeRoom } from './ddl-visible.ts';
import { Following } from './testing/following.ts';
import { never } from './testing/log-reading.ts';

const MOST = 10_000;
const ALL = { schemas: [], tables: [] };
const at = { file: 'b.000001', offset: 100 };

describe.each(FLAVOURS)('DDL of %s that the catalog may not show yet', (flavour) => {
  it('is remembered of no more than 10,000 tables; what somebody holds is not let go', async () => {
    await using db = await sharedMysql(flavour).createDatabase();
    await using session = await openSession(db.connection, { applicationName: 'ddl test' }, never);
    await db.query('CREATE TABLE a (n int)');
    const patience = 'SELECT @@lock_wait_timeout AS s, @@GLOBAL.lock_wait_timeout AS g';
    const before = await session.row(patience);
    const making = (await db.client()).query('CREATE TABLE held AS SELECT SLEEP(600) AS n');
    const made = making.catch(() => undefined);
    const runs = `SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep' AND INFO LIKE 'CREATE TABLE held%' AND DB = '${db.name}'`;
    let running: (string | null)[] | undefined;
    while (running === undefined) [running] = await db.rows(runs);
    const places = new DdlPlaces();
    const own = { schemas: [db.name], tables: [] };
    for (const table of ['held', 'a', 'gone']) places.met({ schema: db.name, table }, at);
    let most = 0;
    for (let n = 0; n < 2 * MOST; n++) {
      places.met({ schema: 'staging', table: `t${n}` }, at);
      if (!places.full) continue;
      most = Math.max(most, places.unseen(ALL).length);
      await makeRoom(session, places);
      expect(places.unseen(own)).toEqual([{ schema: db.name, table: 'held' }]);
    }
    expect(most).toBe(MOST);
    expect(places.unseen(ALL).length).toBeLessThanOrEqual(MOST);
    await db.query(`KILL QUERY ${running[0]}`);
    await made;
    await makeRoom(session, places);
    expect(places.unseen(ALL)).toEqual([]);
    expect(await session.row(patience)).toEqual(before);
    expect(before.s).toBe(before.g);
  });
});

// MariaDB drops that many only slowly; the code is the same.
it('DDL of ever new tables of another schema does not pile up while the log is read', async () => {
  await using following = await Following.open('mysql', ['CREATE TABLE t (id int PRIMARY KEY)']);
  const met = vi.spyOn(DdlPlaces.prototype, 'met');
  try {
    await following.start();
    const names = Array.from({ length: MOST + 1000 }, (_, n) => `staging.t${n}`);
    const drops: string[] = [];
    for (let n = 0; n < names.length; n += 500)
      drops.push(`DROP TABLE IF EXISTS ${names.slice(n, n + 500).join(', ')}`);
    await following.run(...drops, 'ALTER TABLE t ADD v int', 'INSERT INTO t VALUES (1, 2)');
    await following.story();
    const left = (met.mock.contexts[0] as DdlPlaces).unseen(ALL);
    expect(met.mock.calls.filter(([name]) => name.schema === 'staging')).toHaveLength(names.length);
    expect(left.length).toBeLessThanOrEqual(MOST);
    // What is asked for is looked for in its time.
    expect(left).toContainEqual({ schema: following.database.name, table: 't' });
    const [t] = await following.tables();
    expect(t!.schema.columns.map(({ name }) => name)).toEqual(['id', 'v']);
  } finally {
    met.mockRestore();
  }
});
