import type { CreateAlertChannel, CreateAlertRule } from '@sluice/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listDeliveries } from './channels.ts';
import { listAlerts, updateRule } from './rules.ts';
import { HttpSink } from './testing/http-sink.ts';
import { type Mail, MailSink } from './testing/mail-sink.ts';
import { PROBLEM, WatchedServer } from './testing/watched-server.ts';

let server: WatchedServer;
let sink: HttpSink;

beforeEach(async () => {
  server = await WatchedServer.start();
  sink = await HttpSink.start();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await sink[Symbol.asyncDispose]();
});

/** What a mail says, put together again where long lines were broken for the way (RFC 2045 §6.7). */
function bodyOf({ text }: Mail): string {
  const whole = text.replaceAll('=\r\n', '').replaceAll('=3D', '=');
  return whole.slice(whole.indexOf('\r\n\r\n') + 4);
}

/** The texts that arrived, and none of them twice. */
const texts = (): string[] => sink.received.map(({ body }) => (JSON.parse(body) as { text: string }).text);
const slack = () => ({ name: 'room', kind: 'slack', url: `${sink.url}/hook` }) as const;
const watch = (rule: Omit<CreateAlertRule, 'policy'>, policy = {}) =>
  server.tell(slack(), rule, { repeatSeconds: 600, ...policy });

interface Case {
  readonly kind: CreateAlertRule['kind'];
  /** Makes it so; returns what mends it. */
  readonly breach: () => Promise<() => Promise<void> | void>;
  /** Keeps it as it is while time goes by. */
  readonly keep?: (breached: boolean) => void;
  readonly subject: string;
  readonly says: string;
  /** Until it fires, until it clears. */
  readonly hold: number;
  readonly calm: number;
}

let task: { id: number; run: number };
let lane: number;
beforeEach(async () => {
  task = await server.task('orders');
  lane = await server.table(task.id, 'items');
});

const CASES: readonly Case[] = [
  {
    kind: 'task_failover',
    breach: async () => {
      await server.failover(task.run, 2);
      return () => {
        server.now += 900_000;
      };
    },
    subject: 'orders',
    says: '1 failover in 15 min.',
    hold: 0,
    calm: 0,
  },
  {
    kind: 'task_stopped',
    breach: async () => {
      await server.runState(task.run, 'failed', PROBLEM);
      return () => server.runState(task.run, 'running');
    },
    subject: 'orders',
    says: 'The run failed. The key changed. (TABLE_KEY)',
    hold: 0,
    calm: 0,
  },
  {
    kind: 'table_exception',
    breach: async () => {
      await server.tableState(lane, 'blocked');
      return () => server.tableState(lane, 'live');
    },
    subject: 'public.items of orders',
    says: 'The table is not synced any more. The key changed. (TABLE_KEY)',
    hold: 0,
    calm: 0,
  },
  {
    kind: 'latency',
    breach: async () => () => {},
    keep: (breached) => server.pulse(task.id, { oldestWaitingMs: breached ? 90_000 : null }),
    subject: 'orders',
    says: 'Changes take 90 s to become visible.',
    hold: 60,
    calm: 60,
  },
  {
    kind: 'position_lag',
    breach: async () => () => {},
    keep: (breached) => server.pulse(task.id, { lagMs: breached ? 301_000 : 0 }),
    subject: 'orders',
    says: 'The log of the source is read 5 min behind its end.',
    hold: 60,
    calm: 60,
  },
];

describe('each rule', () => {
  it.each(CASES)(
    '$kind fires once, repeats and clears, in a room and by mail',
    async ({ kind, breach, keep, subject, says, hold, calm }) => {
      await using mails = await MailSink.start();
      const post: CreateAlertChannel = {
        name: 'post',
        kind: 'email',
        host: '127.0.0.1',
        port: mails.port,
        security: 'none',
        from: 'sluice@example.org',
        to: ['night@example.org'],
      };
      await server.tell([slack(), post], { name: 'watched', kind }, { repeatSeconds: 600 });
      /** Looks every ten seconds for so long, the process saying how it is. */
      const go = async (seconds: number, breached: boolean): Promise<void> => {
        for (let passed = 0; passed < seconds; passed += 10) {
          server.now += 10_000;
          keep?.(breached);
          await server.after(0);
        }
      };
      await go(30, false);
      expect(texts()).toEqual([]);
      const began = server.now;
      const mend = await breach();
      await go(hold + 10, true);
      const firedAt = new Date(began + (hold + 10) * 1000).toISOString();
      const fired = [`Sluice: Alert: watched: ${subject}`, `${subject}: ${says}`, 'Data source: db'].join(
        '\n',
      );
      expect(texts()).toEqual([fired]);
      expect(await listAlerts(server.control, false, 10)).toMatchObject([
        { state: 'firing', message: says, firedAt },
      ]);
      await go(590, true);
      expect(texts()).toHaveLength(1);
      await go(20, true);
      const again = [`Sluice: Still firing: watched: ${subject}`, `${subject}: ${says}`, 'Data source: db'];
      expect(texts()).toEqual([fired, again.join('\n')]);
      await mend();
      await go(calm === 0 ? 10 : 200, false);
      const cleared = [
        `Sluice: Cleared: watched: ${subject}`,
        `${subject}: over. It fired at ${firedAt}.`,
        'Data source: db',
      ];
      expect(texts()).toEqual([fired, again.join('\n'), cleared.join('\n')]);
      await go(1200, false);
      expect(texts()).toHaveLength(3);
      // A mail says the same, the title apart.
      expect(mails.mails.map(bodyOf)).toEqual(
        texts().map((text) => `${text.replace('\n', '\n\n')}\n`.replaceAll('\n', '\r\n')),
      );
      expect(await listDeliveries(server.control, 10)).toMatchObject(
        Array.from({ length: 6 }, () => ({ state: 'sent', tries: 1, error: null })),
      );
      expect(await listAlerts(server.control, false, 10)).toEqual([]);
      expect(await listAlerts(server.control, true, 10)).toMatchObject([{ state: 'cleared' }]);
    },
  );
});

