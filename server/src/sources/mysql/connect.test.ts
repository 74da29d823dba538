import { createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { sharedMysql } from '../../../../tests/support/mysql.ts';
import { openSession, type Session } from './connect.ts';
import { versionNumber } from './server-info.ts';
import { ShortQuestions } from './short-questions.ts';
import { changingProxy } from './testing/changing-proxy.ts';
import { never } from './testing/log-reading.ts';

const options = { applicationName: 'connect test' };

async function listen(): Promise<{ server: Server; port: number }> {
  const listening = createServer();
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  return { server: listening, port: typeof address === 'object' && address ? address.port : 0 };
}

describe.each(['mysql', 'mariadb'] as const)('a session of %s', (flavour) => {
  const server = sharedMysql(flavour);
  const sslmodes = flavour === 'mysql' ? (['disable', 'require'] as const) : (['disable'] as const);

  it('tells the server, and gives values as text', async () => {
    await using db = await server.createDatabase();
    await using session = await openSession(db.connection, options, never);
    expect(session.info).toMatchObject({ flavour, gtid: true });
    expect(session.info.version).toBeGreaterThan(50_600);
    expect(session.info.server).not.toBe('');
    expect(
      await session.rows("SELECT ? AS a, NULL AS b, 18446744073709551615 AS c, 'é😀' AS d, ? AS e", [
        1,
        "o'\\x",
      ]),
    ).toEqual([{ a: '1', b: null, c: '18446744073709551615', d: 'é😀', e: "o'\\x" }]);
    expect(await session.buffers("SELECT x'00ff', NULL")).toEqual([[Buffer.from([0, 255]), null]]);
    expect(await session.row('SELECT CONNECTION_ID() AS id')).toEqual({ id: String(session.threadId) });
    await expect(session.row('SELECT 1 AS a LIMIT 0')).rejects.toThrow(/without a row/);
    await expect(session.run('SELEC')).rejects.toMatchObject({ code: 'SOURCE_QUERY' });
    await session.run('DO 1');
  });

  it('is set up the same whatever the server has as its defaults', async () => {
    await using db = await server.createDatabase();
    await using session = await openSession(db.connection, options, never);
    const [row] = await session.rows(
      `SELECT @@sql_mode AS mode, @@time_zone AS zone, @@character_set_results AS charset, @@autocommit AS auto,
         @@sql_select_limit AS most, @@net_write_timeout AS patience`,
    );
    expect(row).toEqual({
      mode: '',
      zone: '+00:00',
      charset: 'utf8mb4',
      auto: '1',
      most: '18446744073709551615',
      patience: '3600',
    });
  });

  it('says what is wrong, and never the password', async () => {
    await using db = await server.createDatabase();
    const refused = async (
      change: Partial<typeof db.connection> | { sslmode: 'require' | 'verify-full' },
    ) => {
      const error = await openSession({ ...db.connection, ...change }, options, never).then(
        () => null,
        (caught) => caught,
      );
      expect(JSON.stringify([error?.message, error?.remedy, error?.toBody?.()])).not.toContain('s3cret');
      return error?.code;
    };
    const { server: closed, port } = await listen();
    await new Promise((resolve) => closed.close(resolve));
    expect(await refused({ password: 's3cret' })).toBe('SOURCE_AUTH');
    expect(await refused({ password: '' })).toBe('SOURCE_AUTH');
    expect(await refused({ username: 'nobody_s', password: 's3cret' })).toBe('SOURCE_AUTH');
    expect(await refused({ port })).toBe('SOURCE_UNREACHABLE');
    expect(await refused({ host: 'no-such-host.invalid' })).toBe('SOURCE_UNREACHABLE');
    expect(await refused({ sslmode: 'verify-full' })).toBe('SOURCE_TLS');
    await db.query(`GRANT SELECT ON *.* TO ${db.connection.username}`);
    expect(await refused({ database: 'no such database' })).toBe('SOURCE_NO_DATABASE');
  });

  it('an abort ends a running statement and the connection', async () => {
    await using db = await server.createDatabase();
    const stop = new AbortController();
    await using session = await openSession(db.connection, options, stop.signal);
    const sleeping = session.rows('SELECT SLEEP(60)');
    sleeping.catch(() => undefined);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect.poll(() => session.alive).toBe(false);
    await expect(session.rows('SELECT 1')).rejects.toThrow('enough');
  });

  it('a connection that the server ended is known by the next statement', async () => {
    await using db = await server.createDatabase();
    await using session = await openSession(db.connection, options, never);
    await db.query(`KILL ${session.threadId}`);
    await expect(session.rows('SELECT SLEEP(60)')).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });
    expect(session.alive).toBe(false);
    await expect(session.rows('SELECT 1')).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });
  });

  it.each(sslmodes)('a reset during a question ends it at once (sslmode %s)', async (sslmode) => {
    await using db = await server.createDatabase();
    await using proxy = await changingProxy(db.connection, () => undefined);
    const connection = { ...db.connection, sslmode, port: proxy.port };
    const opened: Session[] = [];
    const questions = new ShortQuestions(async (signal) => {
      const session = await openSession(connection, options, signal);
      opened.push(session);
      return session;
    });
    const reset = async (session: Session): Promise<void> => {
      const sleeping = session.run('SELECT SLEEP(600)');
      const runs = `SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ${session.threadId} AND STATE = 'User sleep'`;
      while ((await db.rows(runs)).length === 0);
      proxy.reset();
      await expect(sleeping).rejects.toMatchObject({ code: 'SOURCE_INTERRUPTED' });
      expect(session.alive).toBe(false);
    };
    await questions.ask(never, reset);
    // The next question is asked over another connection.
    expect(await questions.ask(never, (session) => session.row('SELECT 1 AS a'))).toEqual({ a: '1' });
    expect(opened).toHaveLength(2);
    const [first, second] = opened;
    await first![Symbol.asyncDispose]();
    await expect(reset(second!)).resolves.toBeUndefined();
    // Its socket has closed: there is no 'close' to wait for.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await questions[Symbol.asyncDispose]();
    expect(() => second!.takeSocket()).toThrow(/closed/);
  });

  it.each(sslmodes)('hands its socket over with nobody listening (sslmode %s)', async (sslmode) => {
    await using db = await server.createDatabase();
    const stop = new AbortController();
    const session = await openSession({ ...db.connection, sslmode }, options, stop.signal);
    const socket = session.takeSocket();
    expect(session.alive).toBe(false);
    expect(() => session.takeSocket()).toThrow(/closed/);
    await expect(session.rows('SELECT 1')).rejects.toThrow(/taken/);
    // COM_PING, and the OK that answers it.
    const answer = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.write(Buffer.from([1, 0, 0, 0, 0x0e]));
    socket.resume();
    expect((await answer).subarray(3, 5)).toEqual(Buffer.from([1, 0]));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    stop.abort();
    await closed;
  });
});

