import type { OverviewUpdate, PacePoint, TaskTable, TaskUpdate } from '@sluice/contract';
import { type Control, isoTime } from './context.ts';
import type { PaceHistory } from './pace.ts';
import { statusOf, taskStatus, taskTables } from './task-status.ts';

/** A pulse comes every two seconds; one that is much older speaks of a process that is gone. */
const PACE_HOLDS_MS = 15_000;

/** How all tasks are at this moment. */
export async function overviewUpdate(control: Control, history: PaceHistory): Promise<OverviewUpdate> {
  const rows = await control.db.selectFrom('tasks').selectAll().orderBy('name').execute();
  const tasks = [];
  for (const row of rows) {
    const last = history.of(row.id).at(-1) ?? null;
    const holds = last !== null && Date.now() - Date.parse(last.at) < PACE_HOLDS_MS;
    tasks.push({ status: await statusOf(control.db, row), pace: holds ? last : null });
  }
  return { at: isoTime(Date.now()), tasks };
}

/** What one listener has been told of a task, and so what is new to it. */
export class TaskTeller {
  readonly #control: Control;
  readonly #history: PaceHistory;
  readonly #ref: string;
  #told: ReadonlyMap<number, string> = new Map();
  #paceUntil = '';

  constructor(control: Control, history: PaceHistory, ref: string) {
    this.#control = control;
    this.#history = history;
    this.#ref = ref;
  }

  /** @throws SluiceError NOT_FOUND, where the task is gone */
  async next(): Promise<TaskUpdate> {
    const status = await taskStatus(this.#control, this.#ref);
    const { changed, gone, told } = tableChanges(this.#told, await taskTables(this.#control, this.#ref));
    this.#told = told;
    const pace = newPoints(this.#history.of(status.id), this.#paceUntil);
    this.#paceUntil = pace.at(-1)?.at ?? this.#paceUntil;
    return { at: isoTime(Date.now()), status, pace: [...pace], tables: changed, gone };
  }
}

const newPoints = (points: readonly PacePoint[], until: string): readonly PacePoint[] =>
  until === '' ? points : points.filter(({ at }) => at > until);

/** What to tell of the tables to somebody who knows them as `told`. */
export function tableChanges(
  told: ReadonlyMap<number, string>,
  tables: readonly TaskTable[],
): { changed: TaskTable[]; gone: number[]; told: ReadonlyMap<number, string> } {
  const now = new Map(tables.map((table) => [table.id, JSON.stringify(table)]));
  return {
    changed: tables.filter(({ id }) => told.get(id) !== now.get(id)),
    gone: [...told.keys()].filter((id) => !now.has(id)),
    told: now,
  };
}
