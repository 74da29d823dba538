import { describe, expect, it } from 'vitest';
import { judgeFailure, type PastAttempt, pauseAfter } from './failover.ts';

const NOW = 1_000_000_000;
const limits = { limit: 2, windowMs: 600_000 };
const problem = (code: string) => ({ code, message: `because of ${code}`, remedy: 'mend it' });
const failed = (ago: number, more: Partial<PastAttempt> = {}): PastAttempt => ({
  endedAt: NOW - ago,
  progressed: false,
  counted: true,
  ...more,
});

describe('judgeFailure', () => {
  it('gives up at once where a person must act', () => {
    const error = problem('SOURCE_AUTH');
    expect(judgeFailure(error, true, [], limits, NOW)).toEqual({ kind: 'give_up', error });
  });

  it('tries for ever while the other side is away, with longer pauses, and does not count it', () => {
    const away = Array.from({ length: 500 }, () => failed(1000, { counted: false }));
    expect(judgeFailure(problem('SOURCE_UNREACHABLE'), false, [], limits, NOW)).toEqual({
      kind: 'retry',
      pauseMs: 250,
      counted: false,
    });
    expect(judgeFailure(problem('SOURCE_UNREACHABLE'), false, away, limits, NOW)).toEqual({
      kind: 'retry',
      pauseMs: 30_000,
      counted: false,
    });
    // What was not counted does not use up the limit of another error.
    expect(judgeFailure(problem('RUNNER_DIED'), false, away, limits, NOW)).toMatchObject({ kind: 'retry' });
  });

  it('gives up past the limit, and names the last error', () => {
    const verdicts = [0, 1, 2].map((past) =>
      judgeFailure(problem('RUNNER_DIED'), false, Array(past).fill(failed(1000)), limits, NOW),
    );
    expect(verdicts.map((verdict) => verdict.kind)).toEqual(['retry', 'retry', 'give_up']);
    expect(verdicts[2]).toMatchObject({
      error: { code: 'FAILOVER_LIMIT', message: expect.stringContaining('because of RUNNER_DIED') },
    });
    expect(judgeFailure(problem('RUNNER_DIED'), false, [], { ...limits, limit: 0 }, NOW).kind).toBe(
      'give_up',
    );
  });

  it('counts only what is in the window', () => {
    const old = Array(9).fill(failed(limits.windowMs));
    expect(judgeFailure(problem('INTERNAL'), false, old, limits, NOW).kind).toBe('retry');
  });

  it('begins anew with progress', () => {
    const past = [failed(5000), failed(4000), failed(3000)];
    expect(judgeFailure(problem('INTERNAL'), true, past, limits, NOW)).toEqual({
      kind: 'retry',
      pauseMs: 250,
      counted: true,
    });
    // The attempt that progressed has failed too: it is the first of the new row.
    const since = [...past, failed(2000, { progressed: true }), failed(1000)];
    expect(judgeFailure(problem('INTERNAL'), false, since, limits, NOW).kind).toBe('give_up');
    expect(judgeFailure(problem('INTERNAL'), false, since.slice(0, -1), limits, NOW)).toMatchObject({
      kind: 'retry',
      pauseMs: 1000,
    });
  });

  it('takes an error that it does not know for a fault that may pass', () => {
    expect(judgeFailure(problem('NEW_CODE'), false, [], limits, NOW)).toMatchObject({
      kind: 'retry',
      counted: true,
    });
    expect(judgeFailure(problem('constructor'), false, [], limits, NOW).kind).toBe('retry');
  });
});

describe('pauseAfter', () => {
  it('is short once, then doubles from 1 s to 30 s', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 1e9].map(pauseAfter)).toEqual([
      250, 250, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });
});
