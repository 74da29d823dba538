import { describe, expect, it } from 'vitest';
import { type Flavour, sharedMysql, type TestMysqlDatabase } from '../../../../../tests/support/mysql.ts';
import { openSession } from '../connect.ts';
import { changingProxy } from '../testing/changing-proxy.ts';
import { changesOf, dumpFrom, freshServerId, headOf, never } from '../testing/log-reading.ts';
import type { Dump } from './dump.ts';
import { EVENT } from './event-types.ts';

const FLAVOURS = ['mysql', 'mariadb'] as const satisfies readonly Flavour[];

async function database(flavour: Flavour): Promise<TestMysqlDatabase> {
  const db = await sharedMysql(flavour).createDatabase();
  await db.query('CREATE TABLE t (id INT PRIMARY KEY, s LONGTEXT)');
  await db.query('CREATE TABLE fence (id INT AUTO_INCREMENT PRIMARY KEY)');
  return db;
}

async function fence(db: TestMysqlDatabase): Promise<void> {
  await db.query('INSERT INTO fence VALUES ()');
}

async function thrown(doing: Promise<unknown>): Promise<{ code: string; message: string }> {
  return await doing.then(
    () => ({ code: 'none', message: '' }),
    (error) => error,
  );
}

async function readOn(dump: Dump): Promise<never> {
  while (await dump.next());
  throw new Error('the log has ended');
}

