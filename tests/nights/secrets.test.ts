import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { API, API_PREFIX } from '@sluice/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { createRole, failure } from './source-support.ts';

/** A text that stands nowhere by chance, with what is written otherwise in addresses, JSON and base64. */
const planted = (what: string): string => `${what}/9f$8e"+7d c&6b`;

const HOOK_TOKEN = 'xoxb-4711-HookTokenOfTheChannel';
const SIGNING = planted('SigningSecretOfTheHook');
const MAIL = planted('PasswordOfTheMailbox');

/** As a secret may come by in a text. */
function formsOf(secret: string): readonly string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    new URLSearchParams({ a: secret }).toString().slice(2),
    JSON.stringify(secret).slice(1, -1),
    base64,
    Buffer.from(secret).toString('hex'),
  ];
}

/** A chat service that refuses every message, and repeats what it was asked for as many a server does. */
let service: Server;
let heard = '';
beforeAll(async () => {
  service = createServer((request, response) => {
    heard += `${request.url}\n`;
    response.statusCode = 404;
    response.end(`Cannot POST ${request.url}: ${decodeURIComponent(request.url ?? '')}`);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
});

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Command line and environment of each process that works on a data folder, as Linux tells them. */
async function processTexts(dataDir: string): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const entry of await readdir('/proc'))
    if (/^\d+$/.test(entry)) {
      const line = await readFile(join('/proc', entry, 'cmdline'), 'utf8').catch(() => '');
      if (line.includes(dataDir))
        texts.push(line, await readFile(join('/proc', entry, 'environ'), 'utf8').catch(() => ''));
    }
  return texts;
}

