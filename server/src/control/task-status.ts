import type { Problem, TaskStatus, TaskTable } from '@sluice/contract';
import { isBlocklisted, type LaneState } from '../model/lane-state.ts';
import type { PulseLoad } from '../model/pulse.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { type LaneRow, readCheckpoint, readChunkCounts, readLanes, sourceOf } from '../store/progress.ts';
import { type Control, isoTime, isoTimeOrNull } from './context.ts';
import { loadEstimate } from './load-estimate.ts';
import { findNamed } from './references.ts';
import { newestRun } from './run-rows.ts';
import { problemOf, runView } from './runs.ts';
import { type TaskRow, taskState } from './tasks.ts';

export async function taskStatus(control: Control, ref: string): Promise<TaskStatus> {
  const status = await statusOf(control.db, await findNamed(control.db, 'tasks', ref));
  const unwritten = status.run === null ? null : control.supervisor.trouble(status.run.id);
  return unwritten === null ? status : { ...status, error: unwritten };
}

export async function statusOf(db: MetastoreDb, task: TaskRow): Promise<TaskStatus> {
  const checkpoint = await readCheckpoint(db, task.id);
  const lanes = await readLanes(db, task.id);
  const run = await newestRun(db, task.id);
  const live = lanes.filter((lane) => lane.state === 'live');
  // The checkpoint counts what came by the log.
  const loaded = lanes.reduce((sum, lane) => sum + lane.rows_loaded, 0);
  const latencies = live.flatMap((lane) => lane.latency_ms ?? []);
  return {
    id: task.id,
    name: task.name,
    state: await taskState(db, task),
    publishedVersion: task.published_version,
    run: run === null ? null : runView(run),
    phase: checkpoint?.phase ?? null,
    position: checkpoint?.position ?? null,
    committedAt: isoTimeOrNull(checkpoint?.committed_at ?? null),
    rowsRead: (checkpoint?.rows_read ?? 0) + loaded,
    rowsWritten: (checkpoint?.rows_written ?? 0) + loaded,
    tables: {
      total: lanes.filter((lane) => lane.state !== 'dropped').length,
      live: live.length,
      blocklisted: lanes.filter((lane) => isBlocklisted(lane.state as LaneState)).length,
    },
    latencyMs: latencies.length === 0 ? null : Math.max(...latencies),
    error: run === null ? null : problemOf(run.error_json),
  };
}

export async function taskTables({ db, supervisor }: Control, ref: string): Promise<TaskTable[]> {
  const task = await findNamed(db, 'tasks', ref);
  const chunks = await readChunkCounts(db, task.id);
  const paces = new Map(supervisor.pulses.fresh(task.id)?.loads.map((load) => [load.laneId, load]));
  return (await readLanes(db, task.id)).map((lane) =>
    tableView(lane, chunks.get(lane.id) ?? null, paces.get(lane.id) ?? null),
  );
}

/** A lane's state (model/lane-state.ts) as the phase that people know. */
const PHASE_OF: Readonly<Record<string, string>> = {
  pending: 'initialization',
  loading: 'full_load',
  catching_up: 'full_load',
  backfilling: 'backfill',
  live: 'incremental',
  paused: 'paused',
  lapsed: 'paused',
  stopped: 'stopped',
  stalled: 'blocklisted',
  blocked: 'blocklisted',
  dropped: 'dropped',
};

/** Chunks are forgotten when all of them are there. */
function loadProgress(
  { state }: LaneRow,
  chunks: { readonly total: number; readonly loaded: number } | null,
): number | null {
  if (state === 'catching_up') return 1;
  return chunks === null || chunks.total === 0 ? null : chunks.loaded / chunks.total;
}

function tableView(
  lane: LaneRow,
  chunks: { readonly total: number; readonly loaded: number } | null,
  measured: PulseLoad | null,
): TaskTable {
  const error: Problem | null = problemOf(lane.error_json);
  const { rowsPerSecond, secondsLeft } = loadEstimate({
    rowsLoaded: lane.rows_loaded,
    rowsEstimated: lane.rows_estimated,
    chunks,
    pace: lane.state === 'loading' ? measured : null,
  });
  return {
    id: lane.id,
    source: sourceOf(lane),
    target: { schema: lane.target_schema, table: lane.target_table },
    state: lane.state,
    since: isoTime(lane.since),
    phase: PHASE_OF[lane.state] ?? lane.state,
    rowsEstimated: lane.rows_estimated,
    rowsLoaded: lane.rows_loaded,
    rowsApplied: lane.rows_applied,
    loadProgress: loadProgress(lane, chunks),
    loadRowsPerSecond: rowsPerSecond,
    loadSecondsLeft: secondsLeft,
    readPosition: lane.read_position,
    updatedAt: isoTimeOrNull(lane.updated_at),
    latencyMs: lane.latency_ms,
    nulledValues: lane.nulled_values,
    error,
  };
}
