import type { AlertFilters, AlertKind } from '@sluice/contract';
import { isMeant, isMeantTask } from './name-filter.ts';
import type { TaskObservation } from './observation.ts';

export interface RuleSettings {
  readonly kind: AlertKind;
  readonly threshold: number | null;
  readonly windowSeconds: number;
  readonly filters: AlertFilters;
}

/** One thing that a rule looks at, and how it is. */
export interface Verdict {
  readonly task: TaskObservation;
  /** null: the task as a whole. */
  readonly table: string | null;
  /** null: nobody can tell now. */
  readonly breached: boolean | null;
  /** What is wrong, in a sentence; said only where it is breached. */
  readonly message: string;
}

/** How a rule finds everything that it looks at. */
export function judge(rule: RuleSettings, tasks: readonly TaskObservation[], now: number): Verdict[] {
  return tasks
    .filter((task) => isMeantTask(rule.filters, task))
    .flatMap((task) => JUDGES[rule.kind](rule, task, now));
}

type Judge = (rule: RuleSettings, task: TaskObservation, now: number) => Verdict[];

const JUDGES: Readonly<Record<AlertKind, Judge>> = {
  task_failover: (rule, task, now) => {
    const since = now - rule.windowSeconds * 1000;
    const count = task.failovers.filter((at) => at > since).length;
    const why = task.error === null ? '' : ` ${problemText(task.error)}`;
    return [
      {
        task,
        table: null,
        breached: count >= (rule.threshold ?? 1),
        message: `${count} ${count === 1 ? 'failover' : 'failovers'} in ${spanText(rule.windowSeconds)}.${why}`,
      },
    ];
  },
  task_stopped: (_rule, task) => [
    {
      task,
      table: null,
      breached: task.state === 'failed',
      message: task.error === null ? 'The run failed.' : `The run failed. ${problemText(task.error)}`,
    },
  ],
  table_exception: (rule, task) =>
    task.tables
      .filter((table) => isMeant(rule.filters.tables, [table.name]))
      .map((table) => ({
        task,
        table: table.name,
        breached: table.blocked !== null,
        message:
          table.blocked === null ? '' : `The table is not synced any more. ${problemText(table.blocked)}`,
      })),
  latency: (rule, task) => {
    const limit = rule.threshold ?? 0;
    if (rule.filters.tables.length > 0)
      return task.tables
        .filter((table) => isMeant(rule.filters.tables, [table.name]))
        .map((table) => ({
          task,
          table: table.name,
          breached: isFollowed(task) ? (table.latencyMs ?? 0) > limit * 1000 : absent(task),
          message: `Changes take ${secondsText(table.latencyMs)} to become visible.`,
        }));
    return [
      {
        task,
        table: null,
        breached: over(task, task.latencyMs, limit),
        message: `Changes take ${secondsText(task.latencyMs)} to become visible.`,
      },
    ];
  },
  position_lag: (rule, task) => [
    {
      task,
      table: null,
      breached: over(task, task.lagMs, rule.threshold ?? 0),
      message: `The log of the source is read ${secondsText(task.lagMs)} behind its end.`,
    },
  ],
};

const isFollowed = (task: TaskObservation): boolean => task.state === 'running';

function over(task: TaskObservation, ms: number | null, limitSeconds: number): boolean | null {
  if (!isFollowed(task)) return absent(task);
  return ms === null ? null : ms > limitSeconds * 1000;
}

/** A task that nobody wants to run is well; of one that is on its way nobody knows. */
function absent(task: TaskObservation): boolean | null {
  return task.state === 'stopped' || task.state === 'draft' ? false : null;
}

const problemText = ({ code, message }: { readonly code: string; readonly message: string }): string =>
  `${message} (${code})`;

function secondsText(ms: number | null): string {
  if (ms === null) return 'an unknown time';
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : spanText(Math.round(ms / 1000));
}

/** 45 s, 3 min, 2 h 5 min */
export function spanText(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest === 0 ? '' : ` ${rest} min`}`;
}
