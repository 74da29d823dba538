import { setTimeout as pause } from 'node:timers/promises';
import {
  CreateTask,
  type PublishedVersion,
  parseParameters,
  SluiceError,
  type TASK_STATES,
  type Task,
  TaskSpec,
  TaskSpecInput,
  type TaskVersion,
  taskTypeWord,
  waitsForStart,
} from '@sluice/contract';
import type { Selectable } from 'kysely';
import type { z } from 'zod';
import { within } from '../model/deadline.ts';
import { recordEvent } from '../store/events.ts';
import { isUniqueViolation } from '../store/metastore-error.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Metastore } from '../store/tables.ts';
import { type Control, isoTime } from './context.ts';
import { draftOf, readDraft } from './draft.ts';
import { publishableMerge } from './merge/publish.ts';
import { resolveMerge } from './merge/resolve.ts';
import { checkMirror } from './publish-check.ts';
import { findNamed } from './references.ts';
import { isEnded } from './run-machine.ts';
import { newestRun, runRow, specOfVersion } from './run-rows.ts';
import { makeSourceKey } from './source-key.ts';

/** A run takes a version over within a moment; one that is just being started again reads it then. */
const TAKEN_OVER_MS = 5000;

export type TaskRow = Selectable<Metastore['tasks']>;
export type TaskState = (typeof TASK_STATES)[number];

export async function listTasks(control: Control, folder: string | undefined): Promise<Task[]> {
  const within = folder === undefined ? null : (await findNamed(control.db, 'folders', folder)).id;
  let query = control.db.selectFrom('tasks').selectAll().orderBy('name');
  if (within !== null) query = query.where('folder_id', '=', within);
  return Promise.all((await query.execute()).map((row) => taskView(control.db, row)));
}

export async function getTask(control: Control, ref: string): Promise<Task> {
  return taskView(control.db, await findNamed(control.db, 'tasks', ref));
}

/** @throws SluiceError ALREADY_EXISTS, NOT_FOUND (folder, data source, VCluster), INVALID_REQUEST (parameters) */
export async function createTask(control: Control, request: CreateTask): Promise<Task> {
  const { name, folder, taskType, spec } = CreateTask.parse(request);
  return control.db.transaction().execute(async (trx) => {
    const folderRow = await findNamed(trx, 'folders', folder);
    const draft = spec === undefined ? null : await resolveSpec(trx, spec);
    return taskView(trx, await insertTask(trx, { name, folder: folderRow.id, taskType, draft }));
  });
}

/** @throws SluiceError ALREADY_EXISTS */
export async function insertTask(
  trx: MetastoreDb,
  task: {
    readonly name: string;
    readonly folder: number;
    readonly taskType: number;
    readonly draft: TaskSpec | null;
  },
): Promise<TaskRow> {
  const now = Date.now();
  const { insertId } = await trx
    .insertInto('tasks')
    .values({
      name: task.name,
      source_key: makeSourceKey(task.name),
      folder_id: task.folder,
      task_type: task.taskType,
      draft_json: JSON.stringify(task.draft),
      published_version: null,
      created_at: now,
      updated_at: now,
    })
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => {
      if (!isUniqueViolation(error)) throw error;
      throw new SluiceError('ALREADY_EXISTS', `A task ${JSON.stringify(task.name)} exists already.`);
    });
  await recordEvent(trx, { kind: 'task.created', taskId: Number(insertId) });
  return findNamed(trx, 'tasks', Number(insertId));
}

/** Replaces the draft. What runs goes on with the version that it was started with. */
export async function configureTask(control: Control, ref: string, spec: TaskSpecInput): Promise<Task> {
  return control.db.transaction().execute(async (trx) => {
    const row = await findNamed(trx, 'tasks', ref);
    const draft = await resolveSpec(trx, TaskSpecInput.parse(spec));
    await saveDraft(trx, row.id, draft);
    return taskView(trx, await findNamed(trx, 'tasks', row.id));
  });
}

