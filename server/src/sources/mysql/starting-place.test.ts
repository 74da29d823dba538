import { describe, expect, it } from 'vitest';
import { FLAVOURS, startMysql, type TestMysqlDatabase } from '../../../../tests/support/mysql.ts';
import { mysqlAdmin } from './admin.ts';
import { parsePosition } from './position.ts';

const never = new AbortController().signal;

const place = (database: TestMysqlDatabase, choice: { position: string } | { time: bigint }) =>
  mysqlAdmin.startingPlace(
    database.connection,
    'task',
    'time' in choice ? { by: 'time', time: choice.time } : { by: 'position', position: choice.position },
    never,
  );

async function purged(database: TestMysqlDatabase): Promise<string> {
  for (let i = 0; i < 3; i++) await database.query('FLUSH BINARY LOGS');
  const newest = (await database.rows('SHOW BINARY LOGS')).at(-1)![0]!;
  // MariaDB keeps what InnoDB may need for its recovery until a checkpoint.
  for (;;) {
    await database.query(`PURGE BINARY LOGS TO '${newest}'`);
    const [[oldest = null] = []] = await database.rows('SHOW BINARY LOGS');
    if (oldest === newest) return newest;
  }
}

/** The clock of the server, once it has gone on from the second that it is in. */
async function nextSecond(database: TestMysqlDatabase): Promise<bigint> {
  const now = async () => (await database.rows('SELECT FLOOR(UNIX_TIMESTAMP(NOW(6)))'))[0]![0]!;
  const begun = await now();
  for (;;) {
    const second = await now();
    if (second !== begun) return BigInt(second) * 1_000_000n;
  }
}

describe.each(FLAVOURS)('a place of choice in the log of %s', (flavour) => {
  it('is a boundary of transactions, by file and offset, GTID set, or a time', async () => {
    await using server = await startMysql(flavour, {
      settings: flavour === 'mysql' ? { 'gtid-mode': 'ON', 'enforce-gtid-consistency': 'ON' } : {},
    });
    await using database = await server.createDatabase();
    await database.query('CREATE TABLE t (id int PRIMARY KEY, v varchar(100))');
    const heads: string[] = [];
    const times: bigint[] = [];
    for (let i = 0; i < 6; i++) {
      if (i % 2 === 1) await database.query('FLUSH BINARY LOGS');
      times.push(await nextSecond(database));
      heads.push(await mysqlAdmin.head(database.connection, never));
      await database.query(`INSERT INTO t VALUES (${i}, 'before'), (${i + 100}, 'with it')`);
    }
    if (flavour === 'mysql') {
      const client = await database.client();
      await client.query("SET gtid_next = 'AUTOMATIC:blue'; INSERT INTO t VALUES (1000, 'tagged')");
    }
    const end = await mysqlAdmin.head(database.connection, never);
    heads.push(end);

    for (const [index, head] of heads.entries()) {
      const [file = '', , gtids = ''] = head.split('|');
      // The place is told with the ids before it, as a run of the task would have saved it.
      expect(await place(database, { position: file })).toBe(head);
      expect(await place(database, { position: head })).toBe(head);
      expect(await place(database, { position: gtids })).toBe(gtids);
      // The INSERT of the same second is the first one at or after the time.
      const time = times[index];
      if (time === undefined) continue;
      const found = await place(database, { time });
      expect(mysqlAdmin.compare(found, head)).toBe(0);
      expect(found.split('|')[2]).toBe(gtids);
    }
    // Nothing has happened since.
    expect(await place(database, { time: await nextSecond(database) })).toBe(end);

    const [file = '', offset = ''] = heads[4]!.split('|')[0]!.split(':');
    await expect(place(database, { position: `${file}:${Number(offset) + 1}` })).rejects.toMatchObject({
      code: 'POSITION_INVALID',
      message: expect.stringContaining('lies within a transaction'),
    });
    await expect(place(database, { position: `${file}:5` })).rejects.toMatchObject({
      code: 'POSITION_INVALID',
    });
    expect(parsePosition(await place(database, { position: `${file}:4` }))?.file?.offset).toBe(4);
  }, 120_000);

  it('is refused where it is none, is gone, or has not come yet, with what there is', async () => {
    await using server = await startMysql(flavour);
    await using database = await server.createDatabase();
    const first = await mysqlAdmin.head(database.connection, never);
    const [file = '', , gtids = ''] = first.split('|');
    const long = await nextSecond(database);
    await database.query('CREATE TABLE t (id int PRIMARY KEY)');

    for (const position of ['yesterday', '0/16B3748', 'binlog.000001:3', `${file}|another server|`])
      await expect(place(database, { position })).rejects.toMatchObject({ code: 'POSITION_INVALID' });
    const ahead = [file.replace(/:\d+$/, ':99999999'), file.replace(/\.\d+:/, '.000099:')];
    if (gtids !== '') ahead.push(gtids.replace(/-\d+$/, '-999'));
    for (const position of ahead)
      await expect(place(database, { position })).rejects.toMatchObject({
        code: 'POSITION_AHEAD',
        remedy: expect.stringMatching(
          /^The server has its log from binlog\.\d+:4 \(20.*\) to binlog\.\d+:\d+/,
        ),
      });
    await expect(place(database, { time: BigInt(Date.now() + 3_600_000) * 1000n })).rejects.toMatchObject({
      code: 'POSITION_AHEAD',
    });

    await nextSecond(database);
    const newest = await purged(database);
    await database.query('INSERT INTO t VALUES (1)');
    const gone = [{ position: file }, { time: long }];
    for (const choice of gtids === '' ? gone : [...gone, { position: gtids }])
      await expect(place(database, choice)).rejects.toMatchObject({
        code: 'POSITION_EXPIRED',
        remedy: expect.stringContaining(`from ${newest}:4`),
      });
  }, 120_000);
});
