import type { AlertFilters, AlertKind } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { judge, spanText } from './conditions.ts';
import type { TaskObservation } from './observation.ts';

const NO_FILTERS: AlertFilters = { folders: [], tasks: [], dataSources: [], tables: [] };
const PROBLEM = { code: 'TABLE_KEY', message: 'The key changed.', remedy: 'Load it anew.' };
const NOW = 10_000_000;

const task = (over: Partial<TaskObservation> = {}): TaskObservation => ({
  id: 1,
  name: 'orders',
  folder: 'shop',
  dataSources: ['db'],
  state: 'running',
  error: null,
  failovers: [],
  latencyMs: 0,
  lagMs: 0,
  tables: [],
  ...over,
});

function verdicts(
  kind: AlertKind,
  tasks: readonly TaskObservation[],
  over: { threshold?: number; windowSeconds?: number; filters?: Partial<AlertFilters> } = {},
): { subject: string; breached: boolean | null; message: string }[] {
  const { filters = {}, threshold = null, windowSeconds = 900 } = over;
  return judge({ kind, threshold, windowSeconds, filters: { ...NO_FILTERS, ...filters } }, tasks, NOW).map(
    (one) => ({
      subject: one.table ?? one.task.name,
      breached: one.breached,
      message: one.message,
    }),
  );
}

describe('the rules', () => {
  it('count failovers in the window', () => {
    const failing = task({ failovers: [NOW - 901_000, NOW - 100, NOW - 899_000], error: PROBLEM });
    expect(verdicts('task_failover', [failing], { threshold: 2 })).toEqual([
      { subject: 'orders', breached: true, message: '2 failovers in 15 min. The key changed. (TABLE_KEY)' },
    ]);
    expect(verdicts('task_failover', [failing], { threshold: 3 })[0]?.breached).toBe(false);
    expect(verdicts('task_failover', [task()])[0]?.breached).toBe(false);
  });

  it('see a run that failed, and no task that somebody stopped', () => {
    expect(verdicts('task_stopped', [task({ state: 'failed', error: PROBLEM })])).toEqual([
      { subject: 'orders', breached: true, message: 'The run failed. The key changed. (TABLE_KEY)' },
    ]);
    for (const state of ['stopped', 'running', 'backing_off', 'draft'])
      expect(verdicts('task_stopped', [task({ state })])[0]?.breached, state).toBe(false);
  });

  it('see each table on the blocklist', () => {
    const tables = [
      { name: 'public.a', blocked: PROBLEM, latencyMs: null },
      { name: 'public.b', blocked: null, latencyMs: null },
    ];
    expect(
      verdicts('table_exception', [task({ tables })]).map(({ subject, breached }) => [subject, breached]),
    ).toEqual([
      ['public.a', true],
      ['public.b', false],
    ]);
    expect(verdicts('table_exception', [task({ tables })], { filters: { tables: ['*.b'] } })).toHaveLength(1);
  });

  it('measure latency and lag against the threshold, in seconds', () => {
    const slow = task({ latencyMs: 61_000, lagMs: 7_500_000 });
    expect(verdicts('latency', [slow], { threshold: 60 })).toEqual([
      { subject: 'orders', breached: true, message: 'Changes take 61 s to become visible.' },
    ]);
    expect(verdicts('latency', [slow], { threshold: 61 })[0]?.breached).toBe(false);
    expect(verdicts('position_lag', [slow], { threshold: 300 })).toEqual([
      {
        subject: 'orders',
        breached: true,
        message: 'The log of the source is read 2 h 5 min behind its end.',
      },
    ]);
  });

  it('measure the latency of single tables where the filter names any', () => {
    const tables = [
      { name: 'public.a', blocked: null, latencyMs: 90_000 },
      { name: 'public.b', blocked: null, latencyMs: null },
    ];
    expect(
      verdicts('latency', [task({ tables })], { threshold: 60, filters: { tables: ['public.*'] } }).map(
        (one) => one.breached,
      ),
    ).toEqual([true, false]);
  });

  it('do not know where the process is away, and are content where nobody wants it', () => {
    for (const kind of ['latency', 'position_lag'] as const) {
      const of = (over: Partial<TaskObservation>) =>
        verdicts(kind, [task({ latencyMs: null, lagMs: null, ...over })], { threshold: 1 })[0]?.breached;
      expect(of({})).toBeNull();
      expect(of({ state: 'backing_off' })).toBeNull();
      expect(of({ state: 'stopped' })).toBe(false);
    }
  });

  it('look at the tasks that the filters let through', () => {
    const tasks = [task(), task({ name: 'other', folder: 'back', dataSources: ['db', 'db2'] })];
    const seen = (filters: Partial<AlertFilters>) =>
      verdicts('task_stopped', tasks, { filters }).map((one) => one.subject);
    expect(seen({})).toEqual(['orders', 'other']);
    expect(seen({ folders: ['sh*'] })).toEqual(['orders']);
    expect(seen({ tasks: ['OTHER'] })).toEqual(['other']);
    expect(seen({ dataSources: ['db2'] })).toEqual(['other']);
    expect(seen({ folders: ['shop'], tasks: ['other'] })).toEqual([]);
  });
});

it('tells spans as people say them', () => {
  expect([0, 119, 120, 7199, 7200, 7500].map(spanText)).toEqual([
    '0 s',
    '119 s',
    '2 min',
    '2 h',
    '2 h',
    '2 h 5 min',
  ]);
});
