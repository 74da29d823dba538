import { join } from 'node:path';
import type { EventDetail, Problem, RunState, StartMode } from '@sluice/contract';
import { SluiceError, TaskSpec } from '@sluice/contract';
import type { Selectable } from 'kysely';
import { BY_ITSELF } from '../model/caller.ts';
import { type NewEvent, recordEvent } from '../store/events.ts';
import { isUniqueViolation } from '../store/metastore-error.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Metastore } from '../store/tables.ts';
import { isEnded } from './run-machine.ts';

export type RunRow = Selectable<Metastore['runs']>;
export type AttemptRow = Selectable<Metastore['attempts']>;

export async function runRow(db: MetastoreDb, runId: number): Promise<RunRow> {
  const row = await db.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirst();
  if (row === undefined) throw new SluiceError('NOT_FOUND', `There is no run ${runId}.`);
  return row;
}

export async function newestRun(db: MetastoreDb, taskId: number): Promise<RunRow | null> {
  const row = await db
    .selectFrom('runs')
    .selectAll()
    .where('task_id', '=', taskId)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

export function attemptRows(db: MetastoreDb, runId: number): Promise<AttemptRow[]> {
  return db.selectFrom('attempts').selectAll().where('run_id', '=', runId).orderBy('number').execute();
}

export async function specOfVersion(db: MetastoreDb, taskId: number, version: number): Promise<TaskSpec> {
  const row = await db
    .selectFrom('task_versions')
    .select('spec_json')
    .where('task_id', '=', taskId)
    .where('version', '=', version)
    .executeTakeFirst();
  if (row === undefined) throw new SluiceError('NOT_FOUND', `Task ${taskId} has no version ${version}.`);
  return TaskSpec.parse(JSON.parse(row.spec_json));
}

/**
 * A new run of the task's published version, in state `starting`.
 * @throws SluiceError CONFLICT where the task is not published, or a run of it has not ended
 */
export async function insertRun(
  db: MetastoreDb,
  taskId: number,
  mode: StartMode,
  position: string | null,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const task = await trx
      .selectFrom('tasks')
      .select(['name', 'published_version'])
      .where('id', '=', taskId)
      .executeTakeFirst();
    if (task === undefined) throw new SluiceError('NOT_FOUND', `There is no task ${taskId}.`);
    if (task.published_version === null)
      throw new SluiceError('CONFLICT', `The task ${task.name} is not published.`, {
        remedy: 'Publish it first: sluice task deploy.',
      });
    try {
      const { insertId } = await trx
        .insertInto('runs')
        .values({
          task_id: taskId,
          version: task.published_version,
          state: 'starting' satisfies RunState,
          start_mode: mode,
          start_position: position,
          started_at: Date.now(),
          ended_at: null,
          error_json: null,
        })
        .executeTakeFirstOrThrow();
      const runId = Number(insertId);
      const detail = { mode, position, version: task.published_version };
      await recordEvent(trx, { kind: 'run.started', taskId, runId, detail });
      return runId;
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new SluiceError('CONFLICT', `The task ${task.name} runs already.`, { cause: error });
    }
  });
}

/**
 * The run's next attempt. From this commit on it alone may write the task's progress: an older attempt that still
 * lives finds itself fenced.
 */
export async function insertAttempt(
  db: MetastoreDb,
  run: RunRow,
  failover: boolean,
): Promise<{ readonly id: number; readonly number: number; readonly logPath: string }> {
  return db.transaction().execute(async (trx) => {
    const last = await trx
      .selectFrom('attempts')
      .select(({ fn }) => fn.max('number').as('number'))
      .where('run_id', '=', run.id)
      .executeTakeFirst();
    const number = (last?.number ?? 0) + 1;
    const logPath = join('logs', `run-${run.id}`, `attempt-${number}.log`);
    const { insertId } = await trx
      .insertInto('attempts')
      .values({
        run_id: run.id,
        number,
        pid: null,
        state: 'running',
        started_at: Date.now(),
        ended_at: null,
        error_json: null,
        log_path: logPath,
      })
      .executeTakeFirstOrThrow();
    const id = Number(insertId);
    await trx
      .insertInto('checkpoints')
      .values({
        task_id: run.task_id,
        attempt_id: id,
        position: null,
        next_ord: 1,
        committed_at: null,
        phase: 'initialization',
        rows_read: 0,
        rows_written: 0,
      })
      .onConflict((conflict) => conflict.column('task_id').doUpdateSet({ attempt_id: id }))
      .execute();
    await trx
      .updateTable('runs')
      .set((eb) => ({
        state: 'starting' satisfies RunState,
        failovers: failover ? eb('failovers', '+', 1) : eb.ref('failovers'),
      }))
      .where('id', '=', run.id)
      .execute();
    await recordEvent(trx, {
      kind: 'attempt.began',
      taskId: run.task_id,
      runId: run.id,
      detail: { number, failover },
      by: BY_ITSELF,
    });
    return { id, number, logPath };
  });
}

export async function endAttempt(
  db: MetastoreDb,
  attemptId: number,
  end: {
    readonly state: 'stopped' | 'failed';
    readonly error: Problem | null;
    readonly progressed: boolean;
    readonly counted: boolean;
  },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const ended = await trx
      .updateTable('attempts')
      .set({
        state: end.state,
        ended_at: Date.now(),
        error_json: end.error === null ? null : JSON.stringify(end.error),
        progressed: end.progressed ? 1 : 0,
        counted: end.counted ? 1 : 0,
      })
      .where('id', '=', attemptId)
      .where('state', '=', 'running')
      .returning('run_id')
      .executeTakeFirst();
    if (ended !== undefined && end.error !== null)
      await recordOfRun(trx, ended.run_id, { kind: 'attempt.failed', detail: detailOf(end.error) });
  });
}

const detailOf = ({ code, message }: Problem): EventDetail => ({ code, message });

/** What a run does by itself, whoever has set it going. */
async function recordOfRun(
  trx: MetastoreDb,
  runId: number,
  event: Pick<NewEvent, 'kind' | 'detail'>,
): Promise<void> {
  const { task_id: taskId } = await runRow(trx, runId);
  await recordEvent(trx, { ...event, taskId, runId, by: BY_ITSELF });
}

/** Moves a run on; an error is kept, and shown while the next attempt waits. */
export async function setRunState(
  db: MetastoreDb,
  runId: number,
  state: RunState,
  error: Problem | null,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .updateTable('runs')
      .set({
        state,
        ended_at: isEnded(state) ? Date.now() : null,
        error_json: error === null ? null : JSON.stringify(error),
      })
      .where('id', '=', runId)
      .execute();
    if (state === 'stopped') await recordOfRun(trx, runId, { kind: 'run.stopped' });
    if (state === 'failed')
      await recordOfRun(trx, runId, { kind: 'run.failed', detail: error === null ? {} : detailOf(error) });
  });
}
