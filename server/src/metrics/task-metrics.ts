import { Problem, RUN_STATES, TableVerdict, type Verification } from '@sluice/contract';
import { type LoadSoFar, loadEstimate } from '../control/load-estimate.ts';
import { isBlocklisted, type LaneState } from '../model/lane-state.ts';
import type { PulseLoad } from '../model/pulse.ts';
import { tableText } from '../model/table.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { type LaneRow, sourceOf } from '../store/progress.ts';
import { lastVerifications } from '../store/verifications.ts';
import type { Instruments } from './instruments.ts';

export interface TaskSums {
  readonly id: number;
  readonly name: string;
  readonly state: string;
  readonly failovers: number;
}

/** All tasks with the state of their newest run. */
export async function readTaskSums(db: MetastoreDb): Promise<readonly TaskSums[]> {
  const runs = await db
    .selectFrom('runs')
    .select(({ fn }) => ['task_id', fn.sum<number>('failovers').as('failovers'), fn.max('id').as('newest')])
    .groupBy('task_id')
    .execute();
  const newest = await db
    .selectFrom('runs')
    .select(['task_id', 'state'])
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('runs as r')
        .select(({ fn }) => fn.max('r.id').as('id'))
        .groupBy('r.task_id'),
    )
    .execute();
  const states = new Map(newest.map((row) => [row.task_id, row.state]));
  const failovers = new Map(runs.map((row) => [row.task_id, Number(row.failovers)]));
  const tasks = await db
    .selectFrom('tasks')
    .select(['id', 'name', 'published_version'])
    .orderBy('id')
    .execute();
  return tasks.map(({ id, name, published_version }) => ({
    id,
    name,
    state: published_version === null ? 'draft' : (states.get(id) ?? 'stopped'),
    failovers: failovers.get(id) ?? 0,
  }));
}

const STATES = ['draft', ...RUN_STATES];
const PHASES = ['initialization', 'full_load', 'incremental'];

/** What the metastore knows of tasks and their tables. @returns how many tables had no room */
export async function showTasks(
  db: MetastoreDb,
  tasks: readonly TaskSums[],
  { task, table }: Pick<Instruments, 'task' | 'table'>,
  tableLimit: number,
  paceOf: (taskId: number, laneId: number) => PulseLoad | null,
): Promise<number> {
  for (const metric of [...Object.values(task), ...Object.values(table)]) metric.reset();
  const lanes = await db.selectFrom('lanes').selectAll().orderBy('task_id').orderBy('id').execute();
  const chunks = await chunkCounts(db);
  const checkpoints = await db.selectFrom('checkpoints').selectAll().execute();
  const segments = await db
    .selectFrom('segments')
    .innerJoin('lanes', 'lanes.id', 'segments.lane_id')
    .groupBy('lanes.task_id')
    .select(({ fn }) => [
      'lanes.task_id',
      fn.sum<number>('segments.rows').as('rows'),
      fn.sum<number>('segments.bytes').as('bytes'),
    ])
    .execute();
  const comparisons = await lastVerifications(db);
  for (const { id, name, state, failovers } of tasks) {
    for (const one of STATES) task.state.set({ task: name, state: one }, one === state ? 1 : 0);
    task.failovers.inc({ task: name }, failovers);
    const own = lanes.filter((lane) => lane.task_id === id);
    const checkpoint = checkpoints.find((row) => row.task_id === id);
    const loaded = own.reduce((sum, lane) => sum + lane.rows_loaded, 0);
    task.rowsRead.inc({ task: name }, loaded + (checkpoint?.rows_read ?? 0));
    task.rowsWritten.inc({ task: name }, loaded + (checkpoint?.rows_written ?? 0));
    for (const lane of own) task.tables.inc({ task: name, state: lane.state });
    showComparisons(name, comparisons.get(id) ?? [], task);
    const counts = own.flatMap((lane) => chunks.get(lane.id) ?? []);
    const loadedChunks = counts.reduce((sum, count) => sum + count.loaded, 0);
    task.loadChunks.set({ task: name, state: 'loaded' }, loadedChunks);
    task.loadChunks.set(
      { task: name, state: 'waiting' },
      counts.reduce((sum, count) => sum + count.total, 0) - loadedChunks,
    );
    const kept = segments.find((row) => row.task_id === id);
    task.segmentRows.set({ task: name }, Number(kept?.rows ?? 0));
    task.segmentBytes.set({ task: name }, Number(kept?.bytes ?? 0));
    if (checkpoint === undefined) continue;
    for (const one of PHASES) task.phase.set({ task: name, phase: one }, one === checkpoint.phase ? 1 : 0);
    if (checkpoint.committed_at !== null) task.lastCommit.set({ task: name }, checkpoint.committed_at / 1000);
  }
  const names = new Map(tasks.map(({ id, name }) => [id, name]));
  for (const lane of chosen(lanes, tableLimit))
    showTable(
      names.get(lane.task_id) ?? String(lane.task_id),
      lane,
      { chunks: chunks.get(lane.id) ?? null, pace: paceOf(lane.task_id, lane.id) },
      table,
    );
  return Math.max(0, lanes.length - tableLimit);
}

