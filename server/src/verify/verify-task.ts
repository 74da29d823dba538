import { join } from 'node:path';
import { parseParameters, SluiceError, type TableVerdict, TaskSpec } from '@sluice/contract';
import type { EmbeddedCatalog } from '../lakehouse/embedded-catalog.ts';
import type { Storage } from '../lakehouse/storage.ts';
import type { MergedTable } from '../model/merge/merged-table.ts';
import type { MergedIds } from '../model/merge/target-schema.ts';
import type { TableName, TableSchema } from '../model/table.ts';
import { tableText } from '../model/table.ts';
import type { AskedSource, Position } from '../sources/source.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { type LaneRow, readCheckpoint, readLane, readLanes, sourceOf } from '../store/progress.ts';
import { type ComparedTable, type KnownTable, mergedColumns, mirroredColumns } from './columns-in-lake.ts';
import type { Arrivals } from './follow-change.ts';
import { type LakeState, lakeState } from './lake-state.ts';
import { type Digests, verifyTable } from './verify-table.ts';

export interface TaskToVerify {
  readonly db: MetastoreDb;
  readonly taskId: number;
  readonly source: AskedSource;
  readonly storage: Storage;
  readonly catalog: Pick<EmbeddedCatalog, 'load' | 'pointer'>;
  /** What a merged table is now. */
  readonly merged: (target: TableName) => Promise<{
    readonly table: MergedTable | null;
    readonly ids: MergedIds;
    readonly shown: boolean;
  }>;
  readonly arrivals: (target: TableName) => Arrivals;
  readonly folder: string;
  /** `schema.table` at the source, or `table`; none: all. */
  readonly wanted: readonly string[];
  readonly chunkBytes: number;
  readonly open: (table: ComparedTable) => Promise<Digests<LakeState> & AsyncDisposable>;
  readonly onVerdict: (verdict: TableVerdict) => void;
}

/** A run that does not get further for so long is not waited for. */
const PATIENCE_MS = 180_000;
const POLL_MS = 100;

/** Compares the tables one after the other. @throws SluiceError CONFLICT where the task does not run, and others */
export async function verifyTask(task: TaskToVerify, signal: AbortSignal): Promise<void> {
  const lanes = chosen(await readLanes(task.db, task.taskId), task.wanted);
  for (const lane of lanes) task.onVerdict(await verifyLane(task, lane, signal));
}

async function verifyLane(task: TaskToVerify, listed: LaneRow, signal: AbortSignal): Promise<TableVerdict> {
  // Tables that were compared before it may have taken hours.
  const lane = (await readLane(task.db, listed.id)) ?? { ...listed, state: 'dropped' };
  const source = sourceOf(lane);
  const names = { source, target: { schema: lane.target_schema, table: lane.target_table } };
  const skipped = (reason: string): TableVerdict => ({ ...names, ...NOTHING, verdict: 'skipped', reason });
  if (lane.state !== 'live') return skipped(`it is ${lane.state}, not live`);
  const away = task.source.away?.get(source.shard ?? '');
  if (away !== undefined) return skipped(`${away.message} (${away.code})`);
  try {
    const found = await task.source.discover({ schemas: [], tables: [source] }, signal);
    const schema = found.find((one) => one.objectId === lane.object_id)?.schema;
    if (schema === undefined) return skipped('it is not at the source any more');
    const compared = await comparedTable(task, lane, schema);
    if (typeof compared === 'string') return skipped(compared);
    const target = { ...names.target, shard: lane.target_shard ?? undefined };
    await using digests = await task.open(compared);
    const verdict = await verifyTable(
      {
        source: task.source,
        schema: compared.asked,
        digests,
        lakeBehind: (position) => lakeBehind(task, target, position, signal),
        arrivals: task.arrivals(target),
        folder: join(task.folder, `lane-${lane.id}`),
        chunkBytes: task.chunkBytes,
        chunksAtOnce: 2,
        now: Date.now,
      },
      signal,
    );
    const moved = verdict.verdict === 'equal' ? null : await movedSince(task.db, lane);
    return moved === null ? { ...names, ...verdict } : skipped(moved);
  } catch (error) {
    signal.throwIfAborted();
    const trouble = SluiceError.from(error);
    if (trouble.rule.scope !== 'table') throw error;
    return skipped(`${trouble.message} (${trouble.code})`);
  }
}

