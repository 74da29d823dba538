import type {
  LakeTableDetail,
  Run,
  SqlResult,
  Task,
  TaskStatus,
  TaskTable,
  WaitResult,
} from '@sluice/contract';
import { type Api, ApiError } from './api.ts';
import type { Lake } from './comparison.ts';
import type { Value } from './normalise.ts';
import type { Shop } from './shop-source.ts';

const SOURCE = 'shop';
const FOLDER = 'demo';
const TASK = 'shop-mirror';

/** The demo's task, from nothing or from what an earlier start left. */
export class Mirror {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Makes data source, folder and task where they are missing, deploys and starts. */
  async start(shop: Pick<Shop, 'connection'>): Promise<'new' | 'resumed'> {
    const { type, ...connection } = shop.connection;
    const known = await this.#find<Task>(`/tasks/${TASK}`);
    if (known !== null) {
      // The database has another port at every start.
      await this.#api.call('PATCH', `/data-sources/${SOURCE}`, connection);
      await this.#publishAndStart(known);
      return 'resumed';
    }
    if ((await this.#find(`/data-sources/${SOURCE}`)) === null) {
      await this.#api.post('/data-sources', { name: SOURCE, type, ...connection });
    } else {
      await this.#api.call('PATCH', `/data-sources/${SOURCE}`, connection);
    }
    const folders = await this.#api.get<{ name: string }[]>('/folders');
    if (!folders.some(({ name }) => name === FOLDER)) await this.#api.post('/folders', { name: FOLDER });
    const task = await this.#api.post<Task>('/tasks', {
      name: TASK,
      folder: FOLDER,
      spec: {
        dataSource: SOURCE,
        database: connection.database,
        pipelineType: 3,
        syncMode: 1,
        parameters: { commit_interval: '1s' },
      },
    });
    await this.#publishAndStart(task);
    return 'new';
  }

  async #publishAndStart(task: Task): Promise<void> {
    if (task.publishedVersion === null) await this.#api.post(`/tasks/${TASK}/publish`);
    // A server that was killed takes its runs up again by itself.
    if (['starting', 'running', 'backing_off'].includes(task.state)) return;
    await this.#api.post<Run>(`/tasks/${TASK}/start`, { from: 'resume' });
  }

  async #find<T>(path: string): Promise<T | null> {
    try {
      return await this.#api.get<T>(path);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  async look(): Promise<{ readonly status: TaskStatus; readonly tables: readonly TaskTable[] }> {
    const [status, tables] = await Promise.all([
      this.#api.get<TaskStatus>(`/tasks/${TASK}/status`),
      this.#api.get<TaskTable[]>(`/tasks/${TASK}/tables`),
    ]);
    return { status, tables };
  }

  /** Waits until what the source holds at this moment is visible in the lake. @throws Error after the time */
  async caughtUp(timeoutSeconds: number): Promise<WaitResult> {
    const result = await this.#api.get<WaitResult>(
      `/tasks/${TASK}/wait?for=caught-up&timeout=${timeoutSeconds}`,
    );
    if (!result.reached) throw new Error(`the lake has not caught up within ${timeoutSeconds} s`);
    return result;
  }

  /** Stops the run; the position is saved. */
  async stop(): Promise<void> {
    const run = await this.#api.post<Run>(`/tasks/${TASK}/stop`).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 'CONFLICT') return null;
      throw error;
    });
    if (run !== null) await this.#api.get(`/runs/${run.id}/wait?timeout=60`);
  }

  readonly lake: Lake = {
    columns: async (schema, table) => {
      const query = new URLSearchParams({ schema, table });
      const found = await this.#find<LakeTableDetail>(`/lake-tables/describe?${query}`);
      return found === null ? null : found.columns.map(({ name }) => name);
    },
    query: async (sql) => {
      const { rows } = await this.#api.post<SqlResult>('/sql', { sql, limit: 0 });
      return rows as readonly (readonly Value[])[];
    },
  };
}
