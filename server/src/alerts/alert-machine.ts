/**
 * quiet      all is well, or nobody looks
 * pending    it is so, but not for long enough
 * firing     it was told
 * clearing   it is well again, but not for long enough
 */
export const ALERT_MACHINE_STATES = ['quiet', 'pending', 'firing', 'clearing'] as const;
export type MachineState = (typeof ALERT_MACHINE_STATES)[number];

/**
 * breached    what the rule watches for is so
 * held        it has been so for as long as the rule wants
 * well        it is not so
 * calm        it has not been so for as long as the rule wants
 * unknown     nobody can tell now: the source is away, the process is being made
 * withdrawn   the rule or what it looks at is gone, or was switched off
 */
export const ALERT_EVENTS = ['breached', 'held', 'well', 'calm', 'unknown', 'withdrawn'] as const;
export type AlertEvent = (typeof ALERT_EVENTS)[number];

export interface Transition {
  readonly next: MachineState;
  /** What is said. */
  readonly say: 'fired' | 'cleared' | null;
}

const to = (next: MachineState, say: Transition['say'] = null): Transition => ({ next, say });

/** Every cell. What was told when it fired is told when it clears, and nothing else is. */
export const ALERT_MACHINE: Readonly<Record<MachineState, Readonly<Record<AlertEvent, Transition>>>> = {
  quiet: {
    breached: to('pending'),
    held: to('firing', 'fired'),
    well: to('quiet'),
    calm: to('quiet'),
    unknown: to('quiet'),
    withdrawn: to('quiet'),
  },
  pending: {
    breached: to('pending'),
    held: to('firing', 'fired'),
    well: to('quiet'),
    calm: to('quiet'),
    // The time goes on: a source that comes and goes is no better than one that is slow.
    unknown: to('pending'),
    withdrawn: to('quiet'),
  },
  firing: {
    breached: to('firing'),
    held: to('firing'),
    well: to('clearing'),
    calm: to('quiet', 'cleared'),
    unknown: to('firing'),
    // Who was told that it fired is told that nobody looks any more.
    withdrawn: to('quiet', 'cleared'),
  },
  clearing: {
    // It was never told to be over.
    breached: to('firing'),
    held: to('firing'),
    well: to('clearing'),
    calm: to('quiet', 'cleared'),
    unknown: to('clearing'),
    withdrawn: to('quiet', 'cleared'),
  },
};

/** What is remembered of one subject of one rule. */
export interface Watched {
  readonly state: MachineState;
  /** Since when it is as it is now, breached or well; milliseconds since 1970. */
  readonly since: number;
}

export const QUIET: Watched = { state: 'quiet', since: 0 };

/** One look: `true` breached, `false` well, null unknown, undefined withdrawn. */
export function look(
  before: Watched,
  breached: boolean | null | undefined,
  now: number,
  rule: { readonly holdSeconds: number; readonly calmSeconds: number },
): { readonly after: Watched; readonly say: Transition['say'] } {
  const wasBreached = before.state === 'pending' || before.state === 'firing';
  const since = breached === true ? (wasBreached ? before.since : now) : sinceWell(before, breached, now);
  const event = eventOf(breached, now - since, rule);
  const { next, say } = ALERT_MACHINE[before.state][event];
  return { after: { state: next, since }, say };
}

function sinceWell(before: Watched, breached: boolean | null | undefined, now: number): number {
  if (breached !== false) return before.since;
  return before.state === 'clearing' ? before.since : now;
}

function eventOf(
  breached: boolean | null | undefined,
  forMs: number,
  rule: { readonly holdSeconds: number; readonly calmSeconds: number },
): AlertEvent {
  if (breached === undefined) return 'withdrawn';
  if (breached === null) return 'unknown';
  if (breached) return forMs >= rule.holdSeconds * 1000 ? 'held' : 'breached';
  return forMs >= rule.calmSeconds * 1000 ? 'calm' : 'well';
}
