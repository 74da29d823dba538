import { dataSourcesOf, Problem } from '@sluice/contract';
import { readDraft } from '../control/draft.ts';
import type { Pulses } from '../control/pulses.ts';
import { isBlocklisted, type LaneState } from '../model/lane-state.ts';
import { tableText } from '../model/table.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { sourceOf } from '../store/progress.ts';
import type { TaskObservation } from './observation.ts';

/** What the rules that there are want to know. */
export interface Interest {
  /** How far back failovers are of interest. */
  readonly windowMs: number;
  /** Whether any rule looks at single tables, of which there may be very many. */
  readonly tables: boolean;
}

/** A table's latency counts for so long after its last commit. */
const RECENT_MS = 60_000;

/** Looks at all tasks, from the metastore and from what their processes said. */
export class Observer {
  readonly #db: MetastoreDb;
  readonly #pulses: Pulses;
  /** Drafts are read as often as somebody looks, and change seldom. */
  readonly #sources = new Map<number, { readonly draft: string; readonly ids: readonly number[] }>();

  constructor(db: MetastoreDb, pulses: Pulses) {
    this.#db = db;
    this.#pulses = pulses;
  }

  async observe(now: number, interest: Interest): Promise<TaskObservation[]> {
    const tasks = await this.#db
      .selectFrom('tasks')
      .innerJoin('folders', 'folders.id', 'tasks.folder_id')
      .select([
        'tasks.id',
        'tasks.name',
        'tasks.draft_json',
        'tasks.published_version',
        'folders.name as folder',
      ])
      .orderBy('tasks.id')
      .execute();
    const sources = new Map(
      (await this.#db.selectFrom('data_sources').select(['id', 'name']).execute()).map((row) => [
        row.id,
        row.name,
      ]),
    );
    const runs = new Map((await this.#newestRuns()).map((row) => [row.task_id, row]));
    const failovers = await this.#failovers(now - interest.windowMs);
    const tables = interest.tables ? await this.#tables(now) : new Map();
    return tasks.map((task): TaskObservation => {
      const run = task.published_version === null ? undefined : runs.get(task.id);
      const late = this.#pulses.lateness(task.id);
      return {
        id: task.id,
        name: task.name,
        folder: task.folder,
        dataSources: this.#dataSources(task.id, task.draft_json).map((id) => sources.get(id) ?? String(id)),
        state: task.published_version === null ? 'draft' : (run?.state ?? 'stopped'),
        error: run === undefined ? null : problemOf(run.error_json),
        failovers: failovers.get(task.id) ?? [],
        latencyMs: late?.latencyMs ?? null,
        lagMs: late?.lagMs ?? null,
        tables: tables.get(task.id) ?? [],
      };
    });
  }

  #newestRuns() {
    return this.#db
      .selectFrom('runs')
      .select(['task_id', 'state', 'error_json'])
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('runs as one')
          .groupBy('one.task_id')
          .select(({ fn }) => fn.max('one.id').as('id')),
      )
      .execute();
  }

  /** An attempt that followed a failed one; a restart of the server in good order is none. */
  async #failovers(since: number): Promise<ReadonlyMap<number, number[]>> {
    const rows = await this.#db
      .selectFrom('attempts')
      .innerJoin('attempts as before', (join) =>
        join
          .onRef('before.run_id', '=', 'attempts.run_id')
          .on((eb) => eb('before.number', '=', eb('attempts.number', '-', 1))),
      )
      .innerJoin('runs', 'runs.id', 'attempts.run_id')
      .where('attempts.started_at', '>', since)
      .where('before.state', '=', 'failed')
      .select(['runs.task_id', 'attempts.started_at'])
      .execute();
    const found = new Map<number, number[]>();
    for (const { task_id, started_at } of rows)
      found.set(task_id, [...(found.get(task_id) ?? []), started_at]);
    return found;
  }

  async #tables(now: number): Promise<ReadonlyMap<number, TaskObservation['tables'][number][]>> {
    const lanes = await this.#db
      .selectFrom('lanes')
      .select([
        'task_id',
        'source_schema',
        'source_table',
        'source_shard',
        'state',
        'error_json',
        'latency_ms',
        'updated_at',
      ])
      .where('state', '!=', 'dropped')
      .orderBy('id')
      .execute();
    const found = new Map<number, TaskObservation['tables'][number][]>();
    for (const lane of lanes) {
      const own = found.get(lane.task_id) ?? [];
      found.set(lane.task_id, own);
      own.push({
        name: tableText(sourceOf(lane)),
        blocked: isBlocklisted(lane.state as LaneState) ? (problemOf(lane.error_json) ?? UNKNOWN) : null,
        latencyMs: now - (lane.updated_at ?? 0) < RECENT_MS ? lane.latency_ms : null,
      });
    }
    return found;
  }

  #dataSources(taskId: number, draft: string): readonly number[] {
    const known = this.#sources.get(taskId);
    if (known?.draft === draft) return known.ids;
    const spec = readDraft(draft);
    const ids = spec === null ? [] : dataSourcesOf(spec);
    this.#sources.set(taskId, { draft, ids });
    return ids;
  }
}

const UNKNOWN: Problem = { code: 'INTERNAL', message: 'The table is on the blocklist.', remedy: '' };

function problemOf(json: string | null): Problem | null {
  return json === null ? null : Problem.parse(JSON.parse(json));
}
