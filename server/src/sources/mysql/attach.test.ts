import { describe, expect, it } from 'vitest';
import {
  FLAVOURS,
  type OwnMysql,
  startMysql,
  type TestMysqlDatabase,
} from '../../../../tests/support/mysql.ts';
import { DEFAULT_READING, type Source } from '../source.ts';
import { openMysql } from './mysql-source.ts';
import { Following } from './testing/following.ts';
import { RecordingLog } from './testing/recording-log.ts';

const never = new AbortController().signal;

function open(database: TestMysqlDatabase, allot = async (): Promise<number> => 5401): Promise<Source> {
  return openMysql(
    {
      connection: database.connection,
      taskKey: 'attach',
      publication: null,
      reading: DEFAULT_READING,
      serverIds: { allot },
    },
    never,
  );
}

const admin = async (server: OwnMysql, ...sql: string[]): Promise<void> => {
  await using database = await server.createDatabase();
  for (const one of sql) await database.query(one);
};

describe.each(FLAVOURS)('attaching to the log of %s', (flavour) => {
  it('gives its end, or the position itself where the log goes on from there', async () => {
    await using following = await Following.open(flavour, ['CREATE TABLE t (id int PRIMARY KEY)']);
    const { source } = following;
    const first = await source.attach(null, never);
    await following.run('INSERT INTO t VALUES (1)');
    expect(await source.attach(first, never)).toBe(first);
    expect(source.compare(first, await source.head(never))).toBe(-1);
    const [file = ''] = first.split('|');
    expect(await source.attach(file, never)).toBe(file);
  });

  it('refuses what the server has removed, what it does not have, and what means nothing', async () => {
    await using server = await startMysql(flavour);
    await using database = await server.createDatabase();
    await using source = await open(database);
    const first = await source.attach(null, never);
    const [file = '', , gtids = ''] = first.split('|');
    const begin = `${file.split(':')[0]}:4`;
    await database.query('CREATE TABLE t (id int PRIMARY KEY)');
    await expect(source.attach(`${file.replace(/:\d+$/, ':999999')}`, never)).rejects.toMatchObject({
      code: 'SERVER_BEHIND',
    });
    await expect(source.attach(`${file.replace(/\.\d+:/, '.000099:')}`, never)).rejects.toMatchObject({
      code: 'SERVER_BEHIND',
    });
    const ahead = gtids.replace(/-\d+$/, '-999');
    await expect(source.attach(ahead, never)).rejects.toMatchObject({ code: 'SERVER_BEHIND' });
    await expect(source.attach(`${file}|another server|`, never)).rejects.toMatchObject({
      code: 'POSITION_UNAVAILABLE',
    });
    for (let i = 0; i < 3; i++) await database.query('FLUSH BINARY LOGS');
    const newest = (await database.rows('SHOW BINARY LOGS')).at(-1)![0];
    // MariaDB keeps what InnoDB may need for its recovery until a checkpoint.
    for (;;) {
      await database.query(`PURGE BINARY LOGS TO '${newest}'`);
      const [[oldest = null] = []] = await database.rows('SHOW BINARY LOGS');
      if (oldest === newest) break;
    }
    await expect(source.attach(first, never)).rejects.toMatchObject({ code: 'BINLOG_PURGED' });
    await expect(source.attach(begin, never)).rejects.toMatchObject({ code: 'BINLOG_PURGED' });
  });

  it('refuses a server that logs no rows, or none that this account may read', async () => {
    await using server = await startMysql(flavour);
    await using database = await server.createDatabase();
    await using source = await open(database);
    await admin(server, "SET GLOBAL binlog_format = 'STATEMENT'");
    await expect(source.attach(null, never)).rejects.toMatchObject({ code: 'MYSQL_BINLOG_FORMAT' });
    await admin(server, "SET GLOBAL binlog_format = 'ROW'");
    await source.attach(null, never);
    const { username } = database.connection;
    await admin(server, `REVOKE REPLICATION SLAVE ON *.* FROM ${username}`);
    await expect(source.attach(null, never)).rejects.toMatchObject({ code: 'MYSQL_NO_REPLICATION' });
    await server.restart({ 'skip-log-bin': 1 });
    await using again = await open(database);
    await expect(again.attach(null, never)).rejects.toMatchObject({ code: 'MYSQL_BINLOG_OFF' });
  });
});

it.each(FLAVOURS)('takes another server id where a stranger uses it (%s)', async (flavour) => {
  await using server = await startMysql(flavour);
  await using database = await server.createDatabase();
  await database.query('CREATE TABLE t (id int PRIMARY KEY)');
  const asked: number[][] = [];
  const allot = async (_server?: string, taken: ReadonlySet<number> = new Set()): Promise<number> => {
    asked.push([...taken]);
    return taken.has(5401) ? 5402 : 5401;
  };
  await using source = await open(database, allot);
  await using stranger = await open(database);
  const stop = new AbortController();
  const sink = new RecordingLog(database.name).follow(
    ...(await source.discover({ schemas: [], tables: [] }, never)),
  );
  const streaming = source.stream(await source.attach(null, never), sink, stop.signal);
  await source.mark('first', never);
  await sink.marked('first');
  const other = new RecordingLog(database.name);
  const strange = stranger.stream(await stranger.attach(null, never), other, stop.signal);
  await stranger.mark('there', never);
  await other.marked('there');
  // Where it is found out within a transaction, the next attempt begins that again; this is about between two.
  await Promise.race([expect.poll(() => asked.length, { timeout: 30_000 }).toBe(2), streaming]);
  await database.query('INSERT INTO t VALUES (1)');
  await source.mark('second', never);
  await Promise.race([sink.marked('second'), streaming]);
  expect(sink.story).toEqual(['begin', 'I t 1', 'commit']);
  expect(asked).toEqual([[], [5401]]);
  stop.abort();
  await Promise.all([streaming, strange]);
});
