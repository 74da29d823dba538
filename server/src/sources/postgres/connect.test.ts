import { createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { sharedPostgres } from '../../../../tests/support/postgres.ts';
import { postgresAdmin } from './admin.ts';
import { openSession, versionNumber } from './connect.ts';
import { never } from './testing/reading.ts';

const server = sharedPostgres();

async function listen(): Promise<{ server: Server; port: number }> {
  const listening = createServer();
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  return { server: listening, port: typeof address === 'object' && address ? address.port : 0 };
}

describe('connecting', () => {
  it('answers with version and time', async () => {
    await using db = await server.createDatabase();
    const { version, latencyMs } = await postgresAdmin.test(db.connection, never);
    expect(version).toMatch(/^1[4-9]/);
    expect(latencyMs).toBeGreaterThanOrEqual(0);
    expect(await postgresAdmin.catalogs(db.connection, never)).toContain(db.name);
    expect(await postgresAdmin.objects(db.connection, never)).toEqual([]);
    expect(await postgresAdmin.head(db.connection, never)).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  });

  it('says what is wrong, and never the password', async () => {
    await using db = await server.createDatabase();
    const refused = async (
      change: Partial<typeof db.connection> | { sslmode: 'require' | 'verify-full' },
    ): Promise<string> => {
      const error = await postgresAdmin.test({ ...db.connection, ...change }, never).then(
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
    expect(await refused({ database: 'no such database' })).toBe('SOURCE_NO_DATABASE');
    expect(await refused({ port })).toBe('SOURCE_UNREACHABLE');
    expect(await refused({ host: 'no-such-host.invalid' })).toBe('SOURCE_UNREACHABLE');
    expect(await refused({ sslmode: 'require' })).toBe('SOURCE_TLS');
    expect(await refused({ sslmode: 'verify-full' })).toBe('SOURCE_TLS');
  });

  it('a host that takes the connection and says nothing is unreachable; an abort ends the waiting', async () => {
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
      const trying = postgresAdmin.test(connection, stop.signal);
      trying.catch(() => undefined);
      await expect.poll(() => sockets.length).toBe(1);
      stop.abort();
      await expect(trying).rejects.toMatchObject({ name: 'AbortError' });
      const closing = postgresAdmin.test(connection, never);
      closing.catch(() => undefined);
      await expect.poll(() => sockets.length).toBe(2);
      sockets[1]!.destroy();
      await expect(closing).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('an abort ends a running statement', async () => {
    await using db = await server.createDatabase();
    const stop = new AbortController();
    await using session = await openSession(db.connection, { applicationName: 'abort test' }, stop.signal);
    const sleeping = session.rows('SELECT pg_sleep(60)');
    sleeping.catch(() => undefined);
    stop.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
  });

  it.each([
    ['18.4', 180_004],
    ['15.18 (Debian 15.18-0+deb12u1)', 150_018],
    ['19beta1', 190_000],
    ['', 0],
  ])('version %j is %d', (text, number) => expect(versionNumber(text)).toBe(number));
});
