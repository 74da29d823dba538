import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { API, ERRORS, errorPage } from '@sluice/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Terminal } from './command.ts';
import { runCommandLine } from './program.ts';

interface Seen {
  readonly request: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

type Reply = { readonly status?: number; readonly body: unknown };

let server: Server;
let url: string;
let seen: Seen[];
/** By `METHOD /path?query`. What is not here is answered 404, as a Sluice server would. */
let replies: Record<string, Reply | ((body: unknown) => Reply)>;

const notFound = {
  status: 404,
  body: { error: { code: 'NOT_FOUND', message: 'There is no such thing.', remedy: 'Check the name.' } },
} satisfies Reply;

beforeEach(async () => {
  seen = [];
  replies = {};
  server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body: unknown = text === '' ? null : JSON.parse(text);
    const line = `${request.method} ${request.url?.replace('/api/v1', '')}`;
    seen.push({ request: line, authorization: request.headers.authorization, body });
    const found = replies[line] ?? notFound;
    const reply = typeof found === 'function' ? found(body) : found;
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise<void>((resolve) => server.close(() => resolve()));
});

async function sluice(argv: string[], terminal: Partial<Terminal> = {}) {
  let out = '';
  let err = '';
  const code = await runCommandLine(argv, {
    env: { SLUICE_URL: url, SLUICE_TOKEN: 'geheim' },
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    stdinIsTerminal: false,
    write: (text) => {
      out += text;
    },
    note: (text) => {
      err += text;
    },
    readStdin: async () => '',
    ask: async () => false,
    line: async () => '',
    interrupted: () => new AbortController().signal,
    ...terminal,
  });
  return { code, out, err };
}

describe('the command line', () => {
  it('answers JSON without a terminal and a table with one', async () => {
    replies['GET /vclusters'] = { body: { data: [{ id: 1, name: 'default_sync', type: 'SYNC' }] } };
    const json = await sluice(['vcluster', 'list']);
    expect(json).toEqual({
      code: 0,
      out: '{"data":[{"id":1,"name":"default_sync","type":"SYNC"}]}\n',
      err: '',
    });
    const table = await sluice(['vcluster', 'list'], { stdoutIsTerminal: true });
    expect(table.out).toBe('id  name          type\n 1  default_sync  SYNC\n');
    const chosen = await sluice(['vcluster', 'list', '--format', 'json'], { stdoutIsTerminal: true });
    expect(chosen.out).toBe(json.out);
    expect(seen[0]?.authorization).toBe('Bearer geheim');
  });

  it('makes a data source with a password from standard input', async () => {
    replies['POST /data-sources'] = { body: { data: { id: 1 } } };
    const argv = 'datasource create shop --type postgres --host db --port 5433 --username u --database d';
    const { code } = await sluice([...argv.split(' '), '--password-stdin'], {
      readStdin: async () => ' pass word \n',
    });
    expect(code).toBe(0);
    expect(seen[0]?.body).toEqual({
      name: 'shop',
      type: 'postgres',
      host: 'db',
      port: 5433,
      username: 'u',
      database: 'd',
      password: ' pass word ',
    });
  });

  it('changes of a data source what is named, and asks the server nothing where that is nothing', async () => {
    replies['PATCH /data-sources/shop'] = { body: { data: { id: 1 } } };
    const update = 'datasource update shop';
    const stdin = { readStdin: async () => 'new one\n' };
    for (const argv of [
      `${update} --host replica --port 5433 --sslmode require`,
      `${update} --password-stdin`,
      `${update} --no-password --name other --timezone +08:00`,
      `${update} --no-timezone`,
    ])
      expect((await sluice(argv.split(' '), stdin)).code).toBe(0);
    expect(seen.map(({ body }) => body)).toEqual([
      { host: 'replica', port: 5433, sslmode: 'require' },
      { password: 'new one' },
      { password: null, name: 'other', timezone: '+08:00' },
      { timezone: null },
    ]);
    for (const argv of [update, `${update} --port 0`, `${update} --password-stdin --no-password`])
      expect((await sluice(argv.split(' '), stdin)).code).toBe(2);
    expect(seen).toHaveLength(4);
  });

  it('reaches whatever the API has', () => {
    const root = new URL('./', import.meta.url);
    const text = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => readFileSync(new URL(file, root), 'utf8'))
      .join('');
    // A page of Studio lists the comparisons; here each is made and answered by one command.
    const ofStudio = ['listVerifications'];
    const reached = (name: string): boolean => ofStudio.includes(name) || text.includes(`call('${name}'`);
    expect(Object.keys(API).filter((name) => !reached(name))).toEqual([]);
  });

  it('makes a task of tables, finding the schemas that were not named', async () => {
    replies['GET /data-sources/shop%20db/catalogs/d/objects'] = {
      body: { data: [{ schema: 'public', table: 'a' }] },
    };
    replies['POST /tasks'] = { body: { data: { id: 7 } } };
    const argv = [
      'task',
      'create-realtime-sync',
      't',
      '--folder',
      '3',
      '--source',
      'shop db',
      '--database',
      'd',
    ];
    const set = ['--set', 'commit_interval=500ms', '--set', 'chunk_size=1MB'];
    const { code, err } = await sluice([...argv, '--tables', 'a,"X".b', ...set]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(seen.at(-1)?.body).toEqual({
      name: 't',
      folder: 3,
      spec: {
        dataSource: 'shop db',
        database: 'd',
        schemas: [],
        tables: [
          { schema: 'public', table: 'a' },
          { schema: 'X', table: 'b' },
        ],
        pipelineType: 1,
        syncMode: 1,
        parameters: { commit_interval: '500ms', chunk_size: '1MB' },
      },
    });
  });

  it('passes on what the server says is wrong', async () => {
    const { code, out, err } = await sluice(['task', 'status', 'nö/1']);
    expect(seen[0]?.request).toBe('GET /tasks/n%C3%B6%2F1/status');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(JSON.parse(err)).toEqual({ error: { ...notFound.body.error, page: 'docs/errors/NOT_FOUND.md' } });
    const person = await sluice(['task', 'status', 'x'], { stderrIsTerminal: true });
    expect(person.err).toBe(
      '✗ There is no such thing.\n\n  what to do   Check the name.\n  code         NOT_FOUND\n  more         sluice errors NOT_FOUND\n',
    );
  });

  it('ends with 2 for what it does not understand, and asks the server nothing', async () => {
    for (const argv of [
      ['sql'],
      ['task'],
      ['nonsense'],
      ['sql', 'SELECT 1', '--limit', 'x'],
      ['status', '--x'],
    ]) {
      const { code, err } = await sluice(argv);
      expect({ argv, code, error: JSON.parse(err).error.code }).toEqual({ argv, code: 2, error: 'USAGE' });
    }
    expect(seen).toEqual([]);
    expect((await sluice(['--help'])).code).toBe(0);
    expect((await sluice(['--version'])).out).toBe('0.1.0\n');
  });

  it('explains every code without a server', async () => {
    const env = { SLUICE_URL: 'http://127.0.0.1:1' };
    const json = await sluice(['errors', 'binlog_purged'], { env });
    expect(JSON.parse(json.out).data).toEqual(errorPage('BINLOG_PURGED'));
    const text = await sluice(['errors', 'TABLE_NO_KEY'], { env, stdoutIsTerminal: true });
    expect(text.out).toContain('TABLE_NO_KEY');
    expect(text.out).toMatch(/Leave the blocklist\s+\(docs\/errors\.md#leaving-the-blocklist\)/);
    for (const line of text.out.split('\n')) expect(line.length).toBeLessThan(101);
    const all = await sluice(['errors'], { env });
    expect(
      JSON.parse(all.out)
        .data.map((row: { code: string }) => row.code)
        .sort(),
    ).toEqual(Object.keys(ERRORS).sort());
    const wrong = await sluice(['errors', 'BINLOG'], { env });
    expect([wrong.code, JSON.parse(wrong.err).error.code]).toEqual([1, 'NOT_FOUND']);
    expect(wrong.err).toContain('BINLOG_PURGED');
  });

  it('says so when no server answers', async () => {
    const { code, err } = await sluice(['status', '--url', 'http://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(JSON.parse(err).error.code).toBe('SERVER_UNREACHABLE');
    replies['GET /status'] = { body: 'hello' };
    expect(JSON.parse((await sluice(['status'])).err).error.code).toBe('SERVER_UNREACHABLE');
  });

  it('undeploys only with -y or a yes', async () => {
    replies['POST /tasks/t/undeploy'] = (body) =>
      (body as { confirm: boolean }).confirm
        ? { body: { data: { done: ['The slot is dropped.'], keptTables: [] } } }
        : {
            status: 400,
            body: { error: { code: 'CONFIRMATION_REQUIRED', message: 'Drops the slot.', remedy: '-y' } },
          };
    const refused = await sluice(['task', 'undeploy', 't']);
    expect([refused.code, JSON.parse(refused.err).error.code]).toEqual([1, 'CONFIRMATION_REQUIRED']);
    const asked: string[] = [];
    const person = {
      stdinIsTerminal: true,
      stderrIsTerminal: true,
      ask: async (question: string) => {
        asked.push(question);
        return asked.length > 1;
      },
    };
    expect((await sluice(['task', 'undeploy', 't'], person)).code).toBe(1);
    expect((await sluice(['task', 'undeploy', 't'], person)).code).toBe(0);
    expect(asked[0]).toContain('Drops the slot.');
    expect((await sluice(['task', 'undeploy', 't', '-y'])).code).toBe(0);
    expect(seen.map(({ body }) => (body as { confirm: boolean }).confirm)).toEqual([
      ...[false, false, false, true, true],
    ]);
  });

  it('waits until the state is reached, the time is up, or the task has failed', async () => {
    const status = { name: 't', state: 'running', phase: 'full_load', error: null };
    const path = 'GET /tasks/t/wait?for=caught-up&timeout=0';
    const wait = ['task', 'wait', 't', '--for', 'caught-up', '--timeout', '0'];
    replies[path] = { body: { data: { reached: true, position: '0/1', status } } };
    expect((await sluice(wait)).code).toBe(0);
    replies[path] = { body: { data: { reached: false, position: '0/1', status } } };
    expect(JSON.parse((await sluice(wait)).err).error.code).toBe('TIMEOUT');
    const error = { code: 'SOURCE_AUTH', message: 'No.', remedy: 'Mend it.' };
    replies[path] = {
      body: { data: { reached: false, position: null, status: { ...status, state: 'failed', error } } },
    };
    expect(JSON.parse((await sluice(wait)).err)).toEqual({
      error: { ...error, page: 'docs/errors/SOURCE_AUTH.md' },
    });
  });

  it('gives a query as columns and rows', async () => {
    const data = { columns: [{ name: 'n', type: 'long' }], rows: [['9007199254740993']], truncated: false };
    replies['POST /sql'] = { body: { data } };
    const { out } = await sluice(['sql', '-', '--limit', '0'], { readStdin: async () => 'SELECT 1' });
    expect(JSON.parse(out)).toEqual({ data });
    expect(seen[0]?.body).toEqual({ sql: 'SELECT 1', limit: 0 });
  });

  it('shows the log of the newest attempt as lines', async () => {
    replies['GET /runs/4/attempts'] = {
      body: {
        data: [
          { id: 8, number: 1 },
          { id: 9, number: 2 },
        ],
      },
    };
    const lines = ['{"level":30,"time":0,"pid":1,"hostname":"h","table":"a","msg":"loaded"}', 'plain'];
    replies['GET /attempts/9/log?tail=1000'] = { body: { data: { lines, truncated: false } } };
    const { out } = await sluice(['attempts', 'log', '4'], { stdoutIsTerminal: true });
    expect(out).toBe('1970-01-01T00:00:00.000Z info  loaded {"table":"a"}\nplain\n');
    expect((await sluice(['attempts', 'log', '4', '--attempt', '5'])).code).toBe(1);
  });
});