export async function saveDraft(
  trx: MetastoreDb,
  id: number,
  draft: TaskSpec,
  folder?: number,
): Promise<void> {
  await trx
    .updateTable('tasks')
    .set({
      draft_json: JSON.stringify(draft),
      updated_at: Date.now(),
      ...(folder === undefined ? {} : { folder_id: folder }),
    })
    .where('id', '=', id)
    .execute();
  await recordEvent(trx, { kind: 'task.configured', taskId: id });
}

/**
 * Whether a spec stands against its source.
 * @throws SluiceError SOURCE_*, NO_TABLES, TABLE_NAME_TAKEN, MERGE_REFUSED, INVALID_REQUEST
 */
export async function checkSpec(control: Control, spec: TaskSpec, signal: AbortSignal): Promise<void> {
  if (spec.pipelineType === 2) await publishableMerge(control, spec, signal);
  else await checkMirror(control, spec, signal);
}

/**
 * Keeps the draft as the next version, once it has stood against the source; does not start it. A run that is under way
 * takes it over, where it can.
 * @throws SluiceError SOURCE_*, NO_TABLES, TABLE_NAME_TAKEN, INVALID_REQUEST
 */
export async function publishTask(
  control: Control,
  ref: string,
  signal: AbortSignal,
): Promise<PublishedVersion> {
  const published = await publishVersion(control, ref, signal);
  const { id } = await findNamed(control.db, 'tasks', ref);
  const run = await newestRun(control.db, id);
  if (run === null || isEnded(run.state))
    return { ...published, takesEffect: 'at the next start', waits: [] };
  const before = await specOfVersion(control.db, id, run.version);
  const waits = waitsForStart(before, published.spec);
  if (waits.length > 0) return { ...published, takesEffect: 'at the next start', waits: [...waits] };
  control.supervisor.look(run.id);
  // Whoever waits for the task next is to find it as it will be.
  const patience = within(signal, TAKEN_OVER_MS);
  while (!patience.aborted && (await runRow(control.db, run.id)).version < published.version)
    await pause(50, undefined, { signal: patience }).catch(() => {});
  return { ...published, takesEffect: 'now', waits: [] };
}

async function publishVersion(control: Control, ref: string, signal: AbortSignal): Promise<TaskVersion> {
  const task = await findNamed(control.db, 'tasks', ref);
  const { id, draft_json } = task;
  const spec = draftOf(task);
  await checkSpec(control, spec, signal);
  return control.db.transaction().execute(async (trx) => {
    const row = await findNamed(trx, 'tasks', id);
    if (row.draft_json !== draft_json)
      throw new SluiceError('CONFLICT', `The draft of ${row.name} was changed while it was checked.`);
    if (row.published_version !== null) await refuseOtherSource(trx, row, spec);
    const last = await trx
      .selectFrom('task_versions')
      .select(({ fn }) => fn.max('version').as('version'))
      .where('task_id', '=', id)
      .executeTakeFirst();
    const version = (last?.version ?? 0) + 1;
    const now = Date.now();
    await trx
      .insertInto('task_versions')
      .values({ task_id: id, version, spec_json: JSON.stringify(spec), published_at: now })
      .execute();
    await trx
      .updateTable('tasks')
      .set({ published_version: version, updated_at: now })
      .where('id', '=', id)
      .execute();
    await recordEvent(trx, { kind: 'task.published', taskId: id, detail: { version } });
    return { version, spec, publishedAt: isoTime(now) };
  });
}

export async function listTaskVersions(control: Control, ref: string): Promise<TaskVersion[]> {
  const task = await findNamed(control.db, 'tasks', ref);
  const rows = await control.db
    .selectFrom('task_versions')
    .selectAll()
    .where('task_id', '=', task.id)
    .orderBy('version', 'desc')
    .execute();
  return rows.map((row) => ({
    version: row.version,
    spec: TaskSpec.parse(JSON.parse(row.spec_json)),
    publishedAt: isoTime(row.published_at),
  }));
}

