import { describe, expect, it } from 'vitest';
import { FLAVOURS, startMysql } from '../../../../tests/support/mysql.ts';
import { Following } from './testing/following.ts';
import { splitPosition } from './xa.ts';

const T = 'CREATE TABLE t (id int PRIMARY KEY, v varchar(20))';

/** One transaction's part of a story. */
const transaction = (...lines: string[]): string[] => ['begin', ...lines, 'commit'];

describe.each(FLAVOURS)('the log of %s', (flavour) => {
  it('tells inserts, updates and deletes, transaction by transaction', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.run(
      "INSERT INTO t VALUES (1, 'a'), (2, NULL)",
      "UPDATE t SET v = 'it''s \"b\"' WHERE id = 1",
      'UPDATE t SET id = 3 WHERE id = 2',
      'BEGIN',
      "INSERT INTO t VALUES (4, '')",
      'DELETE FROM t WHERE id = 1',
      'COMMIT',
    );
    expect(await following.story()).toEqual([
      ...transaction('I t 1,a', 'I t 2,~'),
      ...transaction('U t 1,it\'s "b"'),
      ...transaction('K t 2,~', 'U t 3,~'),
      ...transaction('I t 4,', 'D t 1,~'),
    ]);
  });

  it('recognises rows without a key by all of their values', async () => {
    await using following = await Following.open(flavour, [
      'CREATE TABLE n (a int, b varchar(5))',
      'CREATE TABLE u (a int NOT NULL, b int, UNIQUE KEY (a))',
    ]);
    await following.start();
    await following.run(
      "INSERT INTO n VALUES (1, 'x')",
      "UPDATE n SET b = 'y'",
      'DELETE FROM n',
      'INSERT INTO u VALUES (1, 1)',
      'DELETE FROM u',
    );
    expect(await following.story()).toEqual([
      ...transaction('I n 1,x'),
      ...transaction('D n 1,x', 'I n 1,y'),
      ...transaction('D n 1,y'),
      ...transaction('I u 1,1'),
      ...transaction('D u 1,~'),
    ]);
  });

  it('says nothing of tables that nobody follows, but where it is', async () => {
    await using following = await Following.open(flavour, [T, 'CREATE TABLE other (id int)']);
    const tables = await following.tables();
    await following.start(
      undefined,
      tables.filter((table) => table.schema.name.table === 't'),
    );
    await following.run('INSERT INTO other VALUES (1)', 'INSERT INTO other VALUES (2)');
    const head = await following.source.head(new AbortController().signal);
    expect(await following.story()).toEqual([]);
    const places = following.sink.events.flatMap((event) =>
      event.kind === 'idle' ? [event.position] : event.kind === 'commit' ? [event.end] : [],
    );
    expect(following.source.compare(places.at(-1)!, head)).toBeGreaterThanOrEqual(0);
    expect(following.sink.relations).toEqual([]);
  });

  it('gives times and numbers of transactions that grow', async () => {
    await using following = await Following.open(flavour, [T]);
    const before = BigInt(Date.now() - 2000) * 1000n;
    await following.start();
    await following.run(
      "INSERT INTO t VALUES (1, 'a')",
      'FLUSH BINARY LOGS',
      "INSERT INTO t VALUES (2, 'a')",
    );
    await following.story();
    const begins = following.sink.events.flatMap((event, at, all) =>
      event.kind === 'begin' && all[at + 1]?.kind === 'row' ? [event] : [],
    );
    expect(begins).toHaveLength(2);
    for (const { committedAt } of begins) {
      expect(committedAt).toBeGreaterThan(before);
      expect(committedAt).toBeLessThan(BigInt(Date.now() + 2000) * 1000n);
    }
    expect(begins[0]!.xid).toBeLessThan(begins[1]!.xid);
  });

  it('goes on from any boundary, and from one on another server by GTID', async () => {
    await using following = await Following.open(flavour, [T]);
    const first = await following.start();
    await following.run(
      "INSERT INTO t VALUES (1, 'a')",
      'FLUSH BINARY LOGS',
      "UPDATE t SET v = 'b'",
      'TRUNCATE TABLE t',
      "INSERT INTO t VALUES (2, 'a')",
      "INSERT INTO t VALUES (3, 'a')",
    );
    const story = [...(await following.story())];
    await following.stop();
    const ends = [first, ...following.sink.ends];
    expect(ends).toHaveLength(6);
    for (const [index, end] of ends.entries()) {
      const elsewhere = end.replace(/^([^|]*)\|[^|]*\|/, 'elsewhere.000099:4|another|');
      // The same server, which numbers its files anew.
      const anew = end.replace(/^[^|]*\|/, 'elsewhere.000099:4|');
      for (const from of [end, elsewhere, anew]) {
        await following.start(from);
        const begins = story.flatMap((line, at) => (line === 'begin' ? [at] : []));
        expect(await following.story()).toEqual(story.slice(begins[index] ?? story.length));
        await following.stop();
      }
    }
  });

  it('follows the files of the log, and brings marks back while it is quiet', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.story();
    await following.run('FLUSH BINARY LOGS');
    expect(await following.story()).toEqual([]);
    await following.run('FLUSH BINARY LOGS', 'FLUSH BINARY LOGS', "INSERT INTO t VALUES (1, 'a')");
    expect(await following.story()).toEqual(transaction('I t 1,a'));
  });

  it('waits for the sink before it reads on', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    let release = (): void => {};
    following.sink.onCommit = () => {
      if (following.sink.story.length === 0) return;
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    await following.run("INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'a')");
    await following.sink.until(() => following.sink.story.at(-1) === 'commit');
    await following.source.mark('held', new AbortController().signal);
    expect(following.sink.story).toEqual(transaction('I t 1,a'));
    following.sink.onCommit = () => undefined;
    release();
    expect(await following.story()).toEqual([...transaction('I t 1,a'), ...transaction('I t 2,a')]);
  });

  it('reads compressed transactions and events', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    const on =
      flavour === 'mysql'
        ? 'SET SESSION binlog_transaction_compression = ON'
        : 'SET GLOBAL log_bin_compress = 1';
    await following.run(
      on,
      'BEGIN',
      `INSERT INTO t VALUES ${Array.from({ length: 50 }, (_, i) => `(${i}, 'abcdefghijklmnopqrst')`).join()}`,
      "UPDATE t SET v = 'z' WHERE id = 7",
      'COMMIT',
    );
    if (flavour === 'mariadb') await following.run('SET GLOBAL log_bin_compress = 0');
    const story = await following.story();
    expect(story).toHaveLength(53);
    expect(story.slice(-2)).toEqual(['U t 7,z', 'commit']);
  });

  it('tells what the catalog holds at the place that is read', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    for (let i = 0; i < 5; i++) {
      const found = following.tables().then((tables) => ({
        tables: tables.length,
        // Of those that the sink has been told of by then.
        made: following.sink.story.filter((line) => line.startsWith('made')).length,
      }));
      await following.run(`CREATE TABLE more_${i} (id int PRIMARY KEY)`);
      const { tables, made } = await found;
      expect(tables).toBe(made + 1);
    }
  });

  it('ends when it is told to, in the middle of whatever it does', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    following.sink.onCommit = () => new Promise(() => undefined);
    await following.run("INSERT INTO t VALUES (1, 'a')");
    await following.sink.until((events) => events.some((event) => event.kind === 'commit'));
    const waiting = following.source.discover({ schemas: [], tables: [] }, new AbortController().signal);
    await following.run("INSERT INTO t VALUES (2, 'a')");
    await following.stop();
    await waiting.catch(() => undefined);
  });

  it('says so when its connection is lost', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.run("INSERT INTO t VALUES (1, 'a')");
    await following.story();
    const threads = await following.database.rows(
      `SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%' AND USER = '${following.database.connection.username}'`,
    );
    for (const [id] of threads) await following.database.query(`KILL ${id}`);
    await expect(following.streaming).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });
  });
});