it('no secret stands in a log, an answer of the API, a file, or the process list', {
  timeout: 180_000,
}, async () => {
  const server = sharedPostgres();
  await using role = await createRole(server, 'REPLICATION');
  await using database = await server.createDatabase();
  await using lake = await TestLake.start({ env: { SLUICE_LOG_LEVEL: 'trace' } });
  const api = await lake.api();
  const token = (await readFile(join(lake.dataDir, 'token'), 'utf8')).trim();
  const said: string[] = [];
  const keep = async (doing: Promise<unknown>): Promise<void> => {
    said.push(
      await doing.then(
        (answer) => JSON.stringify(answer) ?? '',
        (error: Error) => `${error.name} ${error.message}`,
      ),
    );
  };

  // A password that works, after one that does not.
  const password = planted('PasswordOfTheSource');
  const wrong = planted('WrongPasswordOfTheSource');
  await database.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
  await database.query(
    `ALTER ROLE ${role.name} PASSWORD '${password}'; ALTER TABLE t OWNER TO ${role.name};
     GRANT CREATE ON DATABASE ${database.name} TO ${role.name}; GRANT USAGE, CREATE ON SCHEMA public TO ${role.name}`,
  );
  await lake.createMirror('m', { ...role.at(database.connection), password: wrong }, { publish: false });
  await keep(api.post('/data-sources/m/test'));
  await keep(api.post('/data-sources/m/check-cdc', {}));
  await keep(api.post('/tasks/m/publish'));
  await keep(api.call('PATCH', '/data-sources/m', { password }));
  await api.post('/tasks/m/publish');
  await keep(api.call('PATCH', '/data-sources/m', { password: wrong }));
  await lake.start('m');
  await failure(lake, 'm');
  await keep(api.call('PATCH', '/data-sources/m', { password }));
  // What is refused is not repeated.
  const whole = { name: 'x', type: 'postgres', host: 'h', username: 'u', database: 'd' };
  await keep(api.post('/data-sources', { ...whole, password: [password] }));
  await keep(api.post('/data-sources', { ...whole, name: 'm', password }));
  await keep(api.call('PATCH', '/data-sources/m', { passwort: password }));
  await lake.start('m');
  await lake.caughtUp('m');
  await lake.killRunner('m');
  await lake.caughtUp('m');

  // Channels, each of which is refused by its service.
  const port = (service.address() as AddressInfo).port;
  const url = `http://127.0.0.1:${port}/services/${HOOK_TOKEN}?signature=${encodeURIComponent(SIGNING)}`;
  const mail = {
    kind: 'email',
    host: '127.0.0.1',
    port: 1,
    security: 'none',
    from: 'a@example.org',
    to: ['b@example.org'],
  };
  for (const channel of [
    { name: 'chat', kind: 'slack', url },
    { name: 'hook', kind: 'webhook', url, secret: SIGNING },
    { name: 'feishu', kind: 'feishu', url, secret: SIGNING },
    { name: 'mail', ...mail, username: 'u', password: MAIL },
  ])
    said.push(JSON.stringify(await api.post('/alert-channels', channel)));
  await keep(api.post('/alert-channels', { name: 'chat', kind: 'slack', url }));
  await keep(api.post('/alert-channels', { name: 'bad', kind: 'slack', url: `${url} :`, secret: SIGNING }));
  await keep(api.post('/alert-channels', { name: 'bad', kind: 'teams', url, secret: SIGNING }));
  for (const channel of ['chat', 'hook', 'feishu', 'mail'])
    await keep(api.post(`/alert-channels/${channel}/test`));
  expect(heard).toContain(HOOK_TOKEN);
  expect(said.join('\n')).toContain('HTTP 404');
  // An alert that goes to them by itself, and into the delivery log.
  const channels = ['chat', 'hook', 'feishu', 'mail'];
  await api.post('/alert-policies', { name: 'all', channels, groupSeconds: 0 });
  await api.post('/alert-rules', { name: 'failover', kind: 'task_failover', policy: 'all' });
  expect(await lake.killRunner('m')).toBe(true);
  await lake.until(async () => (await api.get<unknown[]>('/alert-deliveries')).length >= 3);

  // Everything that can be asked for.
  const id = (await lake.newestRun('m'))?.id;
  for (const { method, path } of Object.values(API) as readonly { method: string; path: string }[])
    if (method === 'GET' && !path.includes('wait')) {
      const place = path.replace(/^\/(runs|attempts|verifications)\/:id/, `/$1/${id}`);
      const named = place
        .replace('/data-sources/:ref', '/data-sources/m')
        .replace('/tasks/:ref', '/tasks/m')
        .replace(':catalog', database.name)
        .replace(/:\w+/, 'chat');
      for (const query of ['', '?schema=public&table=t']) await keep(api.get(named + query));
    }
  for (const path of ['/metrics', '/health', `${API_PREFIX}/openapi.json`, '/iceberg/v1/config']) {
    const response = await fetch(lake.url + path, { headers: { authorization: `Bearer ${token}` } });
    said.push(await response.text());
  }
  const bare = await fetch(`${lake.url}${API_PREFIX}/tasks`, {
    headers: { authorization: `Bearer ${token}x` },
  });
  said.push(await bare.text());
  await keep(api.get(`/data-sources/${encodeURIComponent(password)}?token=${token}`));

  const secrets = { password, wrong, hook: HOOK_TOKEN, signing: SIGNING, mail: MAIL, token };
  // The server, and the runner that comes after the one that was killed.
  const processes =
    process.platform === 'linux'
      ? await lake.until(async () => {
          const texts = await processTexts(lake.dataDir);
          return texts.length > 3 && texts;
        })
      : [];

  const found: string[] = [];
  const look = (where: string, text: string): void => {
    for (const [name, secret] of Object.entries(secrets))
      for (const form of formsOf(secret))
        if (text.includes(form)) found.push(`${name} in ${where} as ${form}`);
  };
  said.forEach((text, index) => {
    // What was asked for by a caller's own mistake in a path comes back to nobody but the caller.
    if (index < said.length - 1) look(`an answer: ${text.slice(0, 300)}`, text);
  });
  look('the log of the server', lake.log);
  for (const text of processes) look('a process', text);
  const files = await filesBelow(lake.dataDir);
  expect(files.filter((file) => /attempt-\d+\.log$/.test(file)).length).toBeGreaterThan(0);
  for (const file of files) {
    if (file === join(lake.dataDir, 'token')) continue;
    look(
      file.slice(lake.dataDir.length),
      (await readFile(file).catch(() => Buffer.alloc(0))).toString('latin1'),
    );
  }
  expect(found).toEqual([]);
});
