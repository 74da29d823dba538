import { setTimeout as pause } from 'node:timers/promises';
import { ERRORS, type ErrorCode, SluiceError, type WaitResult } from '@sluice/contract';
import { isOnItsWay, type LaneState } from '../model/lane-state.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { readCheckpoint, readLanes } from '../store/progress.ts';
import type { Control } from './context.ts';
import { findNamed } from './references.ts';
import { isEnded } from './run-machine.ts';
import { newestRun, specOfVersion } from './run-rows.ts';
import { problemOf } from './runs.ts';
import { type TaskSources, taskSources } from './task-sources.ts';
import { statusOf } from './task-status.ts';
import type { TaskRow } from './tasks.ts';

const POLL_MS = 200;
/** How often the source is asked again for its tables while some that it has are not known to the task. */
const DISCOVER_MS = 2000;

/**
 * Waits until the task has a state, or the signal aborts.
 *
 *   incremental   every table that is not on the blocklist is loaded and follows the log
 *   caught-up     the same, and whatever committed at the source before this call is visible in the target: the
 *                 position has passed the log's end of that moment, every table that existed then has joined, and
 *                 the run has followed what its source's catalog said then, of which the log need not tell
 *
 * @throws SluiceError the run's own error where it has failed, CONFLICT where the task does not run, SOURCE_*
 */
export async function waitTask(
  control: Control,
  ref: string,
  goal: 'incremental' | 'caught-up',
  signal: AbortSignal,
): Promise<WaitResult> {
  const { db } = control;
  const task = await findNamed(db, 'tasks', ref);
  await requireRunning(db, task);
  const source = goal === 'caught-up' ? await lookAtSource(control, task, signal) : null;
  const look = source === null ? null : new CatalogLook(control);
  let known = source === null;
  let asked = Date.now();
  for (;;) {
    const run = await requireRunning(db, task);
    look?.ask(run.id);
    if (source !== null && !known) {
      known = await allKnown(db, task, source.objectIds);
      if (!known && Date.now() - asked > DISCOVER_MS) {
        // One that was dropped in the meantime will never join.
        asked = Date.now();
        const still = await source.sources.objectIds(signal);
        source.objectIds = new Set([...source.objectIds].filter((id) => still.has(id)));
        continue;
      }
    }
    const looked = look === null || look.done;
    if (
      known &&
      looked &&
      (await following(db, task)) &&
      (source === null || (await passed(db, task, source)))
    )
      return { reached: true, position: source?.head ?? null, status: await statusOf(db, task) };
    if (signal.aborted)
      return { reached: false, position: source?.head ?? null, status: await statusOf(db, task) };
    await pause(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

/** A look of the run at its source's catalog, asked for until some process of the run has done it. */
class CatalogLook {
  readonly #control: Control;
  #asking = false;
  done = false;

  constructor(control: Control) {
    this.#control = control;
  }

  ask(runId: number): void {
    if (this.done || this.#asking) return;
    this.#asking = true;
    void this.#control.supervisor.lookAtCatalog(runId).then((done) => {
      this.#asking = false;
      this.done = done;
    });
  }
}

interface SourceNow {
  readonly sources: TaskSources;
  readonly head: string;
  objectIds: ReadonlySet<string>;
}

async function lookAtSource(control: Control, task: TaskRow, signal: AbortSignal): Promise<SourceNow> {
  const run = await newestRun(control.db, task.id);
  const spec = await specOfVersion(control.db, task.id, run?.version ?? task.published_version ?? 0);
  const sources = await taskSources(control, spec, task.source_key, signal);
  const head = await sources.head(signal);
  return { sources, head, objectIds: await sources.objectIds(signal) };
}

async function allKnown(db: MetastoreDb, task: TaskRow, objectIds: ReadonlySet<string>): Promise<boolean> {
  const lanes = new Set((await readLanes(db, task.id)).map((lane) => lane.object_id));
  return [...objectIds].every((id) => lanes.has(id));
}

async function following(db: MetastoreDb, task: TaskRow): Promise<boolean> {
  const run = await newestRun(db, task.id);
  // What an earlier run has reached says nothing of one that begins anew.
  if (run === null || (run.begun === 0 && run.start_mode !== 'resume')) return false;
  const checkpoint = await readCheckpoint(db, task.id);
  if (checkpoint?.phase !== 'incremental') return false;
  return (await readLanes(db, task.id)).every((lane) => !isOnItsWay(lane.state as LaneState));
}

async function passed(db: MetastoreDb, task: TaskRow, source: SourceNow): Promise<boolean> {
  const position = (await readCheckpoint(db, task.id))?.position ?? null;
  return position !== null && source.sources.compare(position, source.head) >= 0;
}

async function requireRunning(db: MetastoreDb, task: TaskRow): Promise<{ readonly id: number }> {
  const run = await newestRun(db, task.id);
  if (run !== null && !isEnded(run.state)) return run;
  const error = run?.state === 'failed' ? problemOf(run.error_json) : null;
  if (error !== null)
    throw new SluiceError(
      Object.hasOwn(ERRORS, error.code) ? (error.code as ErrorCode) : 'INTERNAL',
      `The run of ${task.name} has failed: ${error.message}`,
      { remedy: error.remedy },
    );
  throw new SluiceError('CONFLICT', `The task ${task.name} does not run.`, {
    remedy: 'Start it: sluice task start.',
  });
}
