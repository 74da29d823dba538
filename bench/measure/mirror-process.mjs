// One server of ours with one task, or another beside it, under a data folder of its own that is removed afterwards.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { repositoryRoot } from '../../demo/dist/postgres-binaries.js';
import { ServerProcess } from '../../demo/dist/server-process.js';
import { cpuSeconds, peakMemoryMb, withChildren } from './process-cost.mjs';

const PORT = 18_500;

/**
 * @template T
 * @param {{ source: object, task?: object, parameters?: Record<string, string>, home?: string }} what
 *   `home`: a folder that is kept; where a mirror is in it, that one goes on
 * @param {(mirror: MirrorProcess) => Promise<T>} work
 */
export async function withMirror(what, work) {
  const home = what.home ?? (await mkdtemp(join(tmpdir(), 'sluice-bench-')));
  let server = null;
  try {
    const isThere = existsSync(join(home, 'lake'));
    server = await ServerProcess.start(repositoryRoot(), join(home, 'lake'), PORT);
    const api = await server.api();
    const spec = { dataSource: 'bench', parameters: what.parameters ?? {}, ...what.task };
    const mirror = new MirrorProcess(api, server, 'bench', spec);
    if (!isThere) {
      await api.post('/data-sources', { name: 'bench', ...what.source });
      await api.post('/folders', { name: 'bench' });
      await mirror.create();
    }
    return await work(mirror);
  } finally {
    await server?.[Symbol.asyncDispose]();
    if (what.home === undefined) await rm(home, { recursive: true, force: true });
  }
}

export class MirrorProcess {
  #run = null;

  constructor(api, server, task, spec) {
    this.api = api;
    this.server = server;
    this.task = task;
    this.spec = spec;
  }

  async create() {
    await this.api.post('/tasks', { name: this.task, folder: 'bench', spec: this.spec });
    await this.api.post(`/tasks/${this.task}/publish`);
  }

  /** Another task of the same source, which differs in these parts of its spec. */
  async beside(task, differs) {
    const other = new MirrorProcess(this.api, this.server, task, { ...this.spec, ...differs });
    await other.create();
    return other;
  }

  async start() {
    this.#run = await this.api.post(`/tasks/${this.task}/start`);
  }

  /** Of those that a run takes over while it goes on (commit_interval …), and of others from the next start on. */
  async setParameters(parameters) {
    const { draft } = await this.api.get(`/tasks/${this.task}`);
    await this.api.call('PUT', `/tasks/${this.task}/draft`, { ...draft, parameters });
    await this.api.post(`/tasks/${this.task}/publish`);
  }

  /** Commits with changes that the attempt's log tells of since then (ms since 1970): `{at, ms, rows, tables}`. */
  async commits(since) {
    const { id } = await this.attempt();
    const { lines } = await this.api.get(`/attempts/${id}/log?tail=1000`);
    return lines
      .map((line) => JSON.parse(line))
      .filter(({ msg, time }) => msg === 'committed' && Date.parse(time) >= since);
  }

  /** The buckets of a histogram of ours: `[upper bound in seconds, how many up to it]`. */
  async histogram(name) {
    const token = (await readFile(this.server.tokenPath, 'utf8')).trim();
    const response = await fetch(`${this.server.url}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await response.text();
    return [...text.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"[^}]*\\} (\\d+)`, 'gm'))].map(
      ([, le, count]) => [le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), Number(count)],
    );
  }

  /** Ends a run that is under way, of this process or of one that was killed. */
  async halt() {
    const [run] = await this.api.get(`/tasks/${this.task}/runs`);
    if (run === undefined || ['stopped', 'failed'].includes(run.state)) return;
    this.#run = run;
    await this.stop();
  }

  async stop() {
    await this.api.post(`/tasks/${this.task}/stop`);
    while ((await this.api.get(`/runs/${this.#run.id}`)).state !== 'stopped') await pause(100);
  }

  /** @throws where it takes longer than a quarter of an hour */
  async caughtUp() {
    const { reached } = await this.api.get(`/tasks/${this.task}/wait?for=caught-up&timeout=900`);
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
    const cost = { cpuSeconds: 0, peakMb: 0 };
    // The compactor is a child of the runner's, and costs as it does.
    for (const one of await withChildren(pid)) {
      cost.cpuSeconds += await cpuSeconds(one);
      cost.peakMb += await peakMemoryMb(one);
    }
    return cost;
  }

  /** Processor seconds of the server, which is not the process that moves rows. */
  async serverCpu() {
    return await cpuSeconds(this.server.pid);
  }

  /** Gives up its place in the source's log (a slot). */
  async forget() {
    await this.api.post(`/tasks/${this.task}/undeploy`, { confirm: true });
  }

  async query(sql) {
    return (await this.api.post('/sql', { sql })).rows;
  }
}
