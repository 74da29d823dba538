import type { RunState } from '@sluice/contract';

/**
 * A run's life as one table: what happens to it in each state, and what is to be done then. No I/O here; the
 * supervisor does the actions.
 */
export type RunEvent =
  /** The attempt's process lives. */
  | 'spawned'
  /** Somebody asked to stop the task. */
  | 'stop_asked'
  /** The attempt ended as it was asked to. */
  | 'attempt_stopped'
  /** The attempt failed, and another may be tried. */
  | 'attempt_failed'
  /** The attempt failed, and a person must act first. */
  | 'attempt_gave_up'
  /** The pause after a failure is over. */
  | 'pause_over'
  /** A server found this run when it started: whatever process it had is gone. */
  | 'recovered';

export type RunAction =
  | 'nothing'
  /** Make the next attempt and its process. */
  | 'begin_attempt'
  /** The same, counted as a failover. */
  | 'fail_over'
  | 'ask_process_to_stop'
  | 'pause'
  | 'end_stopped'
  | 'end_failed';

export interface Step {
  readonly next: RunState;
  readonly action: RunAction;
}

const step = (next: RunState, action: RunAction = 'nothing'): Step => ({ next, action });

export const RUN_MACHINE: Readonly<Record<RunState, Readonly<Record<RunEvent, Step>>>> = {
  starting: {
    spawned: step('running'),
    stop_asked: step('stopping', 'ask_process_to_stop'),
    // Nobody asked: somebody else ended the process politely.
    attempt_stopped: step('backing_off', 'pause'),
    attempt_failed: step('backing_off', 'pause'),
    attempt_gave_up: step('failed', 'end_failed'),
    pause_over: step('starting'),
    recovered: step('starting', 'begin_attempt'),
  },
  running: {
    spawned: step('running'),
    stop_asked: step('stopping', 'ask_process_to_stop'),
    attempt_stopped: step('backing_off', 'pause'),
    attempt_failed: step('backing_off', 'pause'),
    attempt_gave_up: step('failed', 'end_failed'),
    pause_over: step('running'),
    recovered: step('starting', 'begin_attempt'),
  },
  backing_off: {
    spawned: step('backing_off'),
    stop_asked: step('stopped', 'end_stopped'),
    attempt_stopped: step('backing_off'),
    attempt_failed: step('backing_off'),
    attempt_gave_up: step('backing_off'),
    pause_over: step('starting', 'fail_over'),
    recovered: step('starting', 'fail_over'),
  },
  stopping: {
    // The stop was asked for before the process could hear it.
    spawned: step('stopping', 'ask_process_to_stop'),
    stop_asked: step('stopping'),
    attempt_stopped: step('stopped', 'end_stopped'),
    // It was to end, and it has: what is committed is committed.
    attempt_failed: step('stopped', 'end_stopped'),
    attempt_gave_up: step('failed', 'end_failed'),
    pause_over: step('stopping'),
    recovered: step('stopped', 'end_stopped'),
  },
  stopped: ended('stopped'),
  failed: ended('failed'),
};

/** Late news changes nothing of what has ended. */
function ended(state: 'stopped' | 'failed'): Readonly<Record<RunEvent, Step>> {
  const same = step(state);
  return {
    spawned: same,
    stop_asked: same,
    attempt_stopped: same,
    attempt_failed: same,
    attempt_gave_up: same,
    pause_over: same,
    recovered: same,
  };
}

export const isEnded = (state: string): boolean => state === 'stopped' || state === 'failed';
