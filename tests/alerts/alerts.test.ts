import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Alert, AlertChannel, AlertDelivery, AlertRule } from '@sluice/contract';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../demo/api.ts';
import { HttpSink } from '../../server/src/alerts/testing/http-sink.ts';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let client: pg.Client;
let lake: TestLake;
let api: Api;
let sink: HttpSink;

beforeAll(async () => {
  sink = await HttpSink.start();
  database = await sharedPostgres().createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('CREATE TABLE keyed (id int PRIMARY KEY); CREATE TABLE second (id int PRIMARY KEY)');
  lake = await TestLake.start();
  api = await lake.api();
});

afterAll(async () => {
  await lake?.[Symbol.asyncDispose]();
  await client?.end();
  await database?.[Symbol.asyncDispose]();
  await sink?.[Symbol.asyncDispose]();
});

interface Told {
  readonly kind: string;
  readonly rule: string;
  readonly alerts: { readonly task: string; readonly table: string | null; readonly message: string }[];
}

const told = (): Told[] => sink.received.map(({ body }) => JSON.parse(body) as Told);

/** Waits until the sink was told so; the time limit is the test's. */
async function until(holds: (all: readonly Told[]) => boolean): Promise<void> {
  while (!holds(told())) await new Promise((resolve) => setTimeout(resolve, 100));
}

describe('alerts of a running server', () => {
  const SECRET = 'signing-secret';

  it('are set up over the API, which never shows a secret again', async () => {
    const url = `${sink.url}/hook/very-secret-path`;
    const channel = await api.post<AlertChannel>('/alert-channels', {
      name: 'ops',
      kind: 'webhook',
      url,
      secret: SECRET,
    });
    expect(channel).toMatchObject({ target: new URL(url).host, signed: true });
    expect(await api.post('/alert-channels/ops/test', {})).toEqual({ delivered: true, error: null });
    expect(sink.received.at(-1)).toMatchObject({ path: '/hook/very-secret-path' });
    await api.post('/alert-policies', {
      name: 'now',
      channels: ['ops'],
      groupSeconds: 0,
      repeatSeconds: null,
    });
    for (const [name, kind] of [
      ['failing', 'task_failover'],
      ['tables', 'table_exception'],
      ['stopped', 'task_stopped'],
    ])
      await api.post('/alert-rules', { name, kind, policy: 'now' });
    const shown = JSON.stringify([
      channel,
      await api.get('/alert-channels'),
      await api.get('/alert-policies'),
      await api.get<AlertRule[]>('/alert-rules'),
      await api.get<AlertDelivery[]>('/alert-deliveries'),
    ]);
    expect(shown).not.toContain('very-secret-path');
    expect(shown).not.toContain(SECRET);
    const kept = await readFile(join(lake.dataDir, 'metastore.db-wal'));
    expect(kept.includes('very-secret-path') || kept.includes(SECRET)).toBe(false);
    expect(lake.log).not.toContain('very-secret-path');
  });

  it('refuse what cannot be', async () => {
    const refused = async (path: string, body: unknown) =>
      api.post(path, body).then(
        () => 'taken',
        (error: { code?: string }) => error.code,
      );
    const channel = { name: 'x', kind: 'slack', url: 'ftp://x/' };
    expect(await refused('/alert-channels', channel)).toBe('INVALID_REQUEST');
    expect(await refused('/alert-channels', { ...channel, url: 'file:///etc/passwd' })).toBe(
      'INVALID_REQUEST',
    );
    expect(await refused('/alert-policies', { name: 'x', channels: ['nobody'] })).toBe('NOT_FOUND');
    expect(
      await refused('/alert-rules', { name: 'x', kind: 'latency', policy: 'now', threshold: null }),
    ).toBe('INVALID_REQUEST');
    expect(await refused('/alert-rules', { name: 'failing', kind: 'latency', policy: 'now' })).toBe(
      'ALREADY_EXISTS',
    );
  });

  it('tell of a runner that died, and of a table that stopped', {
    timeout: 90_000,
  }, async () => {
    await lake.createMirror('watched', database.connection);
    await lake.start('watched');
    await lake.caughtUp('watched');
    sink.received.length = 0;
    expect(await lake.killRunner('watched')).toBe(true);
    await until((all) => all.some((one) => one.rule === 'failing'));
    expect(told().find((one) => one.rule === 'failing')).toMatchObject({
      kind: 'fired',
      alerts: [{ task: 'watched', table: null, message: expect.stringContaining('1 failover in 15 min.') }],
    });
    await lake.caughtUp('watched');
    await client.query('ALTER TABLE second DROP CONSTRAINT second_pkey; INSERT INTO second VALUES (1)');
    await until((all) => all.some((one) => one.rule === 'tables' && one.kind === 'fired'));
    const [alert] = (await api.get<Alert[]>('/alerts')).filter((one) => one.rule === 'tables');
    expect(alert).toMatchObject({ state: 'firing', task: 'watched', table: 'public.second' });
    expect((await api.get<AlertDelivery[]>('/alert-deliveries')).every((one) => one.state === 'sent')).toBe(
      true,
    );
  });
});

