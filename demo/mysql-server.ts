import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { endLeftover } from './leftover.ts';
import { type Flavour, type MysqlBinaries, programOf } from './mysql-binaries.ts';
import { handOver } from './postgres-binaries.ts';
import { freePort, type Settings } from './postgres-server.ts';

export const MYSQL_ADMIN = 'admin';
export const MYSQL_PASSWORD = 'sluice';

const SERVER: Readonly<Record<Flavour, string>> = { mysql: 'mysqld', mariadb: 'mariadbd' };

export interface MysqlOptions {
  readonly binaries: MysqlBinaries;
  /** An existing or new data folder that is kept; without it, one of its own that `dispose` removes. */
  readonly dataDir?: string;
  readonly port?: number;
  /** Of the server, as its configuration file names them, with - or _. */
  readonly settings?: Settings;
}

/** One MySQL or MariaDB server on a loopback port, under one data folder, through any number of lives. */
export class MysqlServer implements AsyncDisposable {
  readonly flavour: Flavour;
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly dataDir: string;
  settings: Settings;
  readonly #binaries: MysqlBinaries;
  readonly #removeAtEnd: string | null;
  #process: ChildProcess | null = null;
  readonly #killAtExit = () => this.#process?.kill('SIGKILL');

  private constructor(
    binaries: MysqlBinaries,
    dataDir: string,
    removeAtEnd: string | null,
    port: number,
    settings: Settings,
  ) {
    this.flavour = binaries.flavour;
    this.#binaries = binaries;
    this.dataDir = dataDir;
    this.#removeAtEnd = removeAtEnd;
    this.port = port;
    this.settings = settings;
  }

