import { type MirrorSpec, parseParameters } from '@sluice/contract';
import { asCaller } from '../model/caller.ts';
import type { Control } from './context.ts';
import type { Verifications } from './verifications.ts';

/** Who asks for a comparison that is on a schedule. */
export const SCHEDULE = 'schedule';
const EVERY_MS = 5000;

export interface ScheduledTask {
  readonly id: number;
  readonly runStartedAt: number;
  /** The start of its newest comparison, whoever asked for it. */
  readonly comparedAt: number | null;
  /** verify_interval of the version that runs, milliseconds; null: none. */
  readonly intervalMs: number | null;
}

/** Of the tasks whose comparison is due, the one that waits longest. A task that began lately has its interval first. */
export function dueTask(tasks: readonly ScheduledTask[], now: number): ScheduledTask | null {
  const overdue = ({ intervalMs, runStartedAt, comparedAt }: ScheduledTask): number =>
    intervalMs === null ? -1 : now - Math.max(runStartedAt, comparedAt ?? 0) - intervalMs;
  const due = tasks.filter((task) => overdue(task) >= 0).sort((a, b) => overdue(b) - overdue(a));
  return due[0] ?? null;
}

/** Compares tasks by their `verify_interval`, one at a time whatever their number. Ends with `close`. */
export class VerificationSchedule {
  readonly #control: Control;
  readonly #verifications: Verifications;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #last: number | null = null;

  constructor(control: Control, verifications: Verifications) {
    this.#control = control;
    this.#verifications = verifications;
  }

  start(everyMs: number = EVERY_MS): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.look()
        .catch((error: unknown) =>
          this.#control.log.error({ err: error }, 'looking for comparisons that are due'),
        )
        .finally(() => {
          this.#looking = null;
        });
    }, everyMs);
    this.#timer.unref();
  }

  async look(): Promise<void> {
    if (this.#last !== null && this.#verifications.busy(this.#last)) return;
    this.#last = null;
    const free = (await scheduled(this.#control)).filter(({ id }) => !this.#verifications.busy(id));
    const due = dueTask(free, Date.now());
    if (due === null) return;
    await asCaller(SCHEDULE, () => this.#verifications.start(this.#control, String(due.id), []));
    this.#last = due.id;
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }
}

async function scheduled({ db }: Control): Promise<readonly ScheduledTask[]> {
  const rows = await db
    .selectFrom('runs')
    .innerJoin('task_versions', (join) =>
      join
        .onRef('task_versions.task_id', '=', 'runs.task_id')
        .onRef('task_versions.version', '=', 'runs.version'),
    )
    .where('runs.state', '=', 'running')
    .select(['runs.task_id', 'runs.started_at', 'task_versions.spec_json'])
    .execute();
  const newest = await db
    .selectFrom('verifications')
    .groupBy('task_id')
    .select(({ fn }) => ['task_id', fn.max('started_at').as('started_at')])
    .execute();
  const comparedAt = new Map(newest.map((row) => [row.task_id, Number(row.started_at)]));
  return rows.map(({ task_id, started_at, spec_json }) => {
    const { parameters } = JSON.parse(spec_json) as Pick<MirrorSpec, 'parameters'>;
    return {
      id: task_id,
      runStartedAt: started_at,
      comparedAt: comparedAt.get(task_id) ?? null,
      intervalMs: parseParameters(parameters).verifyInterval,
    };
  });
}
