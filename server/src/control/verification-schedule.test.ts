import { describe, expect, it } from 'vitest';
import { dueTask, type ScheduledTask } from './verification-schedule.ts';

const HOUR = 3_600_000;
const task = (id: number, other: Partial<ScheduledTask>): ScheduledTask => ({
  id,
  runStartedAt: 0,
  comparedAt: null,
  intervalMs: HOUR,
  ...other,
});

describe('the comparison that is due', () => {
  it('is one interval behind the start of the run, or behind the last comparison', () => {
    expect(dueTask([task(1, {})], HOUR - 1)).toBeNull();
    expect(dueTask([task(1, {})], HOUR)?.id).toBe(1);
    expect(dueTask([task(1, { comparedAt: HOUR })], 2 * HOUR - 1)).toBeNull();
    expect(dueTask([task(1, { comparedAt: HOUR })], 2 * HOUR)?.id).toBe(1);
    // A run that began behind the last comparison has its interval first.
    expect(dueTask([task(1, { comparedAt: HOUR, runStartedAt: 2 * HOUR })], 2.5 * HOUR)).toBeNull();
  });

  it('is none of a task without an interval', () => {
    expect(dueTask([task(1, { intervalMs: null })], 1000 * HOUR)).toBeNull();
  });

  it('is that of the task which waits longest', () => {
    const tasks = [
      task(1, { comparedAt: HOUR }),
      task(2, { comparedAt: HOUR / 2 }),
      task(3, { intervalMs: null }),
    ];
    expect(dueTask(tasks, 5 * HOUR)?.id).toBe(2);
  });
});
