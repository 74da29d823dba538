import { join } from 'node:path';
import { MirrorSpec, parseParameters, SluiceError, type TableVerdict } from '@sluice/contract';
import type { EmbeddedCatalog } from '../lakehouse/embedded-catalog.ts';
import type { TableMetadata } from '../lakehouse/metadata.ts';
import type { TableName } from '../model/table.ts';
import { tableText } from '../model/table.ts';
import type { DiscoveredTable, Position, Source } from '../sources/source.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { type LaneRow, readCheckpoint, readLanes } from '../store/progress.ts';
import type { Arrivals } from './follow-change.ts';
import { type Digests, verifyTable } from './verify-table.ts';

export interface TaskToVerify {
  readonly db: MetastoreDb;
  readonly taskId: number;
  readonly source: Source;
  readonly catalog: Pick<EmbeddedCatalog, 'load'>;
  readonly arrivals: (target: TableName) => Arrivals;
  readonly folder: string;
  /** `schema.table` at the source, or `table`; none: all. */
  readonly wanted: readonly string[];
  readonly chunkBytes: number;
  readonly open: (table: DiscoveredTable) => Promise<Digests<TableMetadata> & AsyncDisposable>;
  readonly onVerdict: (verdict: TableVerdict) => void;
}

/** A run that does not get further for so long is not waited for. */
const PATIENCE_MS = 180_000;
const POLL_MS = 100;

/** Compares the tables one after the other. @throws SluiceError CONFLICT where the task does not run, and others */
export async function verifyTask(task: TaskToVerify, signal: AbortSignal): Promise<void> {
  const lanes = chosen(await readLanes(task.db, task.taskId), task.wanted);
  const found = await task.source.discover(
    { schemas: [], tables: lanes.map((lane) => sourceOf(lane)) },
    signal,
  );
  for (const lane of lanes) task.onVerdict(await verifyLane(task, lane, found, signal));
}

async function verifyLane(
  task: TaskToVerify,
  lane: LaneRow,
  found: readonly DiscoveredTable[],
  signal: AbortSignal,
): Promise<TableVerdict> {
  const names = { source: sourceOf(lane), target: { schema: lane.target_schema, table: lane.target_table } };
  const skipped = (reason: string): TableVerdict => ({ ...names, ...NOTHING, verdict: 'skipped', reason });
  const table = found.find((one) => one.objectId === lane.object_id);
  if (lane.state !== 'live') return skipped(`it is ${lane.state}, not live`);
  if (table === undefined) return skipped('it is not at the source any more');
  if (table.schema.identity.kind === 'row') return skipped('it has no key by which its rows are recognised');
  try {
    await using digests = await task.open(table);
    const verdict = await verifyTable(
      {
        source: task.source,
        schema: table.schema,
        target: names.target,
        digests,
        lakeBehind: (position) => lakeBehind(task, names.target, position, signal),
        arrivals: task.arrivals(names.target),
        folder: join(task.folder, `lane-${lane.id}`),
        chunkBytes: task.chunkBytes,
        chunksAtOnce: 2,
        now: Date.now,
      },
      signal,
    );
    return { ...names, ...verdict };
  } catch (error) {
    signal.throwIfAborted();
    const trouble = SluiceError.from(error);
    if (trouble.rule.scope !== 'table') throw error;
    return skipped(`${trouble.message} (${trouble.code})`);
  }
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
  { db, taskId, source, catalog }: TaskToVerify,
  target: TableName,
  position: Position,
  signal: AbortSignal,
): Promise<TableMetadata> {
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
  const loaded = await catalog.load(target);
  if (loaded === null) throw new SluiceError('TABLE_DROPPED', `${tableText(target)} is not in the lake.`);
  return loaded.metadata;
}

const sourceOf = (lane: LaneRow): TableName => ({ schema: lane.source_schema, table: lane.source_table });

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
  readonly spec: MirrorSpec;
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
  const { pipelineType } = JSON.parse(row.spec_json) as { readonly pipelineType: number };
  if (pipelineType === 2)
    throw new SluiceError(
      'INVALID_REQUEST',
      'A sharded-table merge cannot be compared with its sources yet.',
      {
        remedy: 'Compare the counts of each shard by SQL: its rows are told apart by the extended fields.',
      },
    );
  const spec = MirrorSpec.parse(JSON.parse(row.spec_json));
  return { sourceKey: row.source_key, spec, parameters: parseParameters(spec.parameters) };
}
