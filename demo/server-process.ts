import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from './api.ts';

/** `sluice serve` as a child process, its output in a file beside the data folder. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  readonly logPath: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  #ended: string | null = null;
  readonly #killAtExit = () => this.#child.kill('SIGKILL');

  private constructor(url: string, dataDir: string, logPath: string, child: ChildProcess) {
    this.url = url;
    this.dataDir = dataDir;
    this.logPath = logPath;
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(String(error)));
      child.once('exit', (code, signal) => resolve(`exit code ${code ?? signal}`));
    });
    void this.#exited.then((reason) => {
      this.#ended = reason;
      process.off('exit', this.#killAtExit);
    });
    process.on('exit', this.#killAtExit);
  }

  /** Starts it on the first free port from `port` on; resolves when it answers. */
  static async start(root: string, dataDir: string, port: number): Promise<ServerProcess> {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const chosen = await freePortFrom(port);
    const logPath = `${dataDir}.log`;
    const log = openSync(logPath, 'a');
    const command = [
      join(root, 'server', 'bin', 'sluice.js'),
      'serve',
      '--data-dir',
      dataDir,
      '--port',
      `${chosen}`,
    ];
    // A process group of its own: Ctrl-C is for the demo, which stops the server in its turn.
    const child = spawn(process.execPath, command, { detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    const server = new ServerProcess(`http://127.0.0.1:${chosen}`, dataDir, logPath, child);
    await server.#untilItAnswers();
    return server;
  }

  async #untilItAnswers(): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      if (this.#ended !== null || Date.now() > deadline) {
        const log = await readFile(this.logPath, 'utf8').catch(() => '');
        await this[Symbol.asyncDispose]();
        throw new Error(`sluice serve did not start (${this.#ended ?? 'no answer'}):\n${log.slice(-3000)}`);
      }
      const answer = await this.api()
        .then((api) => api.get('/status'))
        .catch(() => null);
      if (answer !== null) return;
      await sleep(100);
    }
  }

  get tokenPath(): string {
    return join(this.dataDir, 'token');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async api(): Promise<Api> {
    return new Api(this.url, await this.#token());
  }

  /** Opens Studio, signed in: what stands behind # never leaves the browser. */
  async studioUrl(): Promise<string> {
    return `${this.url}/#token=${await this.#token()}`;
  }

  async #token(): Promise<string> {
    return (await readFile(this.tokenPath, 'utf8')).trim();
  }

  /** Why it ended, if it has; null while it runs. */
  get ended(): string | null {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 30_000);
    await this.#exited;
    clearTimeout(timer);
  }
}

async function freePortFrom(first: number): Promise<number> {
  for (let port = first; port < Math.min(first + 100, 65_536); port++) {
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error(`no port is free from ${first} on`);
}
