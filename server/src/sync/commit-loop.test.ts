import { pino } from 'pino';
import { expect, it } from 'vitest';
import { CommitLoop, dueIn, isBacklog } from './commit-loop.ts';
import { Router } from './router.ts';
import type { RunContext } from './run-context.ts';
import { RunMeter } from './run-meter.ts';
import { testStore } from './testing/store.ts';

const TIMING = { intervalMs: 3000, idleMs: 10_000, earlyLines: 1000, lateLines: 100 };
const state = { waiting: 'nothing', joins: false, lines: 0, ageMs: null, sinceMs: 0, commitMs: 0 } as const;

it.each([
  ['nothing waits', {}, null],
  ['nothing waits, however long', { sinceMs: 1e9 }, null],
  ['changes wait for the interval', { waiting: 'changes', sinceMs: 1000 }, 2000],
  ['changes after it', { waiting: 'changes', sinceMs: 3001 }, 0],
  ['a commit begins sooner by what it takes', { waiting: 'changes', sinceMs: 1000, commitMs: 400 }, 1600],
  ['by a fifth of the interval at most', { waiting: 'changes', sinceMs: 1000, commitMs: 9000 }, 1400],
  ['a lane that can join is as changes', { joins: true, sinceMs: 1000 }, 2000],
  ['a new position alone can wait longer', { waiting: 'position', sinceMs: 4000 }, 6000],
  ['a new position after that', { waiting: 'position', sinceMs: 10_000 }, 0],
  ['many lines come early', { waiting: 'changes', lines: 1000 }, 0],
  ['lines of a backlog come early', { waiting: 'changes', lines: 100, ageMs: 3001 }, 0],
  ['a few of them wait for the interval', { waiting: 'changes', lines: 99, ageMs: 3001 }, 3000],
  ['lines that are not late do as well', { waiting: 'changes', lines: 100, ageMs: 3000 }, 3000],
  ['not one line sooner', { waiting: 'changes', lines: 999 }, 3000],
] as const)('%s', (_name, some, due) => {
  expect(dueIn({ ...state, ...some }, TIMING)).toBe(due);
});

it.each([
  ['large and late', 100, 9001, null, true],
  ['large, and by three intervals', 100, 9000, null, false],
  ['late and small', 99, 1e9, null, false],
  ['of transactions of which no time is known', 100, null, null, false],
  ['whatever it is, of a run that has just begun late', 0, null, 19_999, true],
  ['of one that began late a while ago', 99, 9001, 20_000, false],
] as const)('a commit of a backlog: %s', (_name, lines, ageMs, sinceLateStartMs, is) => {
  expect(isBacklog({ lines, ageMs, sinceLateStartMs }, TIMING)).toBe(is);
});

const HOUR_MS = 3_600_000;

it('commits within the interval after the clock of the machine was set back, and forward again', async () => {
  await using subject = await testStore();
  const compare = (a: string, b: string): -1 | 0 | 1 => Math.sign(Number(a) - Number(b)) as -1 | 0 | 1;
  const router = new Router({
    ...{ position: '0', nextOrd: 1, folder: '/nowhere', limit: 1 },
    source: { compare, keepsValues: () => true },
  });
  const acknowledged: string[] = [];
  const durations: number[] = [];
  const meter = new RunMeter();
  meter.committed = ({ durationMs }) => void durations.push(durationMs);
  let clock = 10 * HOUR_MS;
  const context = {
    ...subject,
    router,
    source: { acknowledge: (position: string) => void acknowledged.push(position) },
    target: {
      besideBacklog: () => {},
      upkeepWaits: () => false,
      stageUpkeep: async () => [],
      // Set back while a commit is made, too: what it takes is no negative time.
      commit: (_: unknown, also: (transaction: unknown) => Promise<void>) => {
        clock -= HOUR_MS;
        return subject.db.transaction().execute(also);
      },
    },
    merges: null,
    spoolFolder: '/nowhere',
    log: pino({ enabled: false }),
    meter,
    now: () => clock,
    elapsed: () => performance.now(),
  } as unknown as RunContext;
  const none = (): void => {};
  const commits = new CommitLoop(context, {
    ...{ onMarks: none, onBacklog: none, onCommitted: none, onRenamed: none },
    lanes: () => [],
    timing: () => ({ intervalMs: 100, idleMs: 100, earlyLines: 1000, lateLines: 1000 }),
    orders: {
      isWaiting: false,
      carryOut: async () => ({ steps: [], record: async () => {}, done: none }),
    },
    phase: () => 'incremental',
  });
  const end = new AbortController();
  const run = commits.run(end.signal);
  for (const position of ['1', '2', '3', '4']) {
    router.mark(position);
    await router.idle(position);
    await expect.poll(() => acknowledged.at(-1), { timeout: 3000 }).toBe(position);
    if (position === '3') clock += 5 * HOUR_MS;
  }
  end.abort();
  await run;
  expect(durations.every((duration) => duration >= 0)).toBe(true);
});
