import type { Control } from '../control/context.ts';
import { VERSION } from '../control/server-status.ts';
import type { Catalog } from '../lakehouse/catalog.ts';
import type { Storage } from '../lakehouse/storage.ts';
import { instruments } from './instruments.ts';
import { LakeMetrics } from './lake-metrics.ts';
import { RunMetrics } from './run-metrics.ts';
import { readTaskSums, showTasks } from './task-metrics.ts';

/** Tables that get series of their own; a Prometheus with hundreds of thousands of series helps nobody. */
const TABLE_LIMIT = 500;

export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
  close(): void;
}

/** All metrics as Prometheus reads them. Scrapes at the same time share one look. */
export function exposition(
  control: Control,
  lake: { readonly catalog: Catalog; readonly storage: Storage },
  options: { readonly tableLimit?: number } = {},
): Exposition {
  const { tableLimit = TABLE_LIMIT } = options;
  const all = instruments();
  const runs = new RunMetrics(all.run);
  const lakeTables = new LakeMetrics(all.lake, lake.catalog, lake.storage);
  const names = new Map<number, string>();
  const { pulses } = control.supervisor;
  const deaf = pulses.listen((taskId, attemptId, pulse) => {
    const name = names.get(taskId);
    if (name !== undefined) runs.hear(taskId, attemptId, name, pulse);
    else
      void learnNames().then(() => runs.hear(taskId, attemptId, names.get(taskId) ?? String(taskId), pulse));
  });
  const learnNames = async (): Promise<void> => {
    const rows = await control.db
      .selectFrom('tasks')
      .select(['id', 'name'])
      .execute()
      .catch(() => []);
    for (const { id, name } of rows) names.set(id, name);
  };

  const look = async (): Promise<string> => {
    const tasks = await readTaskSums(control.db);
    names.clear();
    for (const { id, name } of tasks) names.set(id, name);
    runs.forget(new Set(names.keys()), new Set(names.values()));
    const paceOf = (taskId: number, laneId: number) =>
      pulses.fresh(taskId)?.loads.find((load) => load.laneId === laneId) ?? null;
    all.table.leftOut.set(await showTasks(control.db, tasks, all, tableLimit, paceOf));
    runs.show(
      tasks.flatMap(({ id, name }) => {
        const last = pulses.of(id);
        return last === null ? [] : [{ task: name, pulse: last.pulse }];
      }),
    );
    await lakeTables.show(tableLimit);
    showServer();
    return all.registry.metrics();
  };

  const showServer = (): void => {
    const memory = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    all.server.info.set({ version: VERSION }, 1);
    all.server.memory.set({ kind: 'resident' }, memory.rss);
    all.server.memory.set({ kind: 'heap' }, memory.heapUsed);
    all.server.cpu.reset();
    all.server.cpu.inc((user + system) / 1e6);
    all.server.uptime.set((Date.now() - control.startedAt) / 1000);
  };

  let looking: Promise<string> | null = null;
  return {
    contentType: all.registry.contentType,
    text: () => {
      looking ??= look().finally(() => {
        looking = null;
      });
      return looking;
    },
    close: () => {
      deaf();
    },
  };
}