describe.each(FLAVOURS)('XA at %s', (flavour) => {
  const prepare = (xid: string, sql: string): string[] => [
    `XA START ${xid}`,
    sql,
    `XA END ${xid}`,
    `XA PREPARE ${xid}`,
  ];

  it('counts at its commit, and not where it is rolled back', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.start();
    await following.run(...prepare("'a','b',7", "INSERT INTO t VALUES (1, 'xa')"));
    await following.run("INSERT INTO t VALUES (2, 'plain')");
    await following.run("XA COMMIT 'a','b',7");
    await following.run(...prepare("'c'", "INSERT INTO t VALUES (3, 'no')"), "XA ROLLBACK 'c'");
    await following.run(
      "XA START 'd'",
      "INSERT INTO t VALUES (4, 'one')",
      "XA END 'd'",
      "XA COMMIT 'd' ONE PHASE",
    );
    expect(await following.story()).toEqual([
      ...transaction('I t 2,plain'),
      ...transaction('I t 1,xa'),
      ...transaction('I t 4,one'),
    ]);
  });

  it('is remembered over a restart, and found where it was prepared before the start', async () => {
    await using following = await Following.open(flavour, [T]);
    await following.run(...prepare("'before'", "INSERT INTO t VALUES (1, 'before')"));
    await following.run('FLUSH BINARY LOGS', 'FLUSH BINARY LOGS');
    await following.start();
    await following.run(...prepare("'within'", "INSERT INTO t VALUES (2, 'within')"));
    await following.story();
    const last = following.sink.events.findLast((event) => event.kind === 'idle')!.position;
    expect(splitPosition(last).prepared).toMatch(/^77697468696e\.\.1@/);
    await following.stop();
    await following.run("XA COMMIT 'within'");
    await following.start(last);
    await following.run("XA COMMIT 'before'");
    expect(await following.story()).toEqual([...transaction('I t 2,within'), ...transaction('I t 1,before')]);
    expect(
      splitPosition(following.sink.events.findLast((event) => event.kind === 'commit')!.end).prepared,
    ).toBe('');
  });

  it('that is too large to be kept is read again', async () => {
    await using following = await Following.open(flavour, [
      'CREATE TABLE big (id int PRIMARY KEY, v longtext)',
    ]);
    await following.start();
    const rows = Array.from({ length: 20 }, (_, i) => `INSERT INTO big VALUES (${i}, REPEAT('x', 1048576))`);
    await following.run("XA START 'l'", ...rows, "XA END 'l'", "XA PREPARE 'l'", "XA COMMIT 'l'");
    const story = await following.story();
    expect(story).toHaveLength(22);
    expect(story[20]).toBe(`I big 19,${'x'.repeat(1 << 20)}`);
  });
});

