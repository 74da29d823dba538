// One server of ours with one task, under a data folder of its own that is removed afterwards.
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
    if (!isThere) {
      await api.post('/data-sources', { name: 'bench', ...what.source });
      await api.post('/folders', { name: 'bench' });
      await api.post('/tasks', {
        name: 'bench',
        folder: 'bench',
        spec: { dataSource: 'bench', parameters: what.parameters ?? {}, ...what.task },
      });
      await api.post('/tasks/bench/publish');
    }
    return await work(new MirrorProcess(api, server));
  } finally {
    await server?.[Symbol.asyncDispose]();
    if (what.home === undefined) await rm(home, { recursive: true, force: true });
  }
}

export class MirrorProcess {
  #run = null;

  constructor(api, server) {
    this.api = api;
    this.server = server;
  }

  async start() {
    this.#run = await this.api.post('/tasks/bench/start');
  }

  /** Of those that a run takes over while it goes on (commit_interval …), and of others from the next start on. */
  async setParameters(parameters) {
    const { draft } = await this.api.get('/tasks/bench');
    await this.api.call('PUT', '/tasks/bench/draft', { ...draft, parameters });
    await this.api.post('/tasks/bench/publish');
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

  /** Loads the tables anew beside their old rows, which stay until then. */
  async loadAnew(tables) {
    await this.api.post('/tasks/bench/tables/orders', { order: 'resync', tables, confirm: true });
    const done = async () =>
      (await this.api.get('/tasks/bench/tables')).every(({ state }) => state === 'live');
    do await pause(500);
    while (!(await done()));
  }

  /** Ends a run that is under way, of this process or of one that was killed. */
  async halt() {
    const [run] = await this.api.get('/tasks/bench/runs');
    if (run === undefined || ['stopped', 'failed'].includes(run.state)) return;
    this.#run = run;
    await this.stop();
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
    await this.api.post('/tasks/bench/undeploy', { confirm: true });
  }

  async query(sql) {
    return (await this.api.post('/sql', { sql })).rows;
  }
}
