import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, type OwnMysql, startMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { failure, run, table } from './source-support.ts';

const MINUTES = 300_000;

/** As impatient with whoever reads its log as a server can be told to be. */
const IMPATIENT = { 'net-write-timeout': 1, 'net-read-timeout': 1, 'slave-net-timeout': 4 } as const;

const ROWS = (from: number, to: number, what: string): string =>
  `INSERT INTO t WITH RECURSIVE s (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM s WHERE i < ${to}) SELECT i, ${what} FROM s`;

async function change(database: TestMysqlDatabase): Promise<void> {
  const [[top] = []] = await database.rows('SELECT MAX(id) + 1 FROM t');
  for (const sql of [
    "UPDATE t SET note = CONCAT(note, '!') WHERE id % 5 = 0",
    'DELETE FROM t WHERE id % 7 = 0',
    `INSERT INTO t VALUES (${top}, 'new')`,
  ])
    await database.query(sql);
}

/** A mirror that has caught up. */
async function mirrored(database: TestMysqlDatabase): Promise<TestLake> {
  await database.query('CREATE TABLE t (id int PRIMARY KEY, note longtext)');
  await database.query(ROWS(1, 500, "CONCAT('n', i)"));
  const lake = await TestLake.start();
  await lake.createMirror('m', database.connection, { type: database.flavour });
  await lake.start('m');
  await expectEqual(lake, database);
  return lake;
}

async function expectEqual(lake: TestLake, database: TestMysqlDatabase): Promise<void> {
  await lake.caughtUp('m', 120);
  expect(await lake.differences(database.connection)).toEqual([]);
}

async function head(
  database: TestMysqlDatabase,
): Promise<{ readonly file: string; readonly offset: number }> {
  const of = database.flavour === 'mysql' ? 'BINARY LOG STATUS' : 'MASTER STATUS';
  const [[file, offset] = []] = await database.rows(`SHOW ${of}`);
  return { file: file ?? '', offset: Number(offset) };
}