describe.each(FLAVOURS)('the log of %s', (flavour) => {
  it('is read from a file and offset in the middle, over a rotation, and again from where it was left', async () => {
    await using db = await database(flavour);
    await db.query("INSERT INTO t VALUES (1, 'before')");
    const from = await headOf(db.connection);
    await db.query("INSERT INTO t VALUES (2, 'a'), (3, 'b')");
    await db.query("UPDATE t SET s = 'c' WHERE id = 2");
    await fence(db);
    await db.query('FLUSH BINARY LOGS');
    await db.query('DELETE FROM t WHERE id = 3');
    await fence(db);
    await using dump = await dumpFrom(db.connection, from);
    expect(await changesOf(dump, db.name)).toEqual(['insert t', 'update t']);
    const left = { kind: 'file', file: dump.file, offset: dump.nextPos } as const;
    expect(left.file).toBe(from.file?.name);
    expect(await changesOf(dump, db.name)).toEqual(['delete t']);
    expect(dump.file > left.file).toBe(true);
    expect(dump.format?.checksum).toBe('crc32');
    await using again = await dumpFrom(db.connection, left);
    expect(await changesOf(again, db.name)).toEqual(['delete t']);
    expect([again.file, again.nextPos]).toEqual([dump.file, dump.nextPos]);
  });

  it('is read from a set of transactions', async () => {
    await using db = await database(flavour);
    await db.query("INSERT INTO t VALUES (1, 'before')");
    const { gtids } = await headOf(db.connection);
    await db.query('FLUSH BINARY LOGS');
    await db.query('DELETE FROM t');
    await fence(db);
    await using dump = await dumpFrom(db.connection, { kind: 'gtid', set: gtids! });
    expect(await changesOf(dump, db.name)).toEqual(['delete t']);
  });

  it('ends at its end when it is read without waiting, and that throws nobody off', async () => {
    await using db = await database(flavour);
    const from = await headOf(db.connection);
    await using waiting = await dumpFrom(db.connection, from);
    await db.query("INSERT INTO t VALUES (1, 'a')");
    await fence(db);
    expect(await changesOf(waiting, db.name)).toEqual(['insert t']);
    await using first = await dumpFrom(db.connection, from, { nonBlocking: true });
    await using second = await dumpFrom(db.connection, from, { nonBlocking: true });
    expect(await changesOf(first, db.name, 'no such table')).toEqual(['insert t', 'insert fence']);
    expect(await changesOf(second, db.name, 'no such table')).toEqual(['insert t', 'insert fence']);
    expect(await first.next()).toBe(false);
    await db.query('DELETE FROM t');
    await fence(db);
    expect(await changesOf(waiting, db.name)).toEqual(['delete t']);
  });

  it('ends with an error of its own when another reader comes with the same server id', async () => {
    await using db = await database(flavour);
    const from = await headOf(db.connection);
    const serverId = freshServerId();
    await using first = await dumpFrom(db.connection, from, { serverId });
    await first.next();
    const reading = thrown(readOn(first));
    await using second = await dumpFrom(db.connection, from, { serverId });
    await second.next();
    expect(await reading).toMatchObject({ code: 'SERVER_ID_TAKEN' });
  });

  it('has heartbeats when it is quiet, that say where it is', async () => {
    await using db = await database(flavour);
    await using dump = await dumpFrom(db.connection, await headOf(db.connection), { heartbeatMs: 100 });
    for (let beats = 0; beats < 3; ) {
      expect(await dump.next()).toBe(true);
      if (dump.type === EVENT.HEARTBEAT) beats += 1;
    }
    expect(dump.nextPos).toBeGreaterThan(4);
  });

  it('an abort ends the waiting', async () => {
    await using db = await database(flavour);
    const stop = new AbortController();
    await using dump = await dumpFrom(db.connection, await headOf(db.connection), {}, stop.signal);
    const reading = thrown(readOn(dump));
    setImmediate(() => stop.abort(new Error('enough')));
    expect((await reading).message).toBe('enough');
    expect(() => dump.next()).toThrow('enough');
  });

  it('events of 40 MB come whole', async () => {
    await using db = await database(flavour);
    const from = await headOf(db.connection);
    const size = 40 * 1024 * 1024;
    await db.query(`INSERT INTO t VALUES (1, CONCAT('<', REPEAT('0123456789abcdef', ${size / 16}), '>'))`);
    await fence(db);
    await using dump = await dumpFrom(db.connection, from);
    const seen: [number, string, boolean][] = [];
    await changesOf(dump, db.name, 'fence', ({ bytes, start, end, length }) => {
      const text = bytes.toString('latin1', end - size - 2, end);
      const right = text === `<${'0123456789abcdef'.repeat(size / 16)}>`;
      seen.push([end - start, text.slice(0, 5), right && length > size]);
    });
    expect(seen).toEqual([[expect.any(Number), '<0123', true]]);
    expect(seen[0]![0]).toBeGreaterThan(size);
  });

  it('a byte that was changed on the way is found', async () => {
    await using db = await database(flavour);
    const from = await headOf(db.connection);
    await db.query("INSERT INTO t VALUES (1, 'a needle in the log')");
    await fence(db);
    await using proxy = await changingProxy(db.connection, (bytes) => {
      const at = bytes.indexOf('a needle in');
      if (at >= 0) bytes[at] = bytes[at]! ^ 1;
    });
    await using dump = await dumpFrom({ ...db.connection, port: proxy.port }, from);
    expect(await thrown(changesOf(dump, db.name))).toMatchObject({ code: 'BINLOG_CORRUPT' });
    expect(() => dump.next()).toThrow(/checksum/);
  });

  it('a server that falls silent is given up, a connection that is cut too', async () => {
    await using db = await database(flavour);
    const from = await headOf(db.connection);
    await using proxy = await changingProxy(db.connection, () => undefined);
    const connection = { ...db.connection, port: proxy.port };
    await using silent = await dumpFrom(connection, from, { heartbeatMs: 50 });
    await using cut = await dumpFrom(connection, from);
    await silent.next();
    await cut.next();
    proxy.hold();
    expect(await thrown(readOn(silent))).toMatchObject({
      code: 'SOURCE_INTERRUPTED',
      message: expect.stringContaining('silent'),
    });
    const reading = thrown(readOn(cut));
    proxy.cut();
    expect(await reading).toMatchObject({ code: 'SOURCE_INTERRUPTED' });
  });

  it('says why it cannot be read', async () => {
    await using db = await database(flavour);
    const { file } = await headOf(db.connection);
    const refused = async (from: { file: string; offset: number }): Promise<string> => {
      await using dump = await dumpFrom(db.connection, { kind: 'file', ...from }, { heartbeatMs: 200 });
      return (await thrown(readOn(dump))).code;
    };
    expect(await refused({ file: 'no-such-file.000001', offset: 4 })).toBe('BINLOG_PURGED');
    expect(await refused({ file: file!.name, offset: 0xfffffff0 })).toBe('SERVER_BEHIND');
    expect(await refused({ file: file!.name, offset: 5 })).toBe('BINLOG_CORRUPT');
    expect(await refused({ file: file!.name, offset: 2 ** 33 })).toBe('SERVER_BEHIND');
  });

  it('needs the right to it', async () => {
    await using db = await database(flavour);
    const account = `plain_${db.name}`.slice(0, 32);
    await db.query(`CREATE USER ${account} IDENTIFIED BY 'pw'`);
    await db.query(`GRANT SELECT ON ${db.name}.* TO ${account}`);
    const from = await headOf(db.connection);
    const connection = { ...db.connection, username: account, password: 'pw' };
    expect(await thrown(dumpFrom(connection, from).then((dump) => readOn(dump)))).toMatchObject({
      code: 'MYSQL_NO_REPLICATION',
    });
    expect(await thrown(headOf(connection))).toMatchObject({ code: 'MYSQL_NO_REPLICATION' });
    await db.query(`DROP USER ${account}`);
  });
});

