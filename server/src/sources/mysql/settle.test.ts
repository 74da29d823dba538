import { describe, expect, it } from 'vitest';
import {
  FLAVOURS,
  type Flavour,
  sharedMysql,
  startMysql,
  type TestMysqlDatabase,
} from '../../../../tests/support/mysql.ts';
import { ownedGtids } from './gtids-owned.ts';
import { fileNumber } from './log-place.ts';
import { copyAll, describeTable, loadTable, snapshotOf } from './testing/loading.ts';

/** A commit waits behind its place in the log for a replica that there is not. */
const SEMI_SYNC: Readonly<Record<Flavour, { readonly on: string; readonly off: string }>> = {
  mysql: {
    on: "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'; SET GLOBAL rpl_semi_sync_source_timeout = 4294967295, GLOBAL rpl_semi_sync_source_enabled = 1",
    off: 'SET GLOBAL rpl_semi_sync_source_enabled = 0',
  },
  mariadb: {
    on: "SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC', GLOBAL rpl_semi_sync_master_timeout = 4294967295, GLOBAL rpl_semi_sync_master_enabled = 1",
    off: 'SET GLOBAL rpl_semi_sync_master_enabled = 0',
  },
};

async function head(db: TestMysqlDatabase): Promise<number> {
  const [row] = await db.rows(db.flavour === 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS');
  return Number(row![1]);
}

/** In a grant's database name _ is a pattern, and one grant alone counts: the one that names the database best. */
async function mayLock(db: TestMysqlDatabase): Promise<void> {
  await db.query(`GRANT LOCK TABLES ON \`${db.name.replaceAll('_', '\\_')}\`.* TO ${db.connection.username}`);
}

describe('transactions that are owned', () => {
  it.each([
    ['', []],
    ['3e11fa47-71ca-11e1-9e33-c80aa9429562:7#12', ['3e11fa47-71ca-11e1-9e33-c80aa9429562::7#12']],
    ['a:7#12:8#13:tag:3#14,\nb:1#2', ['a::7#12', 'a::8#13', 'a:tag:3#14', 'b::1#2']],
  ])('%s', (text, owned) => {
    expect([...ownedGtids(text)]).toEqual(owned);
  });
});

describe.each(FLAVOURS)('what is in the log of %s', (flavour) => {
  it('is seen by a load that begins afterwards, also where its commit waits for a replica', async () => {
    await using server = await startMysql(flavour);
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY)');
    await db.query('CREATE TABLE b (id int)');
    const admin = await db.client();
    await admin.query(SEMI_SYNC[flavour].on);
    const a = await describeTable(db, 'a');
    const b = await describeTable(db, 'b');
    const before = await head(db);
    const inserting = (await db.client()).query('INSERT INTO a VALUES (1)');
    while ((await head(db)) === before);
    const notices: string[] = [];
    let told: (() => void) | undefined;
    const noticed = new Promise<void>((resolve) => {
      told = resolve;
    });
    const opening = [a, b].map((table) =>
      snapshotOf(db, table, undefined, (message) => {
        notices.push(message);
        told?.();
      }),
    );
    let opened = 0;
    for (const one of opening) void one.then(() => opened++);
    await noticed;
    expect(opened).toBe(0);
    expect(notices[0]).toMatch(/in the log and not yet committed/);
    // Nothing of it can be seen yet.
    expect(await db.rows('SELECT COUNT(*) FROM a')).toEqual([['0']]);
    await admin.query(SEMI_SYNC[flavour].off);
    await inserting;
    const [first, second] = await Promise.all(opening);
    expect((await copyAll(first!)).rows).toEqual([['1']]);
    expect((await copyAll(second!)).rows).toEqual([]);
    await Promise.all([first, second].map((one) => one![Symbol.asyncDispose]()));
  }, 60_000);

  it('up to the place of a snapshot, and nothing behind it, is what the snapshot of a table without a key shows', async () => {
    await using db = await sharedMysql(flavour).createDatabase();
    await db.query('CREATE TABLE a (n int)');
    const table = await describeTable(db, 'a');
    const first = fileNumber((await db.rows('SHOW BINARY LOGS')).at(-1)![0]!);
    let stop = false;
    const writers = [0, 1, 2].map(async (writer) => {
      const client = await db.client();
      for (let n = writer; !stop; n += 3) await client.query(`INSERT INTO a VALUES (${n})`);
    });
    try {
      for (let round = 0; round < 5; round++) {
        await using snapshot = await snapshotOf(db, table);
        const { visibility } = snapshot;
        if (visibility.kind !== 'log') throw new Error('a table without a key has a place in the log');
        const { rows } = await copyAll(snapshot, 1000);
        // Others who use the server may have begun a new file.
        let maps = 0;
        for (const [file] of await db.rows('SHOW BINARY LOGS')) {
          const base = fileNumber(file!) * 2 ** 32;
          if (fileNumber(file!) < first || base > visibility.before) continue;
          for (const [, at, type, , , info] of await db.rows(`SHOW BINLOG EVENTS IN '${file}'`))
            if (
              type === 'Table_map' &&
              info!.includes(`(${db.name}.a)`) &&
              base + Number(at) < visibility.before
            )
              maps++;
        }
        expect(rows.length).toBe(maps);
      }
    } finally {
      stop = true;
      await Promise.all(writers);
    }
  }, 60_000);

  it('of a table that knows no transactions is exact as well', async () => {
    await using db = await sharedMysql(flavour).createDatabase();
    await db.query('CREATE TABLE a (n int) ENGINE=MyISAM');
    await mayLock(db);
    const client = await db.client();
    await client.query('INSERT INTO a VALUES ?', [Array.from({ length: 5000 }, (_, n) => [n])]);
    await using snapshot = await snapshotOf(db, await describeTable(db, 'a'));
    const inserting = client.query('INSERT INTO a VALUES (-1)');
    const { rows } = await copyAll(snapshot);
    await inserting;
    expect(rows.length).toBe(5000);
  });
});

describe('a server without GTIDs', () => {
  it('locks the table for a moment, which needs the right to', async () => {
    await using server = await startMysql('mysql', {
      settings: { 'gtid-mode': 'OFF', 'enforce-gtid-consistency': 'OFF' },
    });
    await using db = await server.createDatabase();
    await db.query('CREATE TABLE a (id int PRIMARY KEY)');
    await db.query('CREATE TABLE b (id int)');
    await (await db.client()).query('INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)');
    await expect(loadTable(db, 'a')).rejects.toMatchObject({
      code: 'MYSQL_NO_LOCK_TABLES',
      remedy: expect.stringContaining(`GRANT LOCK TABLES ON \`${db.name}\`.*`),
    });
    await mayLock(db);
    const writer = await db.client();
    await writer.query('BEGIN; INSERT INTO a VALUES (3)');
    const loading = loadTable(db, 'a');
    const waits =
      "SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for table metadata lock'";
    while ((await db.rows(waits)).length === 0);
    await writer.query('COMMIT');
    expect((await loading).rows).toEqual([['1'], ['3']]);
    expect((await loadTable(db, 'b')).rows).toEqual([['2']]);
    // Nobody is kept from writing afterwards.
    await writer.query('INSERT INTO a VALUES (4)');
  }, 60_000);
});
