import { join } from 'node:path';
import {
  type Attempt,
  type AttemptLog,
  Problem,
  type Run,
  type RunDetail,
  SluiceError,
  type WaitRunResult,
} from '@sluice/contract';
import { readLogTail } from './attempt-log.ts';
import { type Control, isoTime, isoTimeOrNull } from './context.ts';
import { findNamed } from './references.ts';
import { isEnded } from './run-machine.ts';
import { type AttemptRow, attemptRows, type RunRow, runRow } from './run-rows.ts';

export async function listRuns(control: Control, taskRef: string): Promise<Run[]> {
  const task = await findNamed(control.db, 'tasks', taskRef);
  const rows = await control.db
    .selectFrom('runs')
    .selectAll()
    .where('task_id', '=', task.id)
    .orderBy('id', 'desc')
    .execute();
  return rows.map(runView);
}

export async function getRun(control: Control, id: number): Promise<RunDetail> {
  const run = await runRow(control.db, id);
  return { ...runView(run), attempts: (await attemptRows(control.db, id)).map(attemptView) };
}

/** Answers when the run has ended, or when the signal aborts. */
export async function waitRun(control: Control, id: number, signal: AbortSignal): Promise<WaitRunResult> {
  for (;;) {
    const run = await runRow(control.db, id);
    const ended = isEnded(run.state);
    if (ended || signal.aborted) return { ended, run: runView(run) };
    await control.supervisor.waitForChange(500, signal);
  }
}

export async function listAttempts(control: Control, runId: number): Promise<Attempt[]> {
  await runRow(control.db, runId);
  return (await attemptRows(control.db, runId)).map(attemptView);
}

export async function attemptLog(control: Control, attemptId: number, tail: number): Promise<AttemptLog> {
  const row = await control.db
    .selectFrom('attempts')
    .select('log_path')
    .where('id', '=', attemptId)
    .executeTakeFirst();
  if (row === undefined) throw new SluiceError('NOT_FOUND', `There is no attempt ${attemptId}.`);
  return readLogTail(join(control.dataDir.root, row.log_path), tail);
}

export function runView(row: RunRow): Run {
  return {
    id: row.id,
    taskId: row.task_id,
    version: row.version,
    state: row.state as Run['state'],
    startMode: row.start_mode as Run['startMode'],
    startPosition: row.start_position,
    startedAt: isoTime(row.started_at),
    endedAt: isoTimeOrNull(row.ended_at),
    failovers: row.failovers,
    error: problemOf(row.error_json),
  };
}

function attemptView(row: AttemptRow): Attempt {
  return {
    id: row.id,
    runId: row.run_id,
    number: row.number,
    state: row.state as Attempt['state'],
    pid: row.pid,
    startedAt: isoTime(row.started_at),
    endedAt: isoTimeOrNull(row.ended_at),
    error: problemOf(row.error_json),
  };
}

export function problemOf(json: string | null): Problem | null {
  return json === null ? null : Problem.parse(JSON.parse(json));
}