/** What makes rows that differ prove nothing: the table was not followed all the while, or is another one now. */
async function movedSince(db: MetastoreDb, lane: LaneRow): Promise<string | null> {
  const now = await readLane(db, lane.id);
  if (now === null) return 'it left the task while it was compared';
  if (now.state !== lane.state) return `it became ${now.state} while it was compared`;
  if (now.since !== lane.since) return 'it was not live all the while that it was compared';
  const columns = async (row: LaneRow): Promise<string> =>
    JSON.stringify((await readKnown(db, row))?.schema.columns);
  return now.schema_version === lane.schema_version || (await columns(now)) === (await columns(lane))
    ? null
    : 'its columns changed while it was compared';
}

/** @returns why it cannot be compared now, where it cannot */
async function comparedTable(
  task: TaskToVerify,
  lane: LaneRow,
  found: TableSchema,
): Promise<ComparedTable | string> {
  if (lane.target_shard !== null)
    return mergedColumns(found, await task.merged({ schema: lane.target_schema, table: lane.target_table }));
  const known = await readKnown(task.db, lane);
  return known === null ? 'the task knows nothing of its columns yet' : mirroredColumns(found, known);
}

async function readKnown(db: MetastoreDb, lane: LaneRow): Promise<KnownTable | null> {
  const kept = await db
    .selectFrom('lane_schemas')
    .select('schema_json')
    .where('lane_id', '=', lane.id)
    .where('version', '=', lane.schema_version)
    .executeTakeFirst();
  return kept === undefined ? null : (JSON.parse(kept.schema_json) as KnownTable);
}

const NOTHING = {
  sourceRows: 0,
  lakeRows: 0,
  missing: 0,
  extra: 0,
  changed: 0,
  unsettled: 0,
  examples: [],
  repair: null,
  looks: 0,
  freshnessMs: null,
  followed: null,
  columns: [],
  ops: {},
  seconds: 0,
} satisfies Omit<TableVerdict, 'source' | 'target' | 'verdict' | 'reason'>;

/** Waits until the task's commits have passed the position, and takes the table as it is then. */
async function lakeBehind(
  { db, taskId, source, storage, catalog }: TaskToVerify,
  target: TableName,
  position: Position,
  signal: AbortSignal,
): Promise<LakeState> {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    const committed = (await readCheckpoint(db, taskId))?.position ?? null;
    if (committed !== null && source.compare(committed, position) >= 0) break;
    if (Date.now() > end)
      throw new SluiceError(
        'TIMEOUT',
        `The task made no commit behind ${position} within ${PATIENCE_MS / 1000} s.`,
        { remedy: 'See sluice task status for what holds it up; compare when it has caught up.' },
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    signal.throwIfAborted();
  }
  const state = await lakeState(storage, catalog, target, signal);
  if (state === null) throw new SluiceError('TABLE_DROPPED', `${tableText(target)} is not in the lake.`);
  return state;
}

/** @throws SluiceError NOT_FOUND for a name that no table has */
function chosen(lanes: readonly LaneRow[], wanted: readonly string[]): readonly LaneRow[] {
  if (wanted.length === 0) return lanes.filter((lane) => lane.state !== 'dropped');
  return wanted.flatMap((name) => {
    const meant = lanes.filter((lane) => name === tableText(sourceOf(lane)) || name === lane.source_table);
    if (meant.length === 0) throw new SluiceError('NOT_FOUND', `The task has no table ${name}.`);
    return meant;
  });
}

/** What a task was published with. @throws SluiceError CONFLICT where it does not run */
export async function readTask(
  db: MetastoreDb,
  taskId: number,
): Promise<{
  readonly sourceKey: string;
  readonly spec: TaskSpec;
  readonly parameters: ReturnType<typeof parseParameters>;
}> {
  const row = await db
    .selectFrom('runs')
    .innerJoin('tasks', 'tasks.id', 'runs.task_id')
    .innerJoin('task_versions', (join) =>
      join
        .onRef('task_versions.task_id', '=', 'runs.task_id')
        .onRef('task_versions.version', '=', 'runs.version'),
    )
    .where('runs.task_id', '=', taskId)
    .where('runs.state', 'not in', ['stopped', 'failed'])
    .select(['tasks.source_key', 'task_versions.spec_json'])
    .executeTakeFirst();
  if (row === undefined)
    throw new SluiceError(
      'CONFLICT',
      'The task does not run: what it has not read yet would look like a difference.',
      {
        remedy: 'Start it, then compare.',
      },
    );
  const spec = TaskSpec.parse(JSON.parse(row.spec_json));
  return { sourceKey: row.source_key, spec, parameters: parseParameters(spec.parameters) };
}