/** A command with its standard input; its answer, or its error. */
async function sluice(argv: readonly string[], input = ''): Promise<Record<string, unknown>> {
  const script = fileURLToPath(new URL('../../server/bin/sluice.js', import.meta.url));
  const child = spawn(process.execPath, [script, ...argv, '--data-dir', lake.dataDir]);
  child.stdin.end(input);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  return JSON.parse(out === '' ? err : out) as Record<string, unknown>;
}

describe('alerts on the command line', () => {
  it('are set up, tested, changed and taken away', { timeout: 60_000 }, async () => {
    const url = `${sink.url}/chat`;
    expect(
      await sluice(['alert', 'channel', 'create', 'chat', '--kind', 'feishu'], `${url}\nsign-me\n`),
    ).toMatchObject({
      data: { name: 'chat', kind: 'feishu', signed: true },
    });
    sink.answer = { status: 200, body: '{"code":19021,"msg":"sign match fail"}' };
    expect(await sluice(['alert', 'channel', 'test', 'chat'])).toMatchObject({
      error: { code: 'CONFLICT', message: expect.stringContaining('sign match fail') },
    });
    sink.answer = { status: 200, body: '{"code":0}' };
    expect(await sluice(['alert', 'channel', 'test', 'chat'])).toEqual({
      data: { delivered: true, error: null },
    });
    expect(JSON.parse(sink.received.at(-1)?.body ?? '')).toMatchObject({
      msg_type: 'text',
      timestamp: expect.any(String),
      sign: expect.any(String),
    });
    expect(
      await sluice([
        'alert',
        'policy',
        'create',
        'night',
        '--channels',
        'chat,ops',
        '--repeat',
        'never',
        '--group',
        '30',
      ]),
    ).toMatchObject({ data: { channels: ['chat', 'ops'], repeatSeconds: null, groupSeconds: 30 } });
    expect(
      await sluice([
        ...[
          'alert',
          'rule',
          'create',
          'slow',
          '--kind',
          'latency',
          '--policy',
          'night',
          '--threshold',
          '2.5',
        ],
        ...['--task', 'shop*', '--folder', 'a', '--folder', 'b'],
      ]),
    ).toMatchObject({
      data: {
        threshold: 2.5,
        holdSeconds: 60,
        filters: { tasks: ['shop*'], folders: ['a', 'b'], tables: [] },
      },
    });
    expect(await sluice(['alert', 'rule', 'update', 'slow', '--no-enabled', '--hold', '5'])).toMatchObject({
      data: { enabled: false, holdSeconds: 5, threshold: 2.5, filters: { tasks: ['shop*'] } },
    });
    expect(await sluice(['alert', 'channel', 'delete', 'chat'])).toMatchObject({
      error: { code: 'CONFLICT' },
    });
    expect(await sluice(['alert', 'policy', 'delete', 'night'])).toMatchObject({
      error: { code: 'CONFLICT' },
    });
    for (const [kind, name] of [
      ['rule', 'slow'],
      ['policy', 'night'],
      ['channel', 'chat'],
    ] as const)
      expect(await sluice(['alert', kind, 'delete', name])).toEqual({ data: { deleted: name } });
    expect(await sluice(['alert', 'channel', 'create', 'x', '--kind', 'slack'])).toMatchObject({
      error: { code: 'USAGE' },
    });
    expect(await sluice(['alert', 'list', '--all'])).toMatchObject({ data: expect.any(Array) });
  });
});