const VERDICTS = TableVerdict.shape.verdict.options;

/** `ended`: the newest of each outcome. */
function showComparisons(
  name: string,
  ended: readonly Verification[],
  { compared, comparedTables }: Pick<Instruments['task'], 'compared' | 'comparedTables'>,
): void {
  for (const { state, endedAt, tables } of ended) {
    compared.set({ task: name, state }, Date.parse(endedAt ?? '') / 1000);
    if (state !== 'done') continue;
    for (const verdict of VERDICTS)
      comparedTables.set({ task: name, verdict }, tables.filter((table) => table.verdict === verdict).length);
  }
}

/** Where there is not room for all: those that stopped first, then those that changed last. */
function chosen(lanes: readonly LaneRow[], limit: number): readonly LaneRow[] {
  if (lanes.length <= limit) return lanes;
  const stopped = (lane: LaneRow): number => (isBlocklisted(lane.state as LaneState) ? 0 : 1);
  return [...lanes]
    .sort((a, b) => stopped(a) - stopped(b) || (b.updated_at ?? 0) - (a.updated_at ?? 0))
    .slice(0, limit);
}

function showTable(
  task: string,
  lane: LaneRow,
  { chunks, pace }: Pick<LoadSoFar, 'chunks' | 'pace'>,
  metrics: Instruments['table'],
): void {
  const labels = { task, table: tableText(sourceOf(lane)) };
  metrics.rowsLoaded.set(labels, lane.rows_loaded);
  metrics.rowsApplied.inc(labels, lane.rows_applied);
  if (lane.rows_estimated !== null) metrics.rowsEstimated.set(labels, lane.rows_estimated);
  if (lane.latency_ms !== null) metrics.latency.set(labels, lane.latency_ms / 1000);
  if (chunks !== null && chunks.total > 0) metrics.loadProgress.set(labels, chunks.loaded / chunks.total);
  const { secondsLeft } = loadEstimate({
    rowsLoaded: lane.rows_loaded,
    rowsEstimated: lane.rows_estimated,
    chunks,
    pace: lane.state === 'loading' ? pace : null,
  });
  if (secondsLeft !== null) metrics.loadSecondsLeft.set(labels, secondsLeft);
  if (!isBlocklisted(lane.state as LaneState)) return;
  const problem = lane.error_json === null ? null : Problem.parse(JSON.parse(lane.error_json));
  metrics.blocked.set({ ...labels, code: problem?.code ?? '' }, 1);
}

async function chunkCounts(
  db: MetastoreDb,
): Promise<ReadonlyMap<number, { readonly total: number; readonly loaded: number }>> {
  const rows = await db
    .selectFrom('chunks')
    .groupBy('lane_id')
    .select(({ fn }) => [
      'lane_id',
      fn.countAll<number>().as('total'),
      fn.count<number>('files_json').as('loaded'),
    ])
    .execute();
  return new Map(rows.map((row) => [row.lane_id, { total: Number(row.total), loaded: Number(row.loaded) }]));
}
