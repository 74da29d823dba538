import { describe, expect, it } from 'vitest';
import { FLAVOURS, sharedMysql, startMysql } from './mysql.ts';

describe.each(FLAVOURS)('%s for tests', (flavour) => {
  it('writes a log of rows, and gives a database and an account of its own', async () => {
    await using database = await sharedMysql(flavour).createDatabase();
    await database.query('CREATE TABLE t (id int PRIMARY KEY, v varbinary(10))');
    await database.query("INSERT INTO t VALUES (1, x'00ff')");
    expect(await database.query('SELECT v FROM t')).toEqual([[Buffer.from([0, 255])]]);
    expect(await database.rows('SELECT @@binlog_format, @@log_bin, @@server_id > 0')).toEqual([
      ['ROW', '1', '1'],
    ]);
  });

  it('a server of a test’s own lives through a kill and other settings', async () => {
    await using server = await startMysql(flavour);
    await using database = await server.createDatabase('a name');
    expect(database.name).toBe('a name');
    await database.query('CREATE TABLE t (id int PRIMARY KEY)');
    await server.kill();
    await server.start();
    // The first statement finds out that its connection is gone.
    await database.query('DO 1').catch(() => undefined);
    await database.query('INSERT INTO t VALUES (1)');
    await server.restart({ 'binlog-row-image': 'MINIMAL' });
    await database.query('DO 1').catch(() => undefined);
    expect(await database.rows('SELECT @@GLOBAL.binlog_row_image, count(*) FROM t')).toEqual([
      ['MINIMAL', '1'],
    ]);
  });
});
