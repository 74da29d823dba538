import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  FLAVOURS,
  type OwnMysql,
  startMysql,
  type TestMysqlDatabase,
} from '../../../../../tests/support/mysql.ts';
import { changesOf, dumpFrom, headOf } from '../testing/log-reading.ts';

/** What needs a server that nobody else reads. */

async function thrown(doing: Promise<unknown>): Promise<unknown> {
  return await doing.then(
    () => null,
    (error) => error,
  );
}

async function tables(server: OwnMysql): Promise<TestMysqlDatabase> {
  const db = await server.createDatabase();
  await db.query('CREATE TABLE t (id INT PRIMARY KEY)');
  await db.query('CREATE TABLE fence (id INT AUTO_INCREMENT PRIMARY KEY)');
  return db;
}

describe.each(FLAVOURS)('a server of %s', (flavour) => {
  it('that has removed its log, has none, is stopped, or writes no checksums', async () => {
    await using server = await startMysql(flavour);
    await using db = await tables(server);
    const old = await headOf(db.connection);
    await db.query('INSERT INTO t VALUES (1)');
    await db.query('FLUSH BINARY LOGS');
    await db.query('FLUSH BINARY LOGS');
    const now = await headOf(db.connection);
    // MariaDB keeps a file for as long as InnoDB might need it after a crash.
    await expect
      .poll(async () => {
        await db.query(`PURGE BINARY LOGS TO '${now.file?.name}'`);
        return (await db.rows('SHOW BINARY LOGS'))[0]?.[0];
      })
      .toBe(now.file?.name);
    const refused = async (from: Parameters<typeof dumpFrom>[1]): Promise<unknown> => {
      await using dump = await dumpFrom(db.connection, from);
      return await thrown(changesOf(dump, db.name));
    };
    expect(await refused(old)).toMatchObject({ code: 'BINLOG_PURGED' });
    expect(await refused({ kind: 'gtid', set: old.gtids! })).toMatchObject({ code: 'BINLOG_PURGED' });

    // Events without checksum, first beside such that have one in the same log.
    const from = await headOf(db.connection);
    await db.query('INSERT INTO t VALUES (2)');
    await db.query("SET GLOBAL binlog_checksum = 'NONE'");
    await db.query('INSERT INTO t VALUES (3)');
    await db.query('INSERT INTO fence VALUES ()');
    await using mixed = await dumpFrom(db.connection, from);
    expect(await changesOf(mixed, db.name)).toEqual(['insert t', 'insert t']);
    expect(mixed.format?.checksum).toBe('none');
    await using plain = await dumpFrom(db.connection, {
      ...mixed,
      kind: 'file',
      file: mixed.file,
      offset: 4,
    });
    expect(await changesOf(plain, db.name)).toEqual(['insert t']);
    await db.query("SET GLOBAL binlog_checksum = 'CRC32'");
    await using older = await dumpFrom(db.connection, { kind: 'file', file: mixed.file, offset: 4 });
    expect(await changesOf(older, db.name)).toEqual(['insert t']);

    const waiting = thrown(changesOf(plain, db.name));
    await server.stop();
    expect(await waiting).toMatchObject({ code: 'SOURCE_INTERRUPTED' });
    expect(await thrown(headOf(db.connection))).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    await server.start();
    await using again = await dumpFrom(db.connection, from);
    expect(await changesOf(again, db.name)).toEqual(['insert t', 'insert t']);
  });

  // Servers send events of up to 1 GiB whatever max_allowed_packet says: one that is larger is written into the file.
  it('refuses to send an event that is larger than max_allowed_packet', async () => {
    await using server = await startMysql(flavour);
    await using db = await tables(server);
    const from = await headOf(db.connection);
    await db.query('INSERT INTO t VALUES (1)');
    await db.query('FLUSH BINARY LOGS');
    const file = await open(join(server.dataDir, from.file!.name), 'r+');
    try {
      // Of an event's header: time, type, server id, then its length. The first event leads to the second.
      const length = Buffer.alloc(4);
      await file.read(length, 0, 4, from.file!.offset + 9);
      await file.write(
        Buffer.from([0xf0, 0xff, 0xff, 0x7f]),
        0,
        4,
        from.file!.offset + length.readUInt32LE(0) + 9,
      );
    } finally {
      await file.close();
    }
    await using dump = await dumpFrom(db.connection, from);
    expect(await thrown(changesOf(dump, db.name))).toMatchObject({
      code: 'EVENT_TOO_LARGE',
      message: expect.stringContaining('max_allowed_packet'),
    });
  });
});
