import { type Problem, parseParameters, SluiceError, TaskSpec, waitsForStart } from '@sluice/contract';
import { appliesNone, type LaneState } from '../model/lane-state.ts';
import { type TableName, tableText } from '../model/table.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { forgetProgress, readLanes } from '../store/progress.ts';
import { freshMemory, type KeptSchema, type Lane, type Load } from './lane.ts';
import { RunTimeline } from './run-timeline.ts';
import { readSegments } from './segment-rows.ts';
import type { Work } from './work.ts';

export interface Checkpoint {
  readonly position: string | null;
  readonly nextOrd: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

/**
 * The metastore as a run writes it. Every write goes through `write`, which first looks whether this attempt still
 * owns the task: a runner that was thought dead and is not cannot overwrite its successor.
 */
export class RunStore {
  readonly db: MetastoreDb;
  readonly #work: Work;
  readonly timeline: RunTimeline;

  constructor(db: MetastoreDb, work: Work) {
    this.db = db;
    this.#work = work;
    this.timeline = new RunTimeline(work);
  }

  /** @throws SluiceError FENCED */
  async fence(transaction: MetastoreDb): Promise<void> {
    const row = await transaction
      .selectFrom('checkpoints')
      .select('attempt_id')
      .where('task_id', '=', this.#work.taskId)
      .executeTakeFirst();
    if (row?.attempt_id !== this.#work.attemptId)
      throw new SluiceError('FENCED', 'Another attempt of this run has taken over.');
  }

  async write<T>(work: (transaction: MetastoreDb) => Promise<T>): Promise<T> {
    return this.db.transaction().execute(async (transaction) => {
      await this.fence(transaction);
      return work(transaction);
    });
  }

  /**
   * As `write`, if `holds`. That is asked within the transaction: whoever asks before it may be overtaken by a commit,
   * which begins another life of a lane, while the transaction waits for its turn.
   * @returns whether it was written
   */
  async writeIf(holds: () => boolean, work: (transaction: MetastoreDb) => Promise<void>): Promise<boolean> {
    return this.write(async (transaction) => {
      if (!holds()) return false;
      await work(transaction);
      return true;
    });
  }

  /**
   * Makes the run one of the version that was published last, where that is a later one and differs in nothing that
   * waits for a start. A merge is only looked at: it begins anew with that version before it is one of it.
   * @returns that version; null: there is none to be taken over
   */
  async takeOver(): Promise<number | null> {
    const work = this.#work;
    const row = await this.db
      .selectFrom('runs')
      .innerJoin('tasks', 'tasks.id', 'runs.task_id')
      .innerJoin('task_versions', (join) =>
        join
          .onRef('task_versions.task_id', '=', 'tasks.id')
          .onRef('task_versions.version', '=', 'tasks.published_version'),
      )
      .select([
        'runs.version as running',
        'task_versions.version as version',
        'task_versions.spec_json as spec',
      ])
      .where('runs.id', '=', work.runId)
      .executeTakeFirst();
    if (row === undefined || row.version <= row.running) return null;
    const spec = TaskSpec.safeParse(JSON.parse(row.spec));
    if (!spec.success || waitsForStart(work.spec, spec.data).length > 0) return null;
    if (spec.data.pipelineType === 2) return row.version;
    await this.recordVersion(row.version);
    work.spec = spec.data;
    work.parameters = parseParameters(spec.data.parameters);
    return row.version;
  }

  /** From now on the run is one of this version. */
  async recordVersion(version: number): Promise<void> {
    await this.write(async (transaction) => {
      await transaction.updateTable('runs').set({ version }).where('id', '=', this.#work.runId).execute();
      await this.timeline.record(transaction, { kind: 'run.version', detail: { version } });
    });
  }

  async checkpoint(): Promise<Checkpoint> {
    const row = await this.db
      .selectFrom('checkpoints')
      .selectAll()
      .where('task_id', '=', this.#work.taskId)
      .executeTakeFirst();
    return {
      position: row?.position ?? null,
      nextOrd: row?.next_ord ?? 1,
      rowsRead: row?.rows_read ?? 0,
      rowsWritten: row?.rows_written ?? 0,
    };
  }

  /** Forgets what the task had reached. Target tables stay. @returns segment files that are of no use any more */
  async reset(): Promise<readonly string[]> {
    return this.write(async (transaction) => {
      const segments = await transaction
        .selectFrom('segments')
        .innerJoin('lanes', 'lanes.id', 'segments.lane_id')
        .where('lanes.task_id', '=', this.#work.taskId)
        .select('segments.path')
        .execute();
      await forgetProgress(transaction, this.#work.taskId);
      await transaction
        .insertInto('checkpoints')
        .values({
          task_id: this.#work.taskId,
          attempt_id: this.#work.attemptId,
          position: null,
          next_ord: 1,
          committed_at: null,
          phase: 'initialization',
          rows_read: 0,
          rows_written: 0,
        })
        .execute();
      return segments.map((row) => row.path);
    });
  }

  /** The run has begun at this position: later attempts go on from the checkpoint. */
  async begin(position: string): Promise<void> {
    await this.write(async (transaction) => {
      await transaction
        .updateTable('checkpoints')
        .set({ position })
        .where('task_id', '=', this.#work.taskId)
        .execute();
      await transaction.updateTable('runs').set({ begun: 1 }).where('id', '=', this.#work.runId).execute();
    });
  }

  async saveCheckpoint(
    transaction: MetastoreDb,
    checkpoint: Checkpoint & { readonly position: string; readonly phase: string },
  ): Promise<void> {
    await transaction
      .updateTable('checkpoints')
      .set({
        position: checkpoint.position,
        next_ord: checkpoint.nextOrd,
        committed_at: Date.now(),
        phase: checkpoint.phase,
        rows_read: checkpoint.rowsRead,
        rows_written: checkpoint.rowsWritten,
      })
      .where('task_id', '=', this.#work.taskId)
      .execute();
  }

  async savePhase(phase: string): Promise<void> {
    await this.write(async (transaction) => {
      await this.timeline.record(transaction, { kind: 'run.phase', detail: { phase } });
      await transaction
        .updateTable('checkpoints')
        .set({ phase })
        .where('task_id', '=', this.#work.taskId)
        .execute();
    });
  }

  async lanes(): Promise<Lane[]> {
    const rows = await readLanes(this.db, this.#work.taskId);
    return Promise.all(
      rows.map(async (row): Promise<Lane> => {
        const kept = await this.schema(row.id, row.schema_version);
        const load = row.load_json === null ? null : (JSON.parse(row.load_json) as Load);
        this.timeline.known(row.id, row.state, kept.schema);
        return {
          id: row.id,
          source: named(row.source_schema, row.source_table, row.source_shard),
          target: named(row.target_schema, row.target_table, row.target_shard),
          objectId: row.object_id,
          state: row.state as LaneState,
          trouble: row.error_json === null ? null : (JSON.parse(row.error_json) as Problem).code,
          kept,
          schemaVersion: row.schema_version,
          load,
          exact: !this.#work.inexact && (row.state === 'live' || appliesNone(row.state as LaneState)),
          rowsLoaded: row.rows_loaded,
          rowsEstimated: row.rows_estimated,
          rowsApplied: row.rows_applied,
          nulledValues: row.nulled_values,
          readPosition: row.read_position,
          latencyMs: row.latency_ms,
          // The attempt that published it may have ended before whoever was writing to it then.
          settle: row.state === 'pending',
          priority: row.priority,
          ...freshMemory(),
        };
      }),
    );
  }

  async schema(laneId: number, version: number): Promise<KeptSchema> {
    const row = await this.db
      .selectFrom('lane_schemas')
      .select('schema_json')
      .where('lane_id', '=', laneId)
      .where('version', '=', version)
      .executeTakeFirstOrThrow();
    return JSON.parse(row.schema_json) as KeptSchema;
  }

  async addLane(
    lane: Pick<Lane, 'source' | 'target' | 'objectId' | 'state' | 'kept' | 'rowsEstimated'>,
    error: Problem | null,
  ): Promise<Lane> {
    return this.write(async (transaction) => {
      const { id } = await transaction
        .insertInto('lanes')
        .values({
          task_id: this.#work.taskId,
          source_schema: lane.source.schema,
          source_table: lane.source.table,
          object_id: lane.objectId,
          target_schema: lane.target.schema,
          target_table: lane.target.table,
          source_shard: lane.source.shard ?? null,
          target_shard: lane.target.shard ?? null,
          state: lane.state,
          error_json: error === null ? null : JSON.stringify(error),
          schema_version: 1,
          load_json: null,
          rows_loaded: 0,
          rows_estimated: lane.rowsEstimated === null ? null : Math.round(lane.rowsEstimated),
          rows_applied: 0,
          read_position: null,
          updated_at: null,
          latency_ms: null,
          nulled_values: 0,
          created_at: Date.now(),
          since: Date.now(),
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      const made: Lane = {
        ...lane,
        id,
        trouble: error?.code ?? null,
        schemaVersion: 1,
        load: null,
        exact: false,
        rowsLoaded: 0,
        rowsApplied: 0,
        nulledValues: 0,
        readPosition: null,
        latencyMs: null,
        settle: false,
        priority: 0,
        ...freshMemory(),
      };
      await this.addSchema(transaction, made);
      this.timeline.known(id, made.state, made.kept.schema);
      const detail = {
        state: made.state,
        ...(error === null ? {} : { code: error.code, message: error.message }),
      };
      await this.timeline.record(transaction, {
        kind: 'table.joined',
        table: tableText(made.source),
        detail,
      });
      return made;
    });
  }

  /** Another task that mirrors into this table; null where there is none. */
  async otherTaskOf(target: TableName): Promise<string | null> {
    const row = await this.db
      .selectFrom('lanes')
      .innerJoin('tasks', 'tasks.id', 'lanes.task_id')
      .select('tasks.name')
      .where('lanes.target_schema', '=', target.schema)
      .where('lanes.target_table', '=', target.table)
      .where('lanes.task_id', '!=', this.#work.taskId)
      .executeTakeFirst();
    return row?.name ?? null;
  }

  /** The task no longer wants the table. Its target stays. @returns segment files that are of no use any more */
  async removeLane(lane: Lane): Promise<readonly string[]> {
    const segments = await readSegments(this.db, lane.id);
    await this.write(async (transaction) => {
      await transaction.deleteFrom('lanes').where('id', '=', lane.id).execute();
      await this.timeline.record(transaction, { kind: 'table.left', table: tableText(lane.source) });
    });
    return segments.map((segment) => segment.path);
  }

  /** The lane's current schema, under its version. */
  async addSchema(transaction: MetastoreDb, lane: Lane): Promise<void> {
    const schema_json = JSON.stringify(lane.kept);
    await transaction
      .insertInto('lane_schemas')
      .values({ lane_id: lane.id, version: lane.schemaVersion, schema_json })
      .onConflict((conflict) => conflict.columns(['lane_id', 'version']).doUpdateSet({ schema_json }))
      .execute();
  }

  /** What the lane is now; `error` where it is on the blocklist, undefined leaves what is there. */
  async saveLane(transaction: MetastoreDb, lane: Lane, error?: Problem | null): Promise<void> {
    await this.addSchema(transaction, lane);
    await this.timeline.saved(transaction, lane, error);
    await transaction
      .updateTable('lanes')
      .set(({ eb, ref }) => ({
        source_schema: lane.source.schema,
        source_table: lane.source.table,
        source_shard: lane.source.shard ?? null,
        object_id: lane.objectId,
        since: eb.case().when('state', '=', lane.state).then(ref('since')).else(Date.now()).end(),
        state: lane.state,
        priority: lane.priority,
        schema_version: lane.schemaVersion,
        load_json: lane.load === null ? null : JSON.stringify(lane.load),
        rows_loaded: lane.rowsLoaded,
        rows_estimated: lane.rowsEstimated === null ? null : Math.round(lane.rowsEstimated),
        rows_applied: lane.rowsApplied,
        nulled_values: lane.nulledValues,
        read_position: lane.readPosition,
        latency_ms: lane.latencyMs,
        updated_at: Date.now(),
        ...(error === undefined ? {} : { error_json: error === null ? null : JSON.stringify(error) }),
      }))
      .where('id', '=', lane.id)
      .execute();
  }
}

function named(schema: string, table: string, shard: string | null): TableName {
  return shard === null ? { schema, table } : { schema, table, shard };
}