describe.each(FLAVOURS)('the log of %s', (flavour) => {
  let server: OwnMysql;
  beforeAll(async () => {
    server = await startMysql(flavour, { settings: IMPATIENT });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** Whoever reads the server's log, by what it is doing. */
  const readers = async (database: TestMysqlDatabase): Promise<readonly (readonly (string | null)[])[]> =>
    (await database.rows('SHOW FULL PROCESSLIST')).filter(([, , , , command]) =>
      /^Binlog Dump/.test(command ?? ''),
    );

  it(
    'that was removed while the task stood still: the task says so, and both ways out lead to equal tables',
    async () => {
      await using database = await server.createDatabase();
      await using lake = await mirrored(database);
      const purge = async (): Promise<void> => {
        await lake.stop('m');
        await change(database);
        await database.query('FLUSH BINARY LOGS');
        await database.query('FLUSH BINARY LOGS');
        const { file } = await head(database);
        // MariaDB keeps a file for as long as InnoDB might need it after a crash.
        await lake.until(async () => {
          await database.query(`PURGE BINARY LOGS TO '${file}'`);
          return (await database.rows('SHOW BINARY LOGS'))[0]?.[0] === file;
        });
        await lake.start('m');
        expect(await failure(lake, 'm')).toMatchObject({
          code: 'BINLOG_PURGED',
          remedy: expect.stringContaining('stateless'),
        });
        expect((await run(lake, 'm')).attempts).toHaveLength(1);
      };
      await purge();
      await lake.start('m', { from: 'stateless' });
      await expectEqual(lake, database);
      await change(database);
      await expectEqual(lake, database);

      // From the log's end, then the tables that lack changes anew: the others are not loaded.
      await database.query('CREATE TABLE still (id int PRIMARY KEY)');
      await database.query('INSERT INTO still VALUES (1), (2)');
      await expectEqual(lake, database);
      await purge();
      const { file, offset } = await head(database);
      await lake.start('m', { from: 'custom', position: `${file}:${offset}` });
      await lake.caughtUp('m');
      expect(await lake.differences(database.connection)).not.toEqual([]);
      await (await lake.api()).post('/tasks/m/tables/orders', {
        order: 'resync',
        tables: ['t'],
        confirm: true,
      });
      await expectEqual(lake, database);
      expect((await table(lake, 'm', 'still'))?.rowsLoaded).toBe(2);
    },
    MINUTES,
  );

  it(
    'read by a second server of Sluice under the same server id: both go on, and nothing is lost',
    async () => {
      await using database = await server.createDatabase();
      await using lake = await mirrored(database);
      // A data folder of its own knows nothing of the other's numbers.
      await using other = await TestLake.start();
      await other.createMirror('m', database.connection, { type: flavour });
      await other.start('m');
      await change(database);
      await expectEqual(other, database);
      await expectEqual(lake, database);
      await change(database);
      await expectEqual(lake, database);
      await expectEqual(other, database);
      for (const one of [lake, other]) {
        const { state, attempts } = await run(one, 'm');
        expect([state, attempts.map(({ error }) => error)]).toEqual(['running', [null]]);
      }
    },
    MINUTES,
  );

  it(
    'that waits for a reader which has no time: no attempt ends, whatever the server thinks of patience',
    async () => {
      await using database = await server.createDatabase();
      await using lake = await mirrored(database);
      const pid = (await run(lake, 'm')).attempts.at(-1)?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      try {
        // More than the buffers of both sockets hold.
        for (let from = 1000; from < 1064; from += 8)
          await database.query(ROWS(from, from + 7, "REPEAT('burst ', 175000)"));
        // Several times the second that the server was told to wait.
        const began = Date.now();
        await lake.until(async () => {
          expect(await readers(database)).toHaveLength(1);
          return Date.now() - began > 5000;
        });
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await change(database);
      await expectEqual(lake, database);
      expect((await run(lake, 'm')).attempts.map(({ error }) => error)).toEqual([null]);
    },
    MINUTES,
  );
});

describe('a log of MySQL', () => {
  let server: OwnMysql;
  beforeAll(async () => {
    server = await startMysql('mysql', { settings: { 'max-binlog-stmt-cache-size': 4096 } });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it(
    'with fields of 12 MB, where others give up at 10: they come by load and by log, whole',
    async () => {
      await using database = await server.createDatabase();
      await database.query('CREATE TABLE big (id int PRIMARY KEY, note longtext, raw longblob)');
      const big = (what: string): string => `REPEAT('${what} "\\\\\\'', 2000000)`;
      await database.query(`INSERT INTO big VALUES (1, ${big('ab')}, NULL), (2, 'x', ${big('cd')})`);
      await using lake = await mirrored(database);
      const hashes = async (): Promise<void> => {
        const source = await database.rows(
          'SELECT id, LENGTH(note), SHA2(note, 256), LENGTH(raw), SHA2(raw, 256) FROM big ORDER BY id',
        );
        const there = await lake.sql(
          `SELECT CAST(id AS VARCHAR), CAST(strlen(note) AS VARCHAR), sha256(note), CAST(octet_length(raw) AS VARCHAR), sha256(raw)
           FROM "${database.name}".big ORDER BY id`,
        );
        expect(there.rows).toEqual(source);
        expect(Math.max(...source.map(([, length]) => Number(length)))).toBeGreaterThan(10 * 1024 * 1024);
      };
      await lake.caughtUp('m');
      await hashes();
      await database.query(`INSERT INTO big VALUES (3, ${big('ef')}, ${big('gh')})`);
      await database.query(`UPDATE big SET note = ${big('ij')} WHERE id = 2`);
      await lake.caughtUp('m', 120);
      await hashes();
      expect((await table(lake, 'm', 'big'))?.error).toBeNull();
    },
    MINUTES,
  );

  // Servers send events of up to 1 GiB whatever max_allowed_packet says: one that is larger is written into the file.
  it(
    'with an event that the server does not send: the task says so, and a start behind it goes on',
    async () => {
      await using database = await server.createDatabase();
      await using lake = await mirrored(database);
      await lake.stop('m');
      await database.query('FLUSH BINARY LOGS');
      const from = await head(database);
      await change(database);
      await database.query('FLUSH BINARY LOGS');
      const file = await open(join(server.dataDir, from.file), 'r+');
      try {
        // Of an event's header: time, type, server id, then its length. The first event leads to the second.
        const length = Buffer.alloc(4);
        await file.read(length, 0, 4, from.offset + 9);
        await file.write(
          Buffer.from([0xf0, 0xff, 0xff, 0x7f]),
          0,
          4,
          from.offset + length.readUInt32LE(0) + 9,
        );
      } finally {
        await file.close();
      }
      await lake.start('m');
      expect(await failure(lake, 'm')).toMatchObject({
        code: 'EVENT_TOO_LARGE',
        remedy: expect.stringMatching(/max_allowed_packet.*stateless/s),
      });
      await lake.start('m', { from: 'stateless' });
      await expectEqual(lake, database);
    },
    MINUTES,
  );

  it('in which the server says that changes are missing: the task says so, and a stateless start mends it', async () => {
    await using database = await server.createDatabase();
    await database.query('CREATE TABLE plain (id int PRIMARY KEY, v varchar(2000)) ENGINE = MyISAM');
    await using lake = await mirrored(database);
    // Too much for the cache, and nothing that could be rolled back.
    await expect(
      database.query(
        "INSERT INTO plain WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 100) SELECT i, REPEAT('v', 1500) FROM s",
      ),
    ).rejects.toThrow();
    expect(await failure(lake, 'm')).toMatchObject({
      code: 'BINLOG_INCIDENT',
      remedy: expect.stringContaining('stateless'),
    });
    await lake.start('m', { from: 'stateless' });
    await expectEqual(lake, database);
    expect(await database.rows('SELECT COUNT(*) > 0 FROM plain')).toEqual([['1']]);
  }, 300_000);
});
