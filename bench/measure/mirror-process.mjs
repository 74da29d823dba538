// One server of ours with one task, under a data folder of its own that is removed afterwards.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { repositoryRoot } from '../../demo/dist/postgres-binaries.js';
import { ServerProcess } from '../../demo/dist/server-process.js';
import { cpuSeconds, peakMemoryMb } from './process-cost.mjs';

const PORT = 18_500;

/**
 * @template T
 * @param {{ source: object, task?: object, parameters?: Record<string, string> }} what
 * @param {(mirror: MirrorProcess) => Promise<T>} work
 */
export async function withMirror(what, work) {
  const home = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  let server = null;
  try {
    server = await ServerProcess.start(repositoryRoot(), join(home, 'lake'), PORT);
    const api = await server.api();
    await api.post('/data-sources', { name: 'bench', ...what.source });
    await api.post('/folders', { name: 'bench' });
    await api.post('/tasks', {
      name: 'bench',
      folder: 'bench',
      spec: { dataSource: 'bench', parameters: what.parameters ?? {}, ...what.task },
    });
    await api.post('/tasks/bench/publish');
    return await work(new MirrorProcess(api));
  } finally {
    await server?.[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  }
}

export class MirrorProcess {
  #run = null;

  constructor(api) {
    this.api = api;
  }

  async start() {
    this.#run = await this.api.post('/tasks/bench/start');
  }

  async stop() {
    await this.api.post('/tasks/bench/stop');
    while ((await this.api.get(`/runs/${this.#run.id}`)).state !== 'stopped') await pause(100);
  }

  /** @throws where it takes longer than a quarter of an hour */
  async caughtUp() {
    const { reached } = await this.api.get('/tasks/bench/wait?for=caught-up&timeout=900');
    if (!reached) throw new Error('not caught up within 900 s');
  }

  /** The attempt that runs now: its process is the mover. */
  async attempt() {
    const { attempts } = await this.api.get(`/runs/${this.#run.id}`);
    return attempts.at(-1);
  }

  /** Milliseconds since 1970 of the first entry of the attempt's log that says so. */
  async logged(message) {
    const { id } = await this.attempt();
    const { lines } = await this.api.get(`/attempts/${id}/log?tail=1000`);
    const entry = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === message);
    if (entry === undefined) throw new Error(`the attempt's log does not say: ${message}`);
    return Date.parse(entry.time);
  }

  async cost() {
    const { pid } = await this.attempt();
    return { cpuSeconds: await cpuSeconds(pid), peakMb: await peakMemoryMb(pid) };
  }

  async query(sql) {
    return (await this.api.post('/sql', { sql })).rows;
  }
}