describe('grouping', () => {
  it('makes one message of a source that is down, and another of what mends', async () => {
    await watch({ name: 'failing', kind: 'task_failover' }, { groupSeconds: 15, repeatSeconds: null });
    const other = await server.dataSource('db2');
    const tasks = [];
    for (let index = 0; index < 100; index++) tasks.push(await server.task(`t${index}`));
    const elsewhere = await server.task('elsewhere', 'running', other);
    for (const one of tasks.slice(0, 40)) await server.failover(one.run, 2);
    await server.after(5);
    // The others find out a little later.
    for (const one of tasks.slice(40)) await server.failover(one.run, 2);
    await server.failover(elsewhere.run, 2);
    await server.after(5);
    expect(texts()).toEqual([]);
    await server.after(10);
    const [first = ''] = texts();
    expect(texts()).toHaveLength(1);
    expect(first.split('\n')[0]).toBe('Sluice: Alert: failing: 100 tasks failed over (db)');
    expect(first.split('\n').slice(-2)).toEqual(['and 80 more', 'Data source: db']);
    await server.after(5);
    expect(texts()[1]?.split('\n')[0]).toBe('Sluice: Alert: failing: elsewhere');
    await server.after(900);
    await server.after(15);
    expect(
      texts()
        .slice(2)
        .map((text) => text.split('\n')[0])
        .sort(),
    ).toEqual([
      'Sluice: Cleared: failing: 100 tasks failed over (db)',
      'Sluice: Cleared: failing: elsewhere',
    ]);
  });
});

describe('what is remembered', () => {
  it('is not told again by a server that begins anew', async () => {
    await watch({ name: 'stopped', kind: 'task_stopped' }, { repeatSeconds: null });
    await server.runState(task.run, 'failed');
    await server.after(5);
    expect(texts()).toHaveLength(1);
    server.beginAgain();
    await server.after(5);
    expect(texts()).toHaveLength(1);
    await server.runState(task.run, 'running');
    server.beginAgain();
    await server.after(5);
    expect(texts()).toHaveLength(2);
  });

  it('ends with the rule that is switched off', async () => {
    await watch({ name: 'stopped', kind: 'task_stopped' });
    await server.runState(task.run, 'failed');
    await server.after(5);
    await updateRule(server.control, 'stopped', { enabled: false });
    await server.after(5);
    expect(texts().map((text) => text.split('\n')[0])).toEqual([
      'Sluice: Alert: stopped: orders',
      'Sluice: Cleared: stopped: orders',
    ]);
  });

  it('of a task that was deleted is over, too', async () => {
    await watch({ name: 'tables', kind: 'table_exception' });
    await server.tableState(lane, 'blocked');
    await server.after(5);
    await server.db.deleteFrom('lanes').where('id', '=', lane).execute();
    await server.after(5);
    expect(texts().map((text) => text.split('\n')[0])).toEqual([
      'Sluice: Alert: tables: public.items of orders',
      'Sluice: Cleared: tables: public.items of orders',
    ]);
  });
});