/** Asks the task's run to stop and waits for its end, as long as the signal allows. @returns the run's id */
export async function stopTask(control: Control, ref: string, signal: AbortSignal): Promise<number> {
  const task = await findNamed(control.db, 'tasks', ref);
  const run = await newestRun(control.db, task.id);
  if (run === null || isEnded(run.state))
    throw new SluiceError('CONFLICT', `The task ${task.name} does not run.`);
  await recordEvent(control.db, { kind: 'run.stop-asked', taskId: task.id, runId: run.id });
  control.supervisor.stop(run.id);
  while (!signal.aborted && !isEnded((await runRow(control.db, run.id)).state))
    await control.supervisor.waitForChange(500, signal);
  return run.id;
}

export async function taskState(db: MetastoreDb, row: TaskRow): Promise<TaskState> {
  if (row.published_version === null) return 'draft';
  const run = await newestRun(db, row.id);
  return run === null ? 'stopped' : (run.state as TaskState);
}

/** @throws SluiceError CONFLICT where a run of the task has not ended */
export async function refuseRunning(db: MetastoreDb, task: TaskRow): Promise<void> {
  const run = await newestRun(db, task.id);
  if (run !== null && !isEnded(run.state))
    throw new SluiceError('CONFLICT', `The task ${task.name} runs.`, {
      remedy: 'Stop it first: sluice task stop.',
    });
}

/** The saved position is one of the source that it came from. */
export async function refuseOtherSource(db: MetastoreDb, row: TaskRow, spec: TaskSpec): Promise<void> {
  const before = await specOfVersion(db, row.id, row.published_version ?? 0);
  if (sourceOf(before) !== sourceOf(spec))
    throw new SluiceError(
      'CONFLICT',
      `The task ${row.name} is published for another data source or database, or as another kind.`,
      {
        remedy: 'Undeploy it first (its target tables stay), then publish it again.',
      },
    );
}

/** Shards come and go while a merge is published; a mirror stays with its database. */
const sourceOf = (spec: TaskSpec): string =>
  spec.pipelineType === 2 ? 'merge' : JSON.stringify([spec.dataSource, spec.database]);

/**
 * A spec as it is saved. Nothing is connected to.
 * @throws SluiceError NOT_FOUND (data source, VCluster), INVALID_REQUEST
 */
export async function resolveSpec(db: MetastoreDb, input: z.output<typeof TaskSpecInput>): Promise<TaskSpec> {
  const pool = await findNamed(db, 'vclusters', input.vcluster);
  if (!pool.type.includes('SYNC'))
    throw new SluiceError(
      'INVALID_REQUEST',
      `vcluster: ${pool.name} is of type ${pool.type}, and cannot sync.`,
      {
        remedy: 'Choose a VCluster whose type contains SYNC, such as default_sync.',
      },
    );
  parseParameters(input.parameters);
  if (input.pipelineType === 2) return resolveMerge(db, { ...input, vcluster: pool.name });
  const source = await findNamed(db, 'data_sources', input.dataSource);
  return TaskSpec.parse({ ...input, dataSource: source.id, vcluster: pool.name });
}

async function taskView(db: MetastoreDb, row: TaskRow): Promise<Task> {
  const folder = await findNamed(db, 'folders', row.folder_id);
  return {
    id: row.id,
    name: row.name,
    folder: { id: folder.id, name: folder.name },
    taskType: row.task_type,
    type: taskTypeWord(row.task_type) ?? String(row.task_type),
    state: await taskState(db, row),
    publishedVersion: row.published_version,
    draft: readDraft(row.draft_json),
    createdAt: isoTime(row.created_at),
    updatedAt: isoTime(row.updated_at),
  };
}
