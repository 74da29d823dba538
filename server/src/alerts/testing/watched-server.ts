import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CreateAlertChannel, CreateAlertRule, Problem } from '@sluice/contract';
import pino from 'pino';
import type { Control } from '../../control/context.ts';
import { Pulses } from '../../control/pulses.ts';
import type { Pulse } from '../../model/pulse.ts';
import { openSealer, prepareDataDir } from '../../store/data-dir.ts';
import { type MetastoreDb, openMetastore } from '../../store/open-metastore.ts';
import { createChannel } from '../channels.ts';
import { createPolicy } from '../policies.ts';
import { createRule } from '../rules.ts';
import { Watch } from '../watch.ts';

export const PROBLEM: Problem = { code: 'TABLE_KEY', message: 'The key changed.', remedy: 'Load it anew.' };

/**
 * A metastore with tasks in the states that a test wants, watched by the clock that it moves. Runs and tables are
 * written as the control plane and the runners write them; no process runs.
 */
export class WatchedServer implements AsyncDisposable {
  now = Date.parse('2026-11-23T12:00:00.000Z');
  readonly control: Control;
  watch: Watch;
  readonly #folder: string;
  #source = 0;
  #folderId = 0;

  private constructor(control: Control, folder: string) {
    this.control = control;
    this.#folder = folder;
    this.watch = this.#watch();
  }

  static async start(): Promise<WatchedServer> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-alerts-'));
    const dataDir = await prepareDataDir(join(folder, 'data'));
    const db = await openMetastore(dataDir.metastore);
    let now = (): number => 0;
    const control = {
      db,
      dataDir,
      sealer: await openSealer(dataDir),
      supervisor: { pulses: new Pulses(() => now()) },
      log: pino({ level: 'silent' }),
      startedAt: 0,
    } as unknown as Control;
    const server = new WatchedServer(control, folder);
    now = () => server.now;
    await server.#makeFolder();
    return server;
  }

  get db(): MetastoreDb {
    return this.control.db;
  }

  /** As after a restart of the server: nothing is known but what the metastore holds. */
  beginAgain(): void {
    this.watch = this.#watch();
  }

  #watch(): Watch {
    return new Watch(this.control, { now: () => this.now });
  }

  async #makeFolder(): Promise<void> {
    const at = this.now;
    const folder = await this.db
      .insertInto('folders')
      .values({ name: 'shop', created_at: at })
      .returning('id')
      .executeTakeFirstOrThrow();
    this.#folderId = folder.id;
    this.#source = await this.dataSource('db');
  }

  async dataSource(name: string): Promise<number> {
    const row = { name, ds_type: 7, config_json: '{}', secret: null, created_at: 0, updated_at: 0 };
    const { id } = await this.db
      .insertInto('data_sources')
      .values(row)
      .returning('id')
      .executeTakeFirstOrThrow();
    return id;
  }

  /** A channel, a policy of it and a rule of that. */
  async tell(
    channel: CreateAlertChannel | readonly CreateAlertChannel[],
    rule: Omit<CreateAlertRule, 'policy'>,
    policy: { readonly repeatSeconds?: number | null; readonly groupSeconds?: number } = {},
  ): Promise<void> {
    const channels = [channel].flat();
    for (const one of channels) await createChannel(this.control, one);
    const name = `to ${channels.map((one) => one.name).join(' and ')}`;
    await createPolicy(this.control, {
      name,
      channels: channels.map((one) => one.name),
      groupSeconds: 0,
      repeatSeconds: null,
      ...policy,
    });
    await createRule(this.control, { ...rule, policy: name });
  }

  async task(
    name: string,
    state = 'running',
    dataSource = this.#source,
  ): Promise<{ id: number; run: number }> {
    const draft_json = JSON.stringify({ pipelineType: 3, dataSource, database: 'shop', schemas: [] });
    const { id } = await this.db
      .insertInto('tasks')
      .values({
        name,
        source_key: name,
        folder_id: this.#folderId,
        task_type: 281,
        draft_json,
        published_version: 1,
        created_at: 0,
        updated_at: 0,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await this.db
      .insertInto('task_versions')
      .values({ task_id: id, version: 1, spec_json: draft_json, published_at: 0 })
      .execute();
    const run = await this.db
      .insertInto('runs')
      .values({
        task_id: id,
        version: 1,
        state,
        start_mode: 'resume',
        start_position: null,
        started_at: this.now,
        ended_at: null,
        error_json: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await this.attempt(run.id, 1, 'running');
    return { id, run: run.id };
  }

  async runState(run: number, state: string, error: Problem | null = null): Promise<void> {
    const error_json = error === null ? null : JSON.stringify(error);
    await this.db.updateTable('runs').set({ state, error_json }).where('id', '=', run).execute();
  }

  async attempt(run: number, number: number, state: string): Promise<void> {
    await this.db
      .insertInto('attempts')
      .values({
        run_id: run,
        number,
        pid: null,
        state,
        started_at: this.now,
        ended_at: null,
        error_json: null,
        log_path: '',
      })
      .execute();
  }

  /** The newest attempt failed and another began. */
  async failover(run: number, number: number): Promise<void> {
    await this.db
      .updateTable('attempts')
      .set({ state: 'failed' })
      .where('run_id', '=', run)
      .where('number', '=', number - 1)
      .execute();
    await this.attempt(run, number, 'running');
  }

  async table(taskId: number, table: string, state = 'live'): Promise<number> {
    const { id } = await this.db
      .insertInto('lanes')
      .values({
        task_id: taskId,
        source_schema: 'public',
        source_table: table,
        object_id: table,
        target_schema: 'public',
        target_table: table,
        state,
        error_json: state === 'blocked' ? JSON.stringify(PROBLEM) : null,
        schema_version: 1,
        load_json: null,
        rows_loaded: 0,
        rows_estimated: null,
        rows_applied: 0,
        read_position: null,
        updated_at: null,
        latency_ms: null,
        nulled_values: 0,
        since: 0,
        created_at: 0,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return id;
  }

  async tableState(laneId: number, state: string): Promise<void> {
    await this.db
      .updateTable('lanes')
      .set({ state, error_json: state === 'blocked' ? JSON.stringify(PROBLEM) : null })
      .where('id', '=', laneId)
      .execute();
  }

  /** The process of a task says how it is. */
  pulse(taskId: number, over: Partial<Pulse>): void {
    this.control.supervisor.pulses.beat(taskId, 1, {
      logBytes: 0,
      loadBytes: 0,
      commits: [],
      waitingLines: 0,
      waitingBytes: 0,
      oldestWaitingMs: null,
      lagBytes: 0,
      lagMs: 0,
      loads: [],
      rssBytes: 0,
      heapBytes: 0,
      ...over,
    });
  }

  /** So much later: a look, and what it made is sent. */
  async after(seconds: number): Promise<void> {
    this.now += seconds * 1000;
    await this.watch.look();
    await this.watch.deliver();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch.close();
    await this.db.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
