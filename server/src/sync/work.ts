import { parseParameters, SluiceError, type TaskParameters, TaskSpec } from '@sluice/contract';
import type { MetastoreDb } from '../store/open-metastore.ts';

/** What an attempt is to do, as the metastore says. */
export interface Work {
  readonly attemptId: number;
  readonly runId: number;
  readonly taskId: number;
  readonly taskName: string;
  readonly sourceKey: string;
  /** The version that this is of; its run is of an earlier one until the new one is recorded (RunStore.recordVersion). */
  readonly version: number;
  readonly runVersion: number;
  /** Both become those of a later version when the run takes it over (RunStore.takeOver). */
  spec: TaskSpec;
  parameters: TaskParameters;
  /** Until the run has begun, how it begins. */
  readonly start: 'stateless' | 'resume' | 'custom';
  readonly startPosition: string | null;
  readonly begun: boolean;
  /** A start from a position of one's choice lies behind the tables: they may lack changes, or get some twice. */
  readonly inexact: boolean;
}

/** @param version a later one than the run's, to be taken over */
export async function readWork(db: MetastoreDb, attemptId: number, version?: number): Promise<Work> {
  const row = await db
    .selectFrom('attempts')
    .innerJoin('runs', 'runs.id', 'attempts.run_id')
    .innerJoin('tasks', 'tasks.id', 'runs.task_id')
    .innerJoin('task_versions', (join) =>
      join
        .onRef('task_versions.task_id', '=', 'runs.task_id')
        .on(({ eb, ref }) =>
          eb('task_versions.version', '=', version === undefined ? ref('runs.version') : eb.val(version)),
        ),
    )
    .select([
      'runs.id as runId',
      'runs.version as runVersion',
      'task_versions.version as version',
      'runs.task_id as taskId',
      'tasks.name as taskName',
      'tasks.source_key as sourceKey',
      'task_versions.spec_json as spec',
      'runs.start_mode as start',
      'runs.start_position as startPosition',
      'runs.begun as begun',
    ])
    .where('attempts.id', '=', attemptId)
    .executeTakeFirst();
  if (row === undefined) throw new SluiceError('NOT_FOUND', `There is no attempt ${attemptId}.`);
  const starts = await db
    .selectFrom('runs')
    .select('start_mode')
    .where('task_id', '=', row.taskId)
    .where('id', '<=', row.runId)
    .orderBy('id', 'desc')
    .execute();
  const lastChoice = starts.find((run) => run.start_mode !== 'resume');
  const spec = TaskSpec.parse(JSON.parse(row.spec));
  return {
    ...row,
    attemptId,
    spec,
    parameters: parseParameters(spec.parameters),
    start: row.start as Work['start'],
    begun: row.begun === 1,
    inexact: spec.syncMode === 2 || lastChoice?.start_mode === 'custom',
  };
}

/** Where the task has come to; null: it has not begun. */
export async function savedPosition(
  db: MetastoreDb,
  { taskId }: Pick<Work, 'taskId'>,
): Promise<string | null> {
  const row = await db
    .selectFrom('checkpoints')
    .select('position')
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  return row?.position ?? null;
}