describe('a channel that is away', () => {
  it('is tried again with growing pauses, in the order of what happened', async () => {
    await watch({ name: 'stopped', kind: 'task_stopped' }, { repeatSeconds: null });
    sink.answer = { status: 503, body: 'busy' };
    await server.runState(task.run, 'failed');
    await server.after(0);
    await server.runState(task.run, 'running');
    await server.after(1);
    expect(sink.received).toHaveLength(1);
    for (const [pause, tries] of [
      [3, 1],
      [2, 2],
      [14, 2],
      [1, 3],
      [44, 3],
      [1, 4],
    ] as const) {
      await server.after(pause);
      expect(sink.received, `${pause}`).toHaveLength(tries);
    }
    expect(await listDeliveries(server.control, 10)).toMatchObject([
      { kind: 'cleared', state: 'waiting', tries: 0 },
      { kind: 'fired', state: 'waiting', tries: 4, error: 'HTTP 503' },
    ]);
    sink.answer = { status: 200, body: 'ok' };
    await server.after(135);
    expect(
      texts()
        .slice(4)
        .map((text) => text.split('\n')[0]),
    ).toEqual(['Sluice: Alert: stopped: orders', 'Sluice: Cleared: stopped: orders']);
  });

  it('is given up in the end, and at once where the refusal is for good', async () => {
    await watch({ name: 'stopped', kind: 'task_stopped' }, { repeatSeconds: null });
    sink.answer = { status: 500, body: '' };
    await server.runState(task.run, 'failed');
    await server.after(0);
    for (let tries = 0; tries < 20; tries++) await server.after(1800);
    expect(sink.received).toHaveLength(12);
    sink.answer = { status: 404, body: 'no_service' };
    await server.runState(task.run, 'running');
    await server.after(5);
    await server.after(3600);
    expect(sink.received).toHaveLength(13);
    expect(await listDeliveries(server.control, 10)).toMatchObject([
      { kind: 'cleared', state: 'failed', tries: 1, error: 'HTTP 404: no_service' },
      { kind: 'fired', state: 'failed', tries: 12, error: 'HTTP 500' },
    ]);
  });

  it('is not followed where it sends one to somebody else', async () => {
    await watch({ name: 'stopped', kind: 'task_stopped' }, { repeatSeconds: null });
    sink.answer = { status: 302, body: '' };
    await server.runState(task.run, 'failed');
    await server.after(0);
    expect(await listDeliveries(server.control, 10)).toMatchObject([{ state: 'waiting', tries: 1 }]);
  });
});

describe('mail', () => {
  const login = { username: 'sluice', password: 'mail-secret' };
  const channel = (mails: MailSink, over: object = {}) => ({
    name: 'post',
    kind: 'email' as const,
    host: '127.0.0.1',
    port: mails.port,
    security: 'none' as const,
    from: 'sluice@example.org',
    to: ['night@example.org', 'day@example.org'],
    ...login,
    ...over,
  });

  it('goes to everybody, with what happened', async () => {
    await using mails = await MailSink.start(login);
    await server.tell(channel(mails), { name: 'tables', kind: 'table_exception' });
    await server.tableState(lane, 'blocked');
    await server.after(5);
    expect(mails.mails).toHaveLength(1);
    const [mail] = mails.mails;
    expect(mail).toMatchObject({ from: 'sluice@example.org', to: ['night@example.org', 'day@example.org'] });
    const text = mail?.text.replaceAll('=\r\n', '') ?? '';
    expect(text).toContain('Subject: Sluice: Alert: tables: public.items of orders\r\n');
    expect(text).toContain('Auto-Submitted: auto-generated');
    expect(mail && bodyOf(mail)).toBe(
      [
        'Sluice: Alert: tables: public.items of orders',
        '',
        'public.items of orders: The table is not synced any more. The key changed. (TABLE_KEY)',
        'Data source: db',
        '',
      ].join('\r\n'),
    );
  });

  it('is tried again where the server is busy, not where it refuses, and never says the password', async () => {
    await using mails = await MailSink.start(login);
    mails.refuse = 451;
    await server.tell(channel(mails), { name: 'stopped', kind: 'task_stopped' });
    await server.runState(task.run, 'failed');
    await server.after(0);
    expect(await listDeliveries(server.control, 1)).toMatchObject([{ state: 'waiting', tries: 1 }]);
    mails.refuse = 550;
    await server.after(5);
    const [refused] = await listDeliveries(server.control, 1);
    expect(refused).toMatchObject({ state: 'failed', tries: 2 });
    await server.tell(channel(mails, { name: 'wrong', password: 'not-it' }), {
      name: 'again',
      kind: 'task_stopped',
    });
    await server.after(5);
    const [wrong] = await listDeliveries(server.control, 1);
    expect(wrong).toMatchObject({ state: 'failed', tries: 1, error: expect.stringContaining('535') });
    expect(JSON.stringify([refused, wrong])).not.toMatch(/mail-secret|not-it/);
  });

  it('is not sent in the clear to a server that cannot encrypt', async () => {
    await using mails = await MailSink.start(login);
    await server.tell(channel(mails, { security: 'starttls' }), { name: 'stopped', kind: 'task_stopped' });
    await server.runState(task.run, 'failed');
    await server.after(0);
    expect(mails.mails).toEqual([]);
    expect(await listDeliveries(server.control, 1)).toMatchObject([
      { state: 'failed', tries: 1, error: expect.stringMatching(/STARTTLS/i) },
    ]);
  });
});
