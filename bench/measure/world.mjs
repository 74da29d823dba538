// Ten tables, a mirror of them that is loaded, a steady load and a reader: made once, and kept where a folder is named.
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../demo/dist/postgres-server.js';
import { withMirror } from './mirror-process.mjs';
import { Probe } from './probe.mjs';
import { percentile } from './rounds.mjs';
import { SteadyLoad } from './steady-load.mjs';
import { TenTablesMysql } from './ten-tables-mysql.mjs';
import { TenTablesPostgres } from './ten-tables-postgres.mjs';

export const WORLD_OPTIONS = {
  rows: { type: 'string', default: '10000000' },
  tables: { type: 'string', default: '10' },
  rate: { type: 'string', default: '5000' },
  seconds: { type: 'string', default: '120' },
  keep: { type: 'string' },
};

const SOURCES = { postgres: TenTablesPostgres, mysql: TenTablesMysql };

/** @param {(world: World) => Promise<T>} work @returns {Promise<T>} */
export async function withWorld(kind, options, work) {
  const home = options.keep ?? (await mkdtemp(join(tmpdir(), 'sluice-world-')));
  await mkdir(home, { recursive: true });
  // The source's server runs under an account of its own.
  await chmod(home, 0o755);
  const [filled, ready] = [join(home, 'filled'), join(home, 'ready')];
  const [isFilled, isReady] = [existsSync(filled), existsSync(ready)];
  if (!isReady) await rm(join(home, 'lake'), { recursive: true, force: true });
  if (!isFilled) await rm(join(home, 'source'), { recursive: true, force: true });
  const source = await SOURCES[kind].open({
    tables: Number(options.tables),
    dataDir: join(home, 'source', 'data'),
    port: await portOf(home),
  });
  try {
    if (!isFilled) await source.fill(Number(options.rows));
    await writeFile(filled, '');
    return await withMirror({ source: source.source, task: source.task, home }, async (mirror) => {
      const world = new World(source, mirror, home, options);
      await mirror.halt();
      if (!isReady) {
        await mirror.start();
        await mirror.caughtUp();
        await mirror.stop();
        await writeFile(ready, `${new Date().toISOString()}\n`);
      }
      try {
        return await work(world);
      } finally {
        await world.probe?.stop();
        await mirror.halt().catch(() => undefined);
      }
    });
  } finally {
    await source.close();
    if (options.keep === undefined) await rm(home, { recursive: true, force: true });
  }
}

/** A source that is kept stays where the mirror knows it to be. */
async function portOf(home) {
  const file = join(home, 'port');
  if (!existsSync(file)) await writeFile(file, String(await freePort()));
  return Number(await readFile(file, 'utf8'));
}

export class World {
  constructor(source, mirror, home, options) {
    this.source = source;
    this.mirror = mirror;
    this.home = home;
    this.rate = Number(options.rate);
    this.options = options;
  }

  /** Begins the load and the reader. */
  async begin() {
    const { mirror, source } = this;
    await mirror.start();
    await mirror.caughtUp();
    const marker = await source.prepare();
    const token = (await readFile(mirror.server.tokenPath, 'utf8')).trim();
    const url = `${mirror.server.url}/iceberg/v1/namespaces/${source.schema}/tables/marker`;
    this.probe = new Probe({ url, token, column: 'id', above: this.home });
    this.load = new SteadyLoad(source, this.rate, this.probe, marker);
  }

  async end() {
    const rate = await this.load.stop();
    await this.mirror.caughtUp();
    return rate;
  }

  /** Whether the lake holds what the source does. @throws what differs */
  async compare() {
    for (let table = 1; table <= this.source.tables; table++) {
      const [[rows, amount]] = await this.mirror.query(
        `SELECT count(*), sum(amount)::VARCHAR FROM ${this.source.schema}.t${table}`,
      );
      const expected = await this.source.count(table);
      if (Number(rows) !== expected.rows || Math.abs(Number(amount) - expected.amount) > 0.005)
        throw new Error(
          `t${table}: ${rows} rows, ${amount} in the lake, ${JSON.stringify(expected)} at the source`,
        );
    }
  }

  /** Figures of so many seconds of the load, after some that do not count. */
  async measure(seconds, settle = 15) {
    const { mirror, probe, load } = this;
    await pause(settle * 1000);
    probe.take();
    const { pid } = await mirror.attempt();
    await writeFile(`/proc/${pid}/clear_refs`, '5');
    const since = Date.now();
    const before = { ...(await mirror.cost()), changes: load.changes, histogram: await this.#latencies() };
    await pause(seconds * 1000);
    const after = { ...(await mirror.cost()), changes: load.changes, histogram: await this.#latencies() };
    const took = (Date.now() - since) / 1000;
    const seen = probe.take().map(({ ms }) => ms / 1000);
    const commits = (await mirror.commits(since)).map(({ ms }) => ms / 1000);
    if (commits.length === 0) throw new Error('no commit was made in that time: measure for longer');
    const oldest = after.histogram.map(([le, count], n) => [le, count - (before.histogram[n]?.[1] ?? 0)]);
    return {
      'changes/s': (after.changes - before.changes) / took,
      'commit to visible, reader, p50 s': percentile(seen, 0.5),
      'commit to visible, reader, p99 s': percentile(seen, 0.99),
      'commit to visible, reader, max s': Math.max(...seen),
      "oldest of a commit, product's histogram, p50 s": quantile(oldest, 0.5),
      "oldest of a commit, product's histogram, p99 s": quantile(oldest, 0.99),
      commits: commits.length,
      'commit takes, p50 s': percentile(commits, 0.5),
      'commit takes, p99 s': percentile(commits, 0.99),
      'runner, cores': (after.cpuSeconds - before.cpuSeconds) / took,
      'runner, peak MB': after.peakMb,
    };
  }

  /** What the catalog answers for a table, over Iceberg's REST protocol. */
  async table(name, schema = this.source.schema) {
    return await this.#catalog('GET', `namespaces/${schema}/tables/${name}`);
  }

  /** Registers the tables as they are now in a schema of their own, whose name it gives; their files stay for minutes. */
  async keepAside(names) {
    const schema = `aside_${Date.now()}`;
    await this.#catalog('POST', 'namespaces', { namespace: [schema] });
    for (const name of names) {
      const { 'metadata-location': location } = await this.table(name);
      await this.#catalog('POST', `namespaces/${schema}/register`, { name, 'metadata-location': location });
    }
    return schema;
  }

  async forgetAside(schema, names) {
    for (const name of names) await this.#catalog('DELETE', `namespaces/${schema}/tables/${name}`);
    await this.#catalog('DELETE', `namespaces/${schema}`);
  }

  async #catalog(method, path, body) {
    const { server } = this.mirror;
    const token = (await readFile(server.tokenPath, 'utf8')).trim();
    const response = await fetch(`${server.url}/iceberg/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? null : await response.json();
  }

  #latencies() {
    return this.mirror.histogram('sluice_commit_latency_seconds');
  }
}

/** Between the bounds of its bucket, as Prometheus' histogram_quantile. */
function quantile(buckets, share) {
  const rank = share * (buckets.at(-1)?.[1] ?? 0);
  const at = buckets.findIndex(([, count]) => count >= rank);
  const [upper, upTo] = buckets[at];
  const [lower, below] = at === 0 ? [0, 0] : buckets[at - 1];
  return Number.isFinite(upper)
    ? lower + ((upper - lower) * (rank - below)) / Math.max(1, upTo - below)
    : lower;
}
