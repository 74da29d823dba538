import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DS_TYPES, SluiceError } from '@sluice/contract';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../serve.ts';
import type { SourceAdmin } from '../sources/source.ts';
import { dataDirLayout, openToken } from '../store/data-dir.ts';
import { isLoopbackHost } from './access.ts';

const PASSWORD = 'do-not-print-me';

/** A source that fails in the ways of interest; those that a real server is needed for are tested with one. */
const failing = {
  test: async (connection: { password: string }) => {
    throw new Error(`driver trouble with ${connection.password}`);
  },
  catalogs: async () => {
    throw new SluiceError('SOURCE_UNREACHABLE', 'Nobody listens at db:5432.');
  },
} as unknown as SourceAdmin;

let folder: string;
let server: RunningServer;
let token: string;
let logged = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-http-'));
  const log = pino(
    { level: 'debug' },
    {
      write: (line: string) => {
        logged += line;
      },
    },
  );
  server = await startServer({
    dataDir: join(folder, 'data'),
    port: 0,
    log,
    sources: new Map([[DS_TYPES.postgres, failing]]),
  });
  token = await openToken(dataDirLayout(server.dataDir));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: { data?: never; error?: { code: string; message: string; remedy: string } } & Record<
    string,
    unknown
  >;
}

/** node:http, because fetch does not let the Host header be chosen. */
function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${server.url}${path}`,
      {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: incoming.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body));
  });
}

const get = (path: string, headers?: Record<string, string>) => call('GET', path, undefined, headers);
const source = {
  name: 'shop',
  type: 'postgres',
  host: 'db',
  username: 'u',
  database: 'shop',
  password: PASSWORD,
};

describe('who may call', () => {
  it('is asked for the token everywhere but at /health', async () => {
    expect(await get('/health', { authorization: '' })).toMatchObject({
      status: 200,
      body: { status: 'ok' },
    });
    for (const path of ['/api/v1/status', '/api/v1/openapi.json', '/api/v1/nothing', '/iceberg/v1/config'])
      for (const authorization of ['', 'Bearer ', 'Bearer wrong', `Basic ${token}`, `Bearer ${token}x`])
        expect((await get(path, { authorization })).status, `${path} ${authorization}`).toBe(401);
    expect((await get('/api/v1/status', { authorization: 'no' })).body.error).toMatchObject({
      code: 'UNAUTHORIZED',
    });
    expect((await get('/api/v1/status')).status).toBe(200);
    expect((await get('/iceberg/v1/config')).status).toBe(200);
  });

  it('comes by a name of loopback, so that no web page can call by a name of its own', async () => {
    for (const host of [
      'evil.example',
      'evil.example:8470',
      '127.0.0.1.evil.example',
      '10.0.0.1',
      'localhost.',
      '[::2]',
    ])
      expect((await get('/api/v1/status', { host })).status, host).toBe(400);
    expect((await get('/health', { host: 'evil.example' })).status).toBe(400);
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.9.9.9:80', '[::1]', '[::1]:8470'])
      expect(isLoopbackHost(host), host).toBe(true);
    expect(isLoopbackHost('')).toBe(false);
  });
});

describe('what is refused', () => {
  it('names the field', async () => {
    const answer = await call('POST', '/api/v1/data-sources', { ...source, port: 'x', extra: 1 });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } });
    expect(answer.body.error?.message).toContain('body.port');
    expect(answer.body.error?.message).toContain('extra');
    expect(answer.body.error?.remedy).not.toBe('');
    expect((await get('/api/v1/runs/x')).body.error?.message).toContain('path.id');
    expect((await get('/api/v1/runs/1/wait?timeout=-1')).body.error?.message).toContain('query.timeout');
    expect((await call('POST', '/api/v1/folders')).body.error?.message).toContain('body.name');
  });

  it('is no JSON, too much, or not there', async () => {
    for (const body of ['{', '{"__proto__": {"a": 1}, "name": "x"}'])
      expect(await call('POST', '/api/v1/folders', body)).toMatchObject({
        status: 400,
        body: { error: { code: 'INVALID_REQUEST' } },
      });
    const huge = { name: 'x'.repeat(17 * 1024 * 1024) };
    const refused = await call('POST', '/api/v1/folders', huge).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    // The server may close the connection before it has read all of it.
    if (typeof refused === 'object') expect(refused.body.error?.code).toBe('INVALID_REQUEST');
    else expect(['EPIPE', 'ECONNRESET']).toContain(refused);
    expect(await get('/api/v1/nothing')).toMatchObject({
      status: 404,
      body: { error: { code: 'NOT_FOUND' } },
    });
    expect(await get('/api/v1/tasks/nobody')).toMatchObject({
      status: 404,
      body: { error: { code: 'NOT_FOUND' } },
    });
  });
});

describe('data sources', () => {
  it('never give their password away, whatever fails', async () => {
    const made = await call('POST', '/api/v1/data-sources', source);
    expect(made).toMatchObject({
      status: 200,
      body: { data: { name: 'shop', dsType: 7, port: 5432, hasPassword: true } },
    });
    expect(await call('POST', '/api/v1/data-sources', source)).toMatchObject({ status: 409 });
    const broken = await call('POST', '/api/v1/data-sources/shop/test', '');
    expect(broken).toMatchObject({ status: 500, body: { error: { code: 'INTERNAL' } } });
    expect(await get('/api/v1/data-sources/shop/catalogs')).toMatchObject({
      status: 502,
      body: { error: { code: 'SOURCE_UNREACHABLE', message: 'Nobody listens at db:5432.' } },
    });
    const answers = [made, broken, await get('/api/v1/data-sources'), await get('/api/v1/data-sources/1')];
    expect(JSON.stringify(answers)).not.toContain(PASSWORD);
    expect(logged).toContain('driver trouble with ***');
    expect(logged).not.toContain(PASSWORD);
    expect(logged).not.toContain(token);
  });

  it('change, and go when no task uses them', async () => {
    await call('POST', '/api/v1/data-sources', { ...source, name: 'second' });
    const changed = await call('PATCH', '/api/v1/data-sources/second', { host: 'other', password: null });
    expect(changed.body.data).toMatchObject({ host: 'other', hasPassword: false, username: 'u' });
    await call('POST', '/api/v1/folders', { name: 'f' });
    const spec = { dataSource: 'second', database: 'shop' };
    const task = await call('POST', '/api/v1/tasks', { name: 't', folder: 'f', spec });
    expect(task.body.data).toMatchObject({
      state: 'draft',
      draft: { pipelineType: 3, vcluster: 'default_sync' },
    });
    const refused = await call('DELETE', '/api/v1/data-sources/second');
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'CONFLICT' } } });
    expect(refused.body.error?.message).toContain(' t.');
    expect((await call('DELETE', '/api/v1/folders/f')).status).toBe(409);
    expect(await call('DELETE', '/api/v1/tasks/t')).toMatchObject({
      body: { error: { code: 'CONFIRMATION_REQUIRED' } },
    });
    expect((await call('DELETE', '/api/v1/tasks/t?confirm=true')).status).toBe(200);
    expect((await call('DELETE', '/api/v1/data-sources/second')).status).toBe(200);
    expect((await call('DELETE', '/api/v1/folders/f')).status).toBe(200);
  });

  it('of other kinds are refused with the kinds that there are', async () => {
    const answer = await call('POST', '/api/v1/data-sources', { ...source, name: 'k', type: 'kafka' });
    expect(answer.body.error).toMatchObject({
      code: 'INVALID_REQUEST',
      remedy: expect.stringContaining('postgres'),
    });
  });
});

describe('drafts', () => {
  it('are refused with a parameter, a VCluster or a pipeline type that cannot be', async () => {
    await call('POST', '/api/v1/folders', { name: 'drafts' });
    const draft = (spec: object) =>
      call('POST', '/api/v1/tasks', {
        name: 'd',
        folder: 'drafts',
        spec: { dataSource: 'shop', database: 'shop', ...spec },
      });
    expect((await draft({ parameters: { commit_interval: '1ms' } })).body.error?.message).toContain(
      '100ms to 1h',
    );
    expect((await draft({ vcluster: 'none' })).status).toBe(404);
    expect((await draft({ pipelineType: 4 })).body.error?.message).toContain('body.spec.pipelineType');
    expect((await draft({ dataSource: 'none' })).status).toBe(404);
    expect((await get('/api/v1/tasks')).body.data).toEqual([]);
  });
});

describe('OpenAPI', () => {
  it('describes every route', async () => {
    const { body } = await get('/api/v1/openapi.json');
    const paths = body.paths as Record<string, Record<string, { operationId: string }>>;
    expect(paths['/api/v1/tasks/{ref}/start']?.post?.operationId).toBe('startTask');
    expect(paths['/api/v1/data-sources']?.get?.operationId).toBe('listDataSources');
    expect(JSON.stringify(body)).toContain('pipelineType');
  });
});

describe('the warehouse', () => {
  it('answers SQL, and says what it refuses', async () => {
    const answer = await call('POST', '/api/v1/sql', { sql: "SELECT 9007199254740993 AS big, 'x' AS text" });
    expect(answer).toMatchObject({
      status: 200,
      body: { data: { rows: [['9007199254740993', 'x']], truncated: false } },
    });
    const refused = await call('POST', '/api/v1/sql', { sql: "SELECT * FROM read_text('/etc/passwd')" });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 'SQL_REFUSED' } } });
    expect((await get('/api/v1/lake-tables')).body.data).toEqual([]);
    expect(await get('/api/v1/lake-tables/describe?schema=a&table=b')).toMatchObject({ status: 404 });
    expect((await get('/api/v1/lake-tables/stats?schema=a')).body.error?.message).toContain('query.table');
  });
});

describe('the server', () => {
  it('says so when its port, or its folder, is taken', async () => {
    const port = Number(new URL(server.url).port);
    await expect(
      startServer({ dataDir: join(folder, 'other'), port, log: pino({ level: 'silent' }) }),
    ).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    });
    await expect(
      startServer({ dataDir: server.dataDir, port: 0, log: pino({ level: 'silent' }) }),
    ).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    // What failed has let go of its folder.
    const other = await startServer({
      dataDir: join(folder, 'other'),
      port: 0,
      log: pino({ level: 'silent' }),
    });
    await other.close();
  });
});