describe('connecting', () => {
  it('to a server that offers no encryption is refused where it is asked for', async () => {
    await using db = await sharedMysql('mariadb').createDatabase();
    await expect(openSession({ ...db.connection, sslmode: 'require' }, options, never)).rejects.toMatchObject(
      { code: 'SOURCE_TLS' },
    );
  });

  it('a host that takes the connection and says nothing: an abort ends the waiting, a close is told', async () => {
    const { server: silent, port } = await listen();
    const sockets: { destroy(): void }[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    try {
      const connection = {
        host: '127.0.0.1',
        port,
        username: 'u',
        password: 'p',
        database: 'd',
        sslmode: 'disable',
      } as const;
      const stop = new AbortController();
      const trying = openSession(connection, options, stop.signal);
      trying.catch(() => undefined);
      await expect.poll(() => sockets.length).toBe(1);
      stop.abort();
      await expect(trying).rejects.toMatchObject({ name: 'AbortError' });
      const closing = openSession(connection, options, never);
      closing.catch(() => undefined);
      await expect.poll(() => sockets.length).toBe(2);
      sockets[1]!.destroy();
      await expect(closing).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it.each([
    ['8.0.45', 80_045],
    ['9.7.4-2', 90_704],
    ['5.7.44-log', 50_744],
    ['10.11.19-MariaDB-0+deb12u1', 101_119],
    ['5.5.5-10.11.19-MariaDB', 101_119],
    ['', 0],
  ])('version %j is %d', (text, number) => expect(versionNumber(text)).toBe(number));
});
