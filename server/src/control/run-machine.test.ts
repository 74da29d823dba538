import { RUN_STATES, type RunState } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { isEnded, RUN_MACHINE, type RunAction, type RunEvent } from './run-machine.ts';

/** Every cell once more, said the other way round: by event. */
const EXPECTED: Record<RunEvent, Record<RunState, `${RunState} ${RunAction}`>> = {
  spawned: {
    starting: 'running nothing',
    running: 'running nothing',
    backing_off: 'backing_off nothing',
    stopping: 'stopping ask_process_to_stop',
    stopped: 'stopped nothing',
    failed: 'failed nothing',
  },
  stop_asked: {
    starting: 'stopping ask_process_to_stop',
    running: 'stopping ask_process_to_stop',
    backing_off: 'stopped end_stopped',
    stopping: 'stopping nothing',
    stopped: 'stopped nothing',
    failed: 'failed nothing',
  },
  attempt_stopped: {
    starting: 'backing_off pause',
    running: 'backing_off pause',
    backing_off: 'backing_off nothing',
    stopping: 'stopped end_stopped',
    stopped: 'stopped nothing',
    failed: 'failed nothing',
  },
  attempt_failed: {
    starting: 'backing_off pause',
    running: 'backing_off pause',
    backing_off: 'backing_off nothing',
    stopping: 'stopped end_stopped',
    stopped: 'stopped nothing',
    failed: 'failed nothing',
  },
  attempt_gave_up: {
    starting: 'failed end_failed',
    running: 'failed end_failed',
    backing_off: 'backing_off nothing',
    stopping: 'failed end_failed',
    stopped: 'stopped nothing',
    failed: 'failed nothing',
  },
  pause_over: {
    starting: 'starting nothing',
    running: 'running nothing',
    backing_off: 'starting fail_over',
    stopping: 'stopping nothing',
    stopped: 'stopped nothing',
    failed: 'failed nothing',
  },
  recovered: {
    starting: 'starting begin_attempt',
    running: 'starting begin_attempt',
    backing_off: 'starting fail_over',
    stopping: 'stopped end_stopped',
    stopped: 'stopped nothing',
    failed: 'failed nothing',
  },
};
const EVENTS = Object.keys(EXPECTED) as RunEvent[];

describe('the life of a run', () => {
  for (const event of EVENTS)
    for (const state of RUN_STATES)
      it(`${state} × ${event}`, () => {
        const { next, action } = RUN_MACHINE[state][event];
        expect(`${next} ${action}`).toBe(EXPECTED[event][state]);
      });

  it('never leaves an end', () => {
    for (const state of RUN_STATES.filter(isEnded))
      for (const event of EVENTS)
        expect(RUN_MACHINE[state][event]).toEqual({ next: state, action: 'nothing' });
  });

  it('ends wherever it stands once it is asked to stop and its process is gone', () => {
    for (const state of RUN_STATES) {
      const asked = RUN_MACHINE[state].stop_asked.next;
      for (const end of ['attempt_stopped', 'attempt_failed', 'attempt_gave_up'] as const)
        expect(isEnded(RUN_MACHINE[asked][end].next)).toBe(true);
    }
  });
});