  static async start(options: MysqlOptions): Promise<MysqlServer> {
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
    const server = new MysqlServer(binaries, dataDir, own, port, options.settings ?? {});
    try {
      if (!existsSync(join(dataDir, 'mysql'))) await create(binaries, dataDir);
      await server.start();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get url(): string {
    return `mysql://${MYSQL_ADMIN}:${MYSQL_PASSWORD}@${this.host}:${this.port}`;
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
    const before = (await this.log()).length;
    const users = `${this.dataDir}.sql`;
    await writeFile(users, ACCOUNT);
    await handOver(users, this.#binaries.account);
    const child = launch(this.#binaries, this.dataDir, {
      port: this.port,
      'bind-address': this.host,
      'init-file': users,
      ...this.settings,
    });
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
    const deadline = Date.now() + 90_000;
    for (;;) {
      if (ended !== null)
        throw new Error(`${this.flavour} did not start:\n${(await this.log()).slice(before)}\n${ended}`);
      if (await this.#answers()) return;
      if (Date.now() > deadline) {
        await this.kill();
        throw new Error(`${this.flavour} was not ready in time:\n${(await this.log()).slice(before)}`);
      }
      await sleep(30);
    }
  }

  async #answers(): Promise<boolean> {
    try {
      const connection = await mysql.createConnection({ uri: this.url, connectTimeout: 5000 });
      await connection.end();
      return true;
    } catch {
      return false;
    }
  }

  /** An orderly shutdown; killed when that takes longer than 30 s. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await exited;
    clearTimeout(timer);
  }

  /** kill -9, as when the machine loses power but its disk does not. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(this.#removeAtEnd === null ? 'SIGTERM' : 'SIGKILL');
    if (this.#removeAtEnd !== null)
      await rm(this.#removeAtEnd, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Read at every start: a line a statement, and none of it in the log that is mirrored. */
const ACCOUNT = [
  'SET sql_log_bin = 0;',
  `CREATE USER IF NOT EXISTS '${MYSQL_ADMIN}'@'%' IDENTIFIED BY '${MYSQL_PASSWORD}';`,
  `GRANT ALL ON *.* TO '${MYSQL_ADMIN}'@'%' WITH GRANT OPTION;`,
  '',
].join('\n');

function launch(
  binaries: MysqlBinaries,
  dataDir: string,
  settings: Settings,
  flags: readonly string[] = [],
  stdin: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  const { command, args } = programOf(binaries, SERVER[binaries.flavour]);
  const log = openSync(`${dataDir}.log`, 'a');
  try {
    return spawn(
      command,
      [...args, '--no-defaults', ...optionsOf({ ...own(binaries, dataDir), ...settings }), ...flags],
      {
        ...binaries.account,
        cwd: join(dataDir, '..'),
        env: { ...process.env, LC_ALL: 'C' },
        stdio: [stdin, log, log],
        // A process group of its own: Ctrl-C on the terminal is for us, who stop the server in its turn.
        detached: true,
      },
    );
  } finally {
    closeSync(log);
  }
}

const optionsOf = (settings: Settings): string[] =>
  Object.entries(settings).map(([name, value]) => `--${name.replaceAll('_', '-')}=${value}`);

/** Where the unpacked server finds its files, since it was built for other folders. */
function own({ root, flavour }: MysqlBinaries, dataDir: string): Settings {
  const usr = join(root, 'usr');
  const common = {
    basedir: usr,
    datadir: dataDir,
    'lc-messages-dir': join(usr, 'share/mysql'),
    'character-sets-dir': join(usr, 'share/mysql/charsets'),
    'plugin-dir': join(usr, 'lib/mysql/plugin'),
    socket: `${dataDir}.sock`,
    'pid-file': `${dataDir}.pid`,
    tmpdir: join(dataDir, '..'),
  };
  // Debian's own default is a folder that is not there.
  return flavour === 'mysql' ? { ...common, 'secure-file-priv': 'NULL', mysqlx: 'OFF' } : common;
}

/** A fresh data folder: a copy of a template, which takes the server seconds to make. */
async function create(binaries: MysqlBinaries, dataDir: string): Promise<void> {
  const template = join(binaries.cache, 'template');
  if (!existsSync(template)) {
    const work = await mkdtemp(join(binaries.cache, `init-${process.pid}-`));
    try {
      await handOver(work, binaries.account);
      const data = join(work, 'data');
      if (binaries.flavour === 'mysql')
        await ended(launch(binaries, data, {}, ['--initialize-insecure']), data);
      else await bootstrap(binaries, data);
      await rename(data, template).catch((error: unknown) => {
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
  const copied = spawn('cp', ['-a', template, dataDir], { ...binaries.account, cwd: binaries.cache });
  await new Promise<void>((resolve, reject) => {
    copied.once('error', reject);
    copied.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`cp ended with ${code}`))));
  });
  // Two servers of one template would bear one identity.
  await rm(join(dataDir, 'auto.cnf'), { force: true });
}

/** As mariadb-install-db does it, without its shell. */
async function bootstrap(binaries: MysqlBinaries, data: string): Promise<void> {
  await mkdir(data);
  await handOver(data, binaries.account);
  const folder = join(binaries.root, 'usr/share/mysql');
  const child = launch(binaries, data, {}, ['--bootstrap'], 'pipe');
  const done = ended(child, data);
  child.stdin?.write('CREATE DATABASE mysql;\nUSE mysql;\n');
  for (const name of [
    'mysql_system_tables.sql',
    'mysql_performance_tables.sql',
    'mysql_system_tables_data.sql',
    'maria_add_gis_sp_bootstrap.sql',
    'mysql_sys_schema.sql',
  ])
    child.stdin?.write(await readFile(join(folder, name)));
  child.stdin?.end();
  await done;
}

async function ended(child: ChildProcess, data: string): Promise<void> {
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => resolve(status ?? signal ?? 'unknown'));
  });
  if (code === 0) return;
  const log = await readFile(`${data}.log`, 'utf8').catch(() => '');
  throw new Error(`the server's data folder could not be made (${code}):\n${log}`);
}

/** Ends servers, and removes folders, of runs that were killed before they could do it themselves. */
async function sweep(binaries: MysqlBinaries): Promise<void> {
  for (const name of await readdir(binaries.cache)) {
    const pid = /^(?:run|init|fetch)-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || alive(Number(pid))) continue;
    const folder = join(binaries.cache, name);
    const data = join(folder, 'data');
    await endLeftover(`${data}.pid`, data, 'SIGKILL');
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
