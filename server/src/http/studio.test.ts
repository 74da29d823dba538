import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Fastify from 'fastify';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../serve.ts';
import { dataDirLayout, openToken } from '../store/data-dir.ts';
import { guard } from './access.ts';
import { answerErrors } from './errors.ts';
import { preferred, readStudio, studioRoutes } from './studio-files.ts';

const HIDDEN = 'hidden from everybody';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-studio-'));
  await mkdir(join(folder, 'dist', 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.js'), HIDDEN);
  await writeFile(
    join(folder, 'dist', 'index.html'),
    '<meta content="__CSP_NONCE__"><script src="/assets/a-1.js">',
  );
  await writeFile(join(folder, 'dist', 'assets', 'a-1.js'), 'const a = 1;\n'.repeat(1000));
  await writeFile(join(folder, 'dist', 'assets', 'notes.key'), HIDDEN);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function studio(dist: string) {
  const app = Fastify();
  guard(app, { token: 't', loopback: true, openMetrics: false });
  answerErrors(app);
  studioRoutes(app, readStudio(dist));
  await app.ready();
  return app;
}

describe('the files of Studio', () => {
  it('are its document at each of its pages, without the token, for this origin only', async () => {
    await using app = await studio(join(folder, 'dist'));
    for (const url of ['/', '/tasks', '/tasks/a%2Fb?tab=runs', '/lakehouse/x/y']) {
      const answer = await app.inject({ url, headers: { host: '127.0.0.1' } });
      expect(answer.statusCode, url).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
      });
      const nonce = /'nonce-([\w-]+)'/.exec(String(answer.headers['content-security-policy']))?.[1];
      expect(answer.body).toContain(`content="${nonce}"`);
      expect(answer.headers['content-security-policy']).not.toContain('unsafe');
    }
    expect((await app.inject({ url: '/', headers: { host: 'evil.example' } })).statusCode).toBe(400);
  });

  it('are kept by browsers, and sent compressed to those that take it', async () => {
    await using app = await studio(join(folder, 'dist'));
    const get = (headers: Record<string, string>) =>
      app.inject({ url: '/assets/a-1.js', headers: { host: 'localhost', ...headers } });
    const plain = await get({});
    expect(plain.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    });
    expect(plain.headers['content-encoding']).toBeUndefined();
    const br = await get({ 'accept-encoding': 'gzip, deflate, br' });
    expect(brotliDecompressSync(br.rawPayload)).toEqual(plain.rawPayload);
    const gzip = await get({ 'accept-encoding': 'br;q=0, gzip' });
    expect(gunzipSync(gzip.rawPayload)).toEqual(plain.rawPayload);
    expect((await get({ 'if-none-match': String(plain.headers.etag) })).statusCode).toBe(304);
    expect(preferred('identity, *;q=0')).toBeNull();
  });

  it('are those alone', async () => {
    await using app = await studio(join(folder, 'dist'));
    for (const url of [
      '/assets/../../secret.js',
      '/assets/..%2f..%2fsecret.js',
      '/assets/%2e%2e/%2e%2e/secret.js',
      '/assets/notes.key',
      '/assets/',
      '/assets/index.html',
      '/assets/a-1.js/',
    ]) {
      const answer = await app.inject({ url, headers: { host: 'localhost', authorization: 'Bearer t' } });
      expect([400, 404], url).toContain(answer.statusCode);
      expect(answer.body, url).not.toContain(HIDDEN);
    }
  });

  it('say so where they have not been built', async () => {
    await using app = await studio(join(folder, 'nothing'));
    const answer = await app.inject({ url: '/', headers: { host: 'localhost' } });
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('npm run build');
  });
});

describe('the live feeds', () => {
  let server: RunningServer;
  let token: string;
  beforeAll(async () => {
    server = await startServer({ dataDir: join(folder, 'data'), port: 0, log: pino({ level: 'silent' }) });
    token = await openToken(dataDirLayout(server.dataDir));
  });
  afterAll(() => server.close());

  it('tell a message after the other until the listener goes, or the server ends', async () => {
    const heard: string[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      const asked = request(
        `${server.url}/api/v1/live`,
        { headers: { authorization: `Bearer ${token}` } },
        (answer) => {
          expect(answer.headers['content-type']).toBe('text/event-stream');
          answer.setEncoding('utf8').on('data', (text: string) => {
            heard.push(text);
            if (heard.length === 2) void server.close();
          });
          answer.on('end', resolve);
        },
      );
      asked.on('error', reject).end();
    });
    const refused = await fetch(`${server.url}/api/v1/tasks/nobody/live`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(refused.status).toBe(404);
    expect((await fetch(`${server.url}/api/v1/live`)).status).toBe(401);
    await ended;
    expect(heard.length).toBeGreaterThanOrEqual(2);
    expect(JSON.parse(heard[0]!.replace(/^data: /, ''))).toMatchObject({ tasks: [] });
  });
});
