import { ERRORS, type ErrorCode, type Problem } from '@sluice/contract';

/** A failed attempt as the rule sees it; the newest last. */
export interface PastAttempt {
  readonly endedAt: number;
  readonly progressed: boolean;
  /** Its failure counts against the limit (ErrorRule.retry is `limited`). */
  readonly counted: boolean;
}

export interface FailoverLimits {
  /** Failures without progress that are taken within the window. */
  readonly limit: number;
  readonly windowMs: number;
}

export type Verdict =
  | { readonly kind: 'retry'; readonly pauseMs: number; readonly counted: boolean }
  | { readonly kind: 'give_up'; readonly error: Problem };

/** What waits for the next attempt are rows that come late; that nothing turns in a circle, an attempt's own start sees to. */
const FIRST_PAUSE_MS = 250;
const SECOND_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** 0.25 s, 1 s, 2 s, 4 s … 30 s for the first, second, third, fourth failure in a row without progress. */
export function pauseAfter(failures: number): number {
  if (failures <= 1) return FIRST_PAUSE_MS;
  return Math.min(LONGEST_PAUSE_MS, SECOND_PAUSE_MS * 2 ** Math.min(failures - 2, 10));
}

/**
 * Whether an attempt that failed just now is followed by another, and after how long.
 * @param past the run's earlier attempts, the newest last
 * @param progressed whether the task got further while the failed attempt ran
 */
export function judgeFailure(
  error: Problem,
  progressed: boolean,
  past: readonly PastAttempt[],
  limits: FailoverLimits,
  now: number,
): Verdict {
  const retry = Object.hasOwn(ERRORS, error.code) ? ERRORS[error.code as ErrorCode].retry : 'limited';
  if (retry === 'never') return { kind: 'give_up', error };
  const counted = retry === 'limited';
  // An attempt that got further starts the count anew: it and what came after it remain.
  let since = progressed ? past.length : 0;
  if (!progressed) for (const [index, attempt] of past.entries()) if (attempt.progressed) since = index;
  const row = past.slice(since);
  const failures =
    row.filter((attempt) => attempt.counted && attempt.endedAt > now - limits.windowMs).length + 1;
  if (counted && failures > limits.limit)
    return {
      kind: 'give_up',
      error: {
        code: 'FAILOVER_LIMIT',
        message: `The task failed ${failures} times in a row without progress, at last with ${error.code}: ${error.message}`,
        remedy: `${ERRORS.FAILOVER_LIMIT.remedy} ${error.remedy}`,
      },
    };
  return { kind: 'retry', pauseMs: pauseAfter(row.length + 1), counted };
}