describe('the log of MySQL', () => {
  it('compressed transactions come as their events, at the place of the transaction', async () => {
    await using db = await database('mysql');
    const from = await headOf(db.connection);
    const client = await db.client();
    await client.query('SET binlog_transaction_compression = ON');
    await client.query("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    await client.query('BEGIN');
    await client.query(`INSERT INTO t VALUES (3, REPEAT('long and dull ', 1000000))`);
    await client.query("UPDATE t SET s = 'x'");
    await client.query('COMMIT');
    await client.query('SET binlog_transaction_compression = OFF');
    await client.end();
    await fence(db);
    await using dump = await dumpFrom(db.connection, from);
    const places: (number | boolean)[][] = [];
    const changes = await changesOf(dump, db.name, 'fence', ({ inner, nextPos, end, start }) =>
      places.push([inner, nextPos, end - start > 10_000_000]),
    );
    expect([...new Set(changes)]).toEqual(['insert t', 'update t']);
    expect(places.every(([inner]) => inner)).toBe(true);
    expect(new Set(places.map(([, nextPos]) => nextPos)).size).toBe(2);
    expect(places.filter(([, , long]) => long).length).toBe(2);
    const middle = Number(places[0]![1]);
    await using again = await dumpFrom(db.connection, {
      kind: 'file',
      file: from.file!.name,
      offset: middle,
    });
    expect(await changesOf(again, db.name)).toEqual(changes.slice(1));
  });

  it('is read from a set that has tags', async () => {
    await using db = await database('mysql');
    const client = await db.client();
    await client.query("SET gtid_next = 'AUTOMATIC:some_tag'");
    await client.query("INSERT INTO t VALUES (1, 'before')");
    const { gtids } = await headOf(db.connection);
    expect(String(gtids)).toMatch(/:some_tag:\d/);
    await client.query('DELETE FROM t');
    await client.query("SET gtid_next = 'AUTOMATIC'");
    await client.end();
    await fence(db);
    await using dump = await dumpFrom(db.connection, { kind: 'gtid', set: gtids! });
    expect(await changesOf(dump, db.name)).toEqual(['delete t']);
  });

  it('is told apart by the uuid of its reader, where it has one', async () => {
    await using db = await database('mysql');
    const from = await headOf(db.connection);
    const serverId = freshServerId();
    const uuid = (n: number): string =>
      `00000000-0000-0000-0000-${String(serverId * 10 + n).padStart(12, '0')}`;
    await using first = await dumpFrom(db.connection, from, { serverId, serverUuid: uuid(1) });
    await first.next();
    await using other = await dumpFrom(db.connection, from, { serverId, serverUuid: uuid(2) });
    await other.next();
    await fence(db);
    expect(await changesOf(first, db.name)).toEqual([]);
    const reading = thrown(readOn(first));
    await using same = await dumpFrom(db.connection, from, {
      serverId: freshServerId(),
      serverUuid: uuid(1),
    });
    await same.next();
    expect(await reading).toMatchObject({ code: 'SERVER_ID_TAKEN' });
  });

  it('is read encrypted', async () => {
    await using db = await database('mysql');
    const connection = { ...db.connection, sslmode: 'require' } as const;
    await using session = await openSession(connection, { applicationName: 'test' }, never);
    const { Value: cipher } = await session.row("SHOW STATUS LIKE 'Ssl_cipher'");
    expect(cipher).not.toBe('');
    const from = await headOf(connection);
    await db.query("INSERT INTO t VALUES (1, REPEAT('x', 3000000))");
    await fence(db);
    await using dump = await dumpFrom(connection, from, { heartbeatMs: 100 });
    expect(await changesOf(dump, db.name)).toEqual(['insert t']);
    while (dump.type !== EVENT.HEARTBEAT) await dump.next();
  });
});

describe('the log of MariaDB', () => {
  it('compressed events come as they are without it', async () => {
    await using db = await database('mariadb');
    const write = async (): Promise<void> => {
      await db.query("INSERT INTO t VALUES (1, REPEAT('long and dull ', 1000)), (2, 'b')");
      await db.query("UPDATE t SET s = CONCAT(s, 'x')");
      await db.query('DELETE FROM t');
      await fence(db);
    };
    const bodies = async (): Promise<string[]> => {
      const from = await headOf(db.connection);
      await write();
      await using dump = await dumpFrom(db.connection, from);
      const seen: string[] = [];
      const changes = await changesOf(dump, db.name, 'fence', ({ bytes, start, end }) =>
        // Behind the table's id, which is another one each time a table is opened.
        seen.push(bytes.toString('latin1', start + 6, end)),
      );
      return changes.map((change, index) => `${change} ${seen[index]}`);
    };
    const plain = await bodies();
    await db.query('SET GLOBAL log_bin_compress_min_len = 10');
    await db.query('SET GLOBAL log_bin_compress = ON');
    try {
      expect(await bodies()).toEqual(plain);
    } finally {
      await db.query('SET GLOBAL log_bin_compress = OFF');
    }
    // A long statement's rows are of several events.
    expect(plain.length).toBeGreaterThan(3);
  });
});
