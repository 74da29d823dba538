import { describe, expect, it } from 'vitest';
import { needsOf } from './needs.ts';

const DAY = 86_400_000;
const status = (state: string, blocklisted = 0, committedAt: number | null = 0) =>
  ({
    state,
    tables: { total: 3, live: 3 - blocklisted, blocklisted },
    committedAt: committedAt === null ? null : new Date(committedAt).toISOString(),
  }) as Parameters<typeof needsOf>[0];

describe('what needs a hand', () => {
  it('is no state that somebody wished for', () => {
    for (const state of ['draft', 'starting', 'running', 'stopping', 'stopped'])
      expect(needsOf(status(state), DAY / 2)).toEqual([]);
    expect(needsOf(status('draft', 0, null), 9 * DAY)).toEqual([]);
  });

  it('is what failed, what is blocked, and a stop that outlasts what a source keeps of its log', () => {
    expect(needsOf(status('failed', 1), 0)).toEqual(['failed', 'tables']);
    expect(needsOf(status('backing_off'), 0)).toEqual(['tries again']);
    expect(needsOf(status('stopped'), 2 * DAY)).toEqual(['stopped long ago']);
  });
});
