import { SluiceError, type StartTask } from '@sluice/contract';
import type { z } from 'zod';
import type { StartChoice } from '../sources/source.ts';
import type { Control } from './context.ts';
import { findNamed } from './references.ts';
import { specOfVersion } from './run-rows.ts';
import { taskSources } from './task-sources.ts';
import { refuseRunning } from './tasks.ts';

/**
 * A place of one's choice is looked up at the source before there is a run: what is refused has touched nothing.
 * @returns the run's id
 * @throws SluiceError CONFLICT, POSITION_*, SOURCE_*
 */
export async function startTask(
  control: Control,
  ref: string,
  start: z.output<typeof StartTask>,
  signal: AbortSignal,
): Promise<number> {
  const task = await findNamed(control.db, 'tasks', ref);
  const spec =
    task.published_version === null ? null : await specOfVersion(control.db, task.id, task.published_version);
  const choice = choiceOf(start);
  if (choice === null || spec === null) return control.supervisor.start(task.id, start.from, null);
  await refuseRunning(control.db, task);
  const sources = await taskSources(control, spec, task.source_key, signal);
  const position = await sources.startingPlace(choice, signal);
  return control.supervisor.start(task.id, start.from, position);
}

function choiceOf({ position, time }: z.output<typeof StartTask>): StartChoice | null {
  if (position !== undefined) return { by: 'position', position };
  return time === undefined ? null : { by: 'time', time: microseconds(time) };
}

/** A Date has milliseconds only. */
function microseconds(time: string): bigint {
  const whole = Date.parse(time.replace(/\.\d+/, ''));
  if (Number.isNaN(whole)) throw new SluiceError('POSITION_INVALID', `${time} is no moment.`);
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  return BigInt(whole) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}
