import type { TaskStatus, TaskTable } from '@sluice/contract';
import type { Tone } from '../design/badge.tsx';

interface Look {
  readonly tone: Tone;
  readonly text: string;
  readonly about: string;
}

/** A state that was wished for never looks like trouble: a task that was stopped is grey, not red. */
const TASK: Readonly<Record<TaskStatus['state'], Look>> = {
  draft: { tone: 'idle', text: 'draft', about: 'Never published, or undeployed' },
  stopped: { tone: 'idle', text: 'stopped', about: 'Published, not running; its position is kept' },
  starting: { tone: 'busy', text: 'starting', about: "The attempt's process is being made" },
  running: { tone: 'good', text: 'running', about: 'It works' },
  backing_off: {
    tone: 'warn',
    text: 'tries again soon',
    about: 'The last attempt failed; the next begins by itself',
  },
  stopping: { tone: 'busy', text: 'stopping', about: 'It makes its last commit' },
  failed: { tone: 'bad', text: 'failed', about: 'Somebody has to act, then start it' },
};

export const taskLook = (state: TaskStatus['state']): Look => TASK[state];

const PHASES: Readonly<Record<string, string>> = {
  initialization: 'initialization',
  full_load: 'full load',
  incremental: 'incremental',
};
export const phaseText = (phase: string | null): string => (phase === null ? '–' : (PHASES[phase] ?? phase));

const TABLE: Readonly<Record<string, Look>> = {
  pending: { tone: 'busy', text: 'waits for its load', about: 'Its changes are kept meanwhile' },
  loading: { tone: 'busy', text: 'loading', about: 'Its rows are read; its changes are kept meanwhile' },
  backfilling: { tone: 'busy', text: 'backfilling', about: 'Rows are read again beside the visible table' },
  catching_up: {
    tone: 'busy',
    text: 'catching up',
    about: 'Its rows are read; the kept changes are applied',
  },
  live: { tone: 'good', text: 'live', about: 'Its changes are applied with every commit' },
  paused: { tone: 'idle', text: 'paused', about: 'By a person; its changes are kept' },
  lapsed: {
    tone: 'warn',
    text: 'paused too long',
    about: 'Its changes are no longer kept: to resume is to load anew',
  },
  stopped: {
    tone: 'idle',
    text: 'stopped',
    about: 'By a person; its changes are dropped, what is visible stays',
  },
  stalled: { tone: 'bad', text: 'stalled', about: 'Its changes cannot be applied; they are kept' },
  blocked: { tone: 'bad', text: 'blocked', about: 'It cannot be followed; its changes are dropped' },
  dropped: { tone: 'idle', text: 'dropped', about: 'No longer at the source; what is visible stays' },
};

export const tableLook = (state: TaskTable['state']): Look =>
  TABLE[state] ?? { tone: 'warn', text: state, about: 'A state that this Studio does not know' };

/** How far behind the source a task is. It goes on growing while nothing is committed. */
export function behindMs(status: TaskStatus, now: number): number | null {
  if (status.phase !== 'incremental' || status.committedAt === null) return null;
  if (status.state === 'running') return status.latencyMs;
  return now - Date.parse(status.committedAt);
}
