import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunDetail, SqlResult, TaskStatus, TaskTable, WaitResult } from '@sluice/contract';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { Api } from '../../demo/api.ts';
import { equal, type Lake, type TableComparison } from '../../demo/comparison.ts';
import { compareMysql } from '../../demo/comparison-mysql.ts';
import { comparePostgres } from '../../demo/comparison-postgres.ts';
import type { TestConnection } from './postgres.ts';

export type SourceType = 'postgres' | 'mysql' | 'mariadb';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The environment in which waits of the sync engine last longer at random (slow-waits.mjs). */
export function slowWaits(seed: number | string): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: `--import ${new URL('slow-waits.mjs', import.meta.url).href}`,
    SLUICE_TEST_SLOW: String(seed),
  };
}

const SLOW = process.env.SLUICE_TEST_SLOW;

/** A real `sluice serve` with a data folder of its own, which a test may kill and start again. */
export class TestLake implements AsyncDisposable {
  readonly dataDir: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #url = '';
  #output = '';

  private constructor(dataDir: string, env: NodeJS.ProcessEnv) {
    this.dataDir = dataDir;
    this.#env = env;
  }

  /** `env` joins the server's environment, and so its runners'; as it is at each start. */
  static async start(
    options: { readonly env?: NodeJS.ProcessEnv; readonly dataDir?: string } = {},
  ): Promise<TestLake> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'sluice-lake-')));
    const lake = new TestLake(dataDir, options.env ?? {});
    await lake.restart();
    return lake;
  }

  async restart(): Promise<void> {
    const command = [
      join(ROOT, 'server', 'bin', 'sluice.js'),
      'serve',
      '--data-dir',
      this.dataDir,
      '--port',
      '0',
    ];
    const child = spawn(process.execPath, command, {
      env: { ...process.env, ...(SLOW === undefined ? {} : slowWaits(SLOW)), ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let output = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-20_000);
    });
    this.#url = await new Promise<string>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const url = /http:\/\/[^"\s]+/.exec(output)?.[0];
        if (url !== undefined) resolve(url);
      });
      child.once('exit', (code, signal) =>
        reject(new Error(`sluice serve ended (${code ?? signal}): ${output}${this.#output}`)),
      );
    });
    child.removeAllListeners('exit');
  }

  get url(): string {
    return this.#url;
  }

  /** What the server wrote to stderr lately. */
  get log(): string {
    return this.#output;
  }

  async api(): Promise<Api> {
    return new Api(this.#url, (await readFile(join(this.dataDir, 'token'), 'utf8')).trim());
  }

  /** kill -9 of the server; its runners notice by themselves. */
  async killServer(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }

  /** kill -9 of the runner of a task's newest run. @returns false where none runs */
  async killRunner(task: string): Promise<boolean> {
    const run = await this.newestRun(task);
    const pid = run?.attempts.findLast((attempt) => attempt.state === 'running')?.pid;
    if (pid === undefined || pid === null) return false;
    try {
      process.kill(pid, 'SIGKILL');
      return true;
    } catch {
      return false;
    }
  }

  async newestRun(task: string): Promise<RunDetail | null> {
    const api = await this.api();
    const runs = await api.get<readonly { readonly id: number }[]>(`/tasks/${task}/runs`);
    const newest = Math.max(0, ...runs.map((run) => run.id));
    return newest === 0 ? null : api.get<RunDetail>(`/runs/${newest}`);
  }

  /** A data source and a published task that mirrors it; `start` it next. */
  async createMirror(
    name: string,
    connection: TestConnection & { readonly database: string },
    options: {
      readonly parameters?: Readonly<Record<string, string>>;
      readonly tables?: readonly { readonly schema: string; readonly table: string }[];
      readonly syncMode?: 1 | 2;
      readonly type?: SourceType;
      readonly publish?: boolean;
    } = {},
  ): Promise<void> {
    const api = await this.api();
    await api.post('/data-sources', {
      name,
      type: options.type ?? 'postgres',
      host: connection.host,
      port: connection.port,
      username: connection.username,
      password: connection.password,
      database: connection.database,
    });
    const folders = await api.get<readonly { readonly name: string }[]>('/folders');
    if (!folders.some((folder) => folder.name === 'tests')) await api.post('/folders', { name: 'tests' });
    await api.post('/tasks', {
      name,
      folder: 'tests',
      spec: {
        dataSource: name,
        database: connection.database,
        pipelineType: options.tables === undefined ? 3 : 1,
        tables: options.tables ?? [],
        syncMode: options.syncMode ?? 1,
        parameters: { commit_interval: '200ms', discover_interval: '1s', ...options.parameters },
      },
    });
    if (options.publish !== false) await api.post(`/tasks/${name}/publish`);
  }

  async start(task: string, body: object = {}): Promise<void> {
    await (await this.api()).post(`/tasks/${task}/start`, body);
  }

  async stop(task: string): Promise<void> {
    const api = await this.api();
    const run = await api.post<{ readonly id: number }>(`/tasks/${task}/stop`);
    await api.get(`/runs/${run.id}/wait?timeout=60`);
  }

  async status(task: string): Promise<TaskStatus> {
    return (await this.api()).get<TaskStatus>(`/tasks/${task}/status`);
  }

  async tables(task: string): Promise<readonly TaskTable[]> {
    return (await this.api()).get<TaskTable[]>(`/tasks/${task}/tables`);
  }

  /** Waits until what the source holds at this moment is visible. @throws Error after the time, with the attempt's log */
  async caughtUp(task: string, seconds = 60): Promise<void> {
    const api = await this.api();
    const result = await api.get<WaitResult>(`/tasks/${task}/wait?for=caught-up&timeout=${seconds}`);
    if (!result.reached)
      throw new Error(`not caught up within ${seconds} s:\n${await this.attemptLog(task)}`);
  }

  /** The end of the newest attempt's log. */
  async attemptLog(task: string): Promise<string> {
    const run = await this.newestRun(task);
    const attempt = run?.attempts.at(-1);
    if (attempt === undefined) return '(no attempt)';
    const log = await (await this.api()).get<{ lines: string[] }>(`/attempts/${attempt.id}/log?tail=60`);
    return log.lines.join('\n');
  }

  /** Waits until `check` gives something, asking again and again. */
  async until<T>(check: () => Promise<T | null | undefined | false>, seconds = 60): Promise<T> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const value = await check();
      if (value !== null && value !== undefined && value !== false) return value;
      if (Date.now() > deadline) throw new Error(`did not happen within ${seconds} s: ${check.toString()}`);
      await pause(50);
    }
  }

  async sql(statement: string): Promise<SqlResult> {
    return (await this.api()).post<SqlResult>('/sql', { sql: statement, limit: 0 });
  }

  lake(): Lake {
    return {
      columns: async (schema, table) => {
        const api = await this.api();
        const query = new URLSearchParams({ schema, table });
        try {
          const found = await api.get<{ columns: { name: string }[] }>(`/lake-tables/describe?${query}`);
          return found.columns.map(({ name }) => name);
        } catch (error) {
          if ((error as { code?: string }).code === 'NOT_FOUND') return null;
          throw error;
        }
      },
      query: async (statement) => (await this.sql(statement)).rows as readonly (readonly (string | null)[])[],
    };
  }

  /**
   * Compares every table of the database with the lake, row by row.
   * @param database PostgreSQL: its URL; MySQL and MariaDB: how a task would connect
   * @param wanted the tables' names; all by default
   * @returns what differs, for people; empty when equal
   */
  async differences(
    database: string | Omit<TestConnection, 'sslmode'>,
    wanted: (table: string) => boolean = () => true,
  ): Promise<readonly string[]> {
    const results =
      typeof database === 'string'
        ? await this.#postgres(database, wanted)
        : await this.#mysql(database, wanted);
    return results
      .filter((result) => !equal(result))
      .map(
        (result) =>
          `${result.table}: source ${result.sourceRows}, lake ${result.lakeRows}; ${result.problem ?? ''} ${result.examples.join('; ')}`,
      );
  }

  async #postgres(
    databaseUrl: string,
    wanted: (table: string) => boolean,
  ): Promise<readonly TableComparison[]> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      return await comparePostgres(client, this.lake(), { wanted });
    } finally {
      await client.end();
    }
  }

  async #mysql(
    { host, port, username: user, password, database }: Omit<TestConnection, 'sslmode'>,
    wanted: (table: string) => boolean,
  ): Promise<readonly TableComparison[]> {
    const client = await mysql.createConnection({ host, port, user, password, database });
    try {
      return await compareMysql(client, this.lake(), { wanted });
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await exited;
      clearTimeout(timer);
    }
    if (process.env.SLUICE_TEST_KEEP === undefined) await rm(this.dataDir, { recursive: true, force: true });
  }
}
