import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError, type TableRef, type UndeployResult } from '@sluice/contract';
import { recordEvent } from '../store/events.ts';
import { forgetProgress, readCheckpoint, readLanes } from '../store/progress.ts';
import type { Control } from './context.ts';
import { findNamed } from './references.ts';
import { specOfVersion } from './run-rows.ts';
import { type KeptThere, keptAtSources } from './task-sources.ts';
import { refuseRunning } from './tasks.ts';

/**
 * Forgets how far a task has come, and what its source keeps for it. Every target table stays.
 *
 * The source is asked first: were it the other way round, a failure would leave a slot behind that holds the
 * source's log for ever and that nobody remembers. Asked again after a crash, it finds nothing to drop.
 * @throws SluiceError CONFIRMATION_REQUIRED with what it would do, CONFLICT while the task runs, SOURCE_*
 */
export async function undeployTask(
  control: Control,
  ref: string,
  request: { readonly confirm: boolean; readonly force: boolean },
  signal: AbortSignal,
): Promise<UndeployResult> {
  const { db } = control;
  const task = await findNamed(db, 'tasks', ref);
  if (task.published_version === null)
    throw new SluiceError('CONFLICT', `The task ${task.name} is not published.`);
  await refuseRunning(db, task);
  const spec = await specOfVersion(db, task.id, task.published_version);
  const position = (await readCheckpoint(db, task.id))?.position ?? null;
  const kept = (await readLanes(db, task.id)).map(
    (lane): TableRef => ({ schema: lane.target_schema, table: lane.target_table }),
  );
  const there = await keptAtSources(control, task, spec, position, signal);
  const keeps = `${kept.length} target ${kept.length === 1 ? 'table stays' : 'tables stay'} with every row`;
  if (!request.confirm)
    throw new SluiceError(
      'CONFIRMATION_REQUIRED',
      `Undeploying ${task.name} forgets its position${position === null ? '' : ` ${position}`}${there.map(({ what, source }) => ` and drops its ${what} at ${source}`).join('')}; the next start loads everything anew. ${keeps}.`,
    );
  const left = new Map<KeptThere, SluiceError | null>();
  for (const one of there) left.set(one, await forgetThere(one, request.force, signal));
  await db.transaction().execute(async (trx) => {
    await refuseRunning(trx, task);
    await forgetProgress(trx, task.id);
    await trx
      .updateTable('tasks')
      .set({ published_version: null, updated_at: Date.now() })
      .where('id', '=', task.id)
      .execute();
    await recordEvent(trx, { kind: 'task.undeployed', taskId: task.id, detail: { position } });
  });
  await rm(join(control.dataDir.work, `task-${task.id}`), { recursive: true, force: true });
  return {
    done: [
      ...there.map((one) => {
        const error = left.get(one) ?? null;
        return error === null
          ? `Dropped what ${one.source} kept for the task (${one.what}).`
          : `${one.source} still keeps the ${one.what} sluice_${one.taskKey}, and ${one.cost}: drop them there. (${error.message})`;
      }),
      position === null ? 'There was no position to forget.' : `Forgot the position ${position}.`,
      `${keeps}.`,
    ],
    keptTables: kept,
  };
}

/** @returns why the source could not be asked, where that may be passed over */
async function forgetThere(
  { admin, connection, taskKey }: KeptThere,
  force: boolean,
  signal: AbortSignal,
): Promise<SluiceError | null> {
  try {
    await admin.forget(connection, taskKey, signal);
    return null;
  } catch (error) {
    const trouble = SluiceError.from(error);
    if (!trouble.code.startsWith('SOURCE_')) throw trouble;
    if (force) return trouble;
    throw new SluiceError(trouble.code, trouble.message, {
      remedy: `${trouble.remedy} Or undeploy with --force, and drop what stays at the source by hand.`,
      cause: error,
    });
  }
}

/** @throws SluiceError CONFIRMATION_REQUIRED, CONFLICT where the task is not undeployed */
export async function deleteTask(
  control: Control,
  ref: string,
  confirmed: boolean,
): Promise<{ deleted: string }> {
  const task = await findNamed(control.db, 'tasks', ref);
  if (task.published_version !== null)
    throw new SluiceError('CONFLICT', `The task ${task.name} is published.`, {
      remedy: 'Stop and undeploy it first: sluice task undeploy.',
    });
  if (!confirmed)
    throw new SluiceError(
      'CONFIRMATION_REQUIRED',
      `Deleting ${task.name} removes its draft, its versions, its runs and their logs. Target tables stay.`,
    );
  const runs = await control.db.selectFrom('runs').select('id').where('task_id', '=', task.id).execute();
  await control.db.transaction().execute(async (trx) => {
    await refuseRunning(trx, task);
    await trx.deleteFrom('tasks').where('id', '=', task.id).where('published_version', 'is', null).execute();
    await recordEvent(trx, { kind: 'task.deleted', detail: { name: task.name } });
  });
  for (const run of runs)
    await rm(join(control.dataDir.logs, `run-${run.id}`), { recursive: true, force: true });
  return { deleted: task.name };
}