it.each(FLAVOURS)('an XA commit at %s whose changes were removed loads all tables anew', async (flavour) => {
  await using server = await startMysql(flavour);
  await using following = await Following.open(flavour, [T, 'CREATE TABLE u (id int PRIMARY KEY)'], server);
  await following.run("XA START 'x'", "INSERT INTO t VALUES (1, 'a')", "XA END 'x'", "XA PREPARE 'x'");
  for (let i = 0; i < 3; i++) await following.run('FLUSH BINARY LOGS');
  const newest = (await following.database.rows('SHOW BINARY LOGS')).at(-1)![0];
  for (let oldest = ''; oldest !== newest; ) {
    await following.run(`PURGE BINARY LOGS TO '${newest}'`);
    oldest = (await following.database.rows('SHOW BINARY LOGS'))[0]![0]!;
  }
  await following.start();
  await following.run("XA COMMIT 'x'");
  expect(await following.story()).toEqual(transaction('gap t', 'gap u'));
});

it.each(FLAVOURS)('rows that the log of %s does not tell whole', async (flavour) => {
  await using following = await Following.open(flavour, [
    'CREATE TABLE k (id int PRIMARY KEY, a int, b int)',
    'CREATE TABLE n (a int, b int)',
    'INSERT INTO k VALUES (1, 1, 1)',
    'INSERT INTO n VALUES (1, 1)',
  ]);
  await following.start();
  await following.run(
    "SET SESSION binlog_row_image = 'MINIMAL'",
    'UPDATE k SET a = 5',
    'DELETE FROM k',
    'UPDATE n SET a = 2',
  );
  const [first, second, ...rest] = [...(await following.story())].slice(1);
  expect([first, second]).toEqual([`U k 1,5,<unchanged>`, 'commit']);
  expect(rest.slice(0, 3)).toEqual(transaction('D k 1,~,~'));
  // A table without a key has its whole old row in the log, whatever is asked for.
  expect(rest.slice(3)).toEqual(transaction('D n 1,1', 'I n 2,1'));
});

describe('what MariaDB rolls back behind rows that it has logged', () => {
  it('is loaded anew', async () => {
    await using following = await Following.open('mariadb', [T, 'CREATE TABLE u (id int PRIMARY KEY)']);
    await following.start();
    await following.run(
      'INSERT INTO u VALUES (1)',
      'BEGIN',
      "INSERT INTO t VALUES (1, 'a')",
      'CREATE TEMPORARY TABLE tt (a int)',
      'ROLLBACK',
      'INSERT INTO u VALUES (2)',
    );
    expect(await following.story()).toEqual([
      ...transaction('I u 1'),
      ...transaction('I t 1,a', 'gap t'),
      ...transaction('I u 2'),
    ]);
  });

  it('to a savepoint too', async () => {
    await using following = await Following.open('mariadb', [T]);
    await following.start();
    await following.run(
      'CREATE TEMPORARY TABLE tt (a int)',
      'BEGIN',
      "INSERT INTO t VALUES (1, 'a')",
      'SAVEPOINT s',
      "INSERT INTO t VALUES (2, 'a')",
      'DROP TEMPORARY TABLE tt',
      'ROLLBACK TO s',
      "INSERT INTO t VALUES (3, 'a')",
      'COMMIT',
    );
    expect(await following.story()).toEqual(transaction('I t 1,a', 'I t 2,a', 'gap t'));
  });
});

it.each(FLAVOURS)('a savepoint that is rolled back leaves no trace at %s', async (flavour) => {
  await using following = await Following.open(flavour, [T]);
  await following.start();
  await following.run(
    'BEGIN',
    "INSERT INTO t VALUES (1, 'a')",
    'SAVEPOINT s',
    "INSERT INTO t VALUES (2, 'a')",
    'ROLLBACK TO s',
    "INSERT INTO t VALUES (3, 'a')",
    'COMMIT',
  );
  expect(await following.story()).toEqual(transaction('I t 1,a', 'I t 3,a'));
});
