import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endLeftover } from './leftover.ts';
import { handOver, type PostgresBinaries } from './postgres-binaries.ts';

const run = promisify(execFile);

export const POSTGRES_USER = 'postgres';
export const POSTGRES_PASSWORD = 'sluice';

export type Settings = Readonly<Record<string, string | number | boolean>>;

export interface PostgresOptions {
  readonly binaries: PostgresBinaries;
  /** An existing or new data folder that is kept; without it, one of its own that `dispose` removes. */
  readonly dataDir?: string;
  readonly port?: number;
  readonly settings?: Settings;
}

/** One PostgreSQL server on a loopback port, under one data folder, through any number of lives. */
export class PostgresServer implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly dataDir: string;
  settings: Settings;
  readonly #binaries: PostgresBinaries;
  readonly #removeAtEnd: string | null;
  #process: ChildProcess | null = null;
  readonly #killAtExit = () => this.#process?.kill('SIGQUIT');

  private constructor(
    binaries: PostgresBinaries,
    dataDir: string,
    removeAtEnd: string | null,
    port: number,
    settings: Settings,
  ) {
    this.#binaries = binaries;
    this.dataDir = dataDir;
    this.#removeAtEnd = removeAtEnd;
    this.port = port;
    this.settings = settings;
  }

  static async start(options: PostgresOptions): Promise<PostgresServer> {
    const { binaries } = options;
    let dataDir = options.dataDir;
    let own: string | null = null;
    if (dataDir === undefined) {
      await sweep(binaries);
      // The name holds our process id, so that the next run can tell whose it was (sweep).
      own = await mkdtemp(join(binaries.cache, `run-${process.pid}-`));
      await handOver(own, binaries.account);
      dataDir = join(own, 'data');
    }
    const port = options.port ?? (await freePort());
    const server = new PostgresServer(binaries, dataDir, own, port, options.settings ?? {});
    if (!existsSync(join(dataDir, 'PG_VERSION'))) await create(binaries, dataDir);
    try {
      await server.start();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get url(): string {
    return this.urlOf('postgres');
  }

  urlOf(database: string): string {
    return `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@${this.host}:${this.port}/${encodeURIComponent(database)}`;
  }

  get running(): boolean {
    return this.#process !== null;
  }

  /** The server's own log, of all its lives. */
  async log(): Promise<string> {
    return await readFile(`${this.dataDir}.log`, 'utf8').catch(() => '');
  }

  /** Starts it again on the same port and data. Resolves when it takes connections. */
  async start(): Promise<void> {
    if (this.#process !== null) return;
    const deadline = Date.now() + 60_000;
    for (;;) {
      const reason = await this.#launch(deadline);
      if (reason === null) return;
      // After kill -9, backends hold the shared memory until they notice that their postmaster is gone.
      if (!/pre-existing shared memory|lock file "postmaster.pid"/.test(reason) || Date.now() > deadline) {
        throw new Error(`PostgreSQL did not start:\n${reason}`);
      }
      await sleep(50);
    }
  }

  /** One try; `null`: it runs. Otherwise what it said. */
  async #launch(deadline: number): Promise<string | null> {
    const logPath = `${this.dataDir}.log`;
    const before = (await this.log()).length;
    const settings: Record<string, string | number | boolean> = {
      port: this.port,
      listen_addresses: this.host,
      unix_socket_directories: '',
      ...this.settings,
    };
    const args = ['-D', this.dataDir];
    for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
    const log = openSync(logPath, 'a');
    const child = spawn(join(this.#binaries.bin, 'postgres'), args, {
      ...this.#binaries.account,
      cwd: join(this.dataDir, '..'),
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', log, log],
      // A process group of its own: Ctrl-C on the terminal is for us, who stop the server in its turn.
      detached: true,
    });
    closeSync(log);
    let ended: string | null = null;
    child.once('error', (error) => {
      ended = String(error);
    });
    child.once('exit', (code, signal) => {
      ended ??= `exit ${code ?? signal}`;
      if (this.#process === child) this.#process = null;
      process.off('exit', this.#killAtExit);
    });
    this.#process = child;
    process.on('exit', this.#killAtExit);
    for (;;) {
      if (ended !== null) return `${(await this.log()).slice(before)}\n${String(ended)}`;
      // Line 8 of postmaster.pid is the postmaster's state, as pg_ctl reads it (PM_STATUS_READY).
      const lines = (await readFile(join(this.dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split(
        '\n',
      );
      if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return null;
      if (Date.now() > deadline) {
        await this.stop('SIGKILL');
        return `${(await this.log()).slice(before)}\nit was not ready in time`;
      }
      await sleep(20);
    }
  }

  /** A fast shutdown; an immediate one (SIGQUIT) when that takes longer than 30 s. */
  async stop(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGQUIT'), 30_000);
    await exited;
    clearTimeout(timer);
  }

  /** kill -9 to the postmaster and to every process of it, as when the machine loses power but its disk does not. */
  async kill(): Promise<void> {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    const children = await childrenOf(pid);
    const stopped = this.stop('SIGKILL');
    for (const child of children) {
      try {
        process.kill(child, 'SIGKILL');
      } catch {
        // It ended by itself meanwhile.
      }
    }
    await stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(this.#removeAtEnd === null ? 'SIGINT' : 'SIGQUIT');
    if (this.#removeAtEnd !== null) {
      await rm(this.#removeAtEnd, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    }
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  const found: number[] = [];
  for (const name of names.filter((each) => /^\d+$/.test(each))) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // proc(5): pid (comm) state ppid …; comm may hold anything, so the fields are counted from its end.
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (parent === String(pid)) found.push(Number(name));
  }
  return found;
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A fresh data folder: a copy of a template, since initdb takes seconds and a copy a tenth of one. */
async function create(binaries: PostgresBinaries, dataDir: string): Promise<void> {
  const template = join(binaries.cache, `template-${binaries.build}`);
  if (!existsSync(template)) {
    const work = await mkdtemp(join(binaries.cache, `initdb-${process.pid}-`));
    try {
      await handOver(work, binaries.account);
      const password = join(work, 'password');
      await writeFile(password, POSTGRES_PASSWORD);
      await handOver(password, binaries.account);
      await run(
        join(binaries.bin, 'initdb'),
        [
          ...['-D', join(work, 'data'), '--username', POSTGRES_USER, '--pwfile', password],
          ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
          '--no-instructions',
        ],
        { ...binaries.account, cwd: work, env: { ...process.env, LC_ALL: 'C' } },
      );
      await rename(join(work, 'data'), template).catch((error: unknown) => {
        // Another process made it at the same time.
        if (!existsSync(template)) throw error;
      });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  const parent = join(dataDir, '..');
  await mkdir(parent, { recursive: true });
  await handOver(parent, binaries.account);
  await run('cp', ['-a', template, dataDir], { ...binaries.account, cwd: parent });
}

/** Ends servers, and removes folders, of runs that were killed before they could do it themselves. */
async function sweep(binaries: PostgresBinaries): Promise<void> {
  for (const name of await readdir(binaries.cache)) {
    const pid = /^(?:run|initdb)-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || alive(Number(pid))) continue;
    const folder = join(binaries.cache, name);
    const data = join(folder, 'data');
    await endLeftover(join(data, 'postmaster.pid'), data, 'SIGQUIT');
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
