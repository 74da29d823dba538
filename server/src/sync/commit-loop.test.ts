import { expect, it } from 'vitest';
import { dueIn, isBacklog } from './commit-loop.ts';

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
