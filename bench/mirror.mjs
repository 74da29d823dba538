// One mirror, measured from outside: node bench/mirror.mjs [--rows N] [--changes N] [--interval 3s] [--memory MB]
// Needs a build (npm run build). Starts a PostgreSQL 18 and a server of its own, and removes both.
// What it prints is of this machine at this moment: it says the load average, and so should whoever quotes it.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { findPostgres, repositoryRoot } from '../demo/dist/postgres-binaries.js';
import { PostgresServer } from '../demo/dist/postgres-server.js';
import { ServerProcess } from '../demo/dist/server-process.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    changes: { type: 'string', default: '200000' },
    interval: { type: 'string', default: '3s' },
    memory: { type: 'string', default: '1024' },
  },
});
const rows = Number(values.rows);
const changes = Number(values.changes);

/** @param {string} what @param {Record<string, unknown>} figures */
function say(what, figures) {
  process.stdout.write(`${what}: ${JSON.stringify(figures)}\n`);
}

const load = () => loadavg().map((one) => Number(one.toFixed(2)));
const perSecond = (count, ms) => Math.round((count / ms) * 1000);

/** Resident memory of a process at its highest, in megabytes; Linux only. */
async function peakMemory(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** Processor seconds that a process has used so far; Linux only (proc(5): utime and stime in 1/100 s). */
async function cpuSeconds(pid) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

async function sizes(folder) {
  const found = {};
  for (const name of await readdir(folder)) {
    const kind = /\.metadata\.json$/.test(name) ? 'metadata.json' : name.slice(name.lastIndexOf('.') + 1);
    const { files, bytes } = found[kind] ?? { files: 0, bytes: 0 };
    found[kind] = { files: files + 1, bytes: bytes + (await stat(join(folder, name))).size };
  }
  return found;
}

const home = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
// Node 20 has no `await using` of its own.
const open = [];
try {
  const postgres = await PostgresServer.start({
    binaries: await findPostgres(18),
    settings: { wal_level: 'logical', max_wal_size: '4GB', shared_buffers: '256MB' },
  });
  open.push(postgres);
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`CREATE TABLE big (id bigint PRIMARY KEY, customer int NOT NULL, status text NOT NULL,
    amount numeric(12,2) NOT NULL, note text NOT NULL, made timestamptz NOT NULL)`);
  await client.query(
    `INSERT INTO big SELECT i, i % 9973, (ARRAY['new','paid','sent','back'])[1 + i % 4], i % 100000 / 7.0,
       md5(i::text) || md5((i + 1)::text), timestamptz '2026-01-01' + i * interval '1 second'
     FROM generate_series(1, $1::bigint) i`,
    [rows],
  );
  await client.query('VACUUM ANALYZE big');
  const size = await client.query("SELECT pg_table_size('big')::float8 / $1 AS bytes", [rows]);
  say('conditions', {
    cores: cpus().length,
    cpu: cpus()[0]?.model,
    node: process.version,
    loadAverage: load(),
    rows,
    bytesPerRowAtSource: Math.round(size.rows[0].bytes),
    commitInterval: values.interval,
  });

  const server = await ServerProcess.start(repositoryRoot(), join(home, 'lake'), 18470);
  open.push(server);
  const api = await server.api();
  const at = { host: postgres.host, port: postgres.port, username: 'postgres', password: 'sluice' };
  await api.post('/data-sources', { name: 'bench', type: 'postgres', ...at, database: 'postgres' });
  await api.post('/folders', { name: 'bench' });
  await api.post('/tasks', {
    name: 'bench',
    folder: 'bench',
    spec: {
      dataSource: 'bench',
      database: 'postgres',
      parameters: { commit_interval: values.interval, runner_memory: values.memory },
    },
  });
  await api.post('/tasks/bench/publish');

  const caughtUp = async () => {
    const began = performance.now();
    const result = await api.get('/tasks/bench/wait?for=caught-up&timeout=900');
    if (!result.reached) throw new Error('not caught up within 900 s');
    return performance.now() - began;
  };
  let began = performance.now();
  const run = await api.post('/tasks/bench/start');
  await caughtUp();
  const visible = performance.now() - began;
  const { attempts } = await api.get(`/runs/${run.id}`);
  const [attempt] = attempts;
  const log = (await api.get(`/attempts/${attempt.id}/log?tail=1000`)).lines.map((line) => JSON.parse(line));
  const timeOf = (message) => Date.parse(log.find((line) => line.msg === message)?.time);
  const reading = timeOf('full load complete') - timeOf('full load begins');
  const { pid } = attempt;
  const loadCpu = await cpuSeconds(pid);
  say('full load', {
    readAndWrittenMs: reading,
    rowsPerSecond: perSecond(rows, reading),
    startToVisibleMs: Math.round(visible),
    runnerCpuSeconds: loadCpu,
    runnerPeakMb: await peakMemory(pid),
    loadAverage: load(),
  });

  // One transaction a change: what a walsender and a decoder find hardest.
  const single = Math.min(20_000, changes);
  await client.query(`CREATE PROCEDURE tick(times int) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..times LOOP
    UPDATE big SET amount = amount + 1 WHERE id = 1 + (i * 7919::bigint) % ${rows}; COMMIT; END LOOP; END $$`);
  await client.query('SET synchronous_commit = off');
  for (const [what, count, statement] of [
    ['updates, one a transaction', single, `CALL tick(${single})`],
    ['updates, one transaction', changes, `UPDATE big SET amount = amount + 1 WHERE id <= ${changes}`],
    [
      'inserts, one transaction',
      changes,
      `INSERT INTO big SELECT ${rows} + i, 1, 'new', 1, md5(i::text), now() FROM generate_series(1, ${changes}) i`,
    ],
    ['deletes, one transaction', changes, `DELETE FROM big WHERE id > ${rows}`],
  ]) {
    const before = await cpuSeconds(pid);
    began = performance.now();
    await client.query(statement);
    const source = performance.now() - began;
    await caughtUp();
    const all = performance.now() - began;
    say(what, {
      count,
      atTheSourceMs: Math.round(source),
      visibleAfterMs: Math.round(all),
      changesPerSecond: perSecond(count, all),
      runnerCpuSeconds: Number(((await cpuSeconds(pid)) - before).toFixed(2)),
      runnerPeakMb: await peakMemory(pid),
      loadAverage: load(),
    });
  }

  // From a commit to its visibility, one small change at a time, at no fixed phase of the interval.
  const waits = [];
  for (let i = 0; i < 25; i++) {
    await new Promise((resolve) => setTimeout(resolve, (randomBytes(1)[0] ?? 0) * 8));
    await client.query('UPDATE big SET amount = amount + 1 WHERE id = $1', [i + 1]);
    began = performance.now();
    for (;;) {
      const { rows: found } = await api.post('/sql', {
        sql: `SELECT count(*) FROM public.big WHERE id = ${i + 1} AND _source_ts > now() - INTERVAL 1 MINUTE AND amount = ${await amount(i + 1)}`,
      });
      if (String(found[0][0]) === '1') break;
      if (performance.now() - began > 60_000) throw new Error('a change did not become visible');
    }
    waits.push(Math.round(performance.now() - began));
  }
  waits.sort((a, b) => a - b);
  say('a single change, commit to found by SQL', {
    medianMs: waits[12],
    largestMs: waits.at(-1),
    loadAverage: load(),
  });

  async function amount(id) {
    return (await client.query('SELECT amount::text FROM big WHERE id = $1', [id])).rows[0].amount;
  }

  const stats = await api.get('/lake-tables/stats?schema=public&table=big');
  say('the table', stats);
  const table = join(home, 'lake', 'warehouse', 'public', 'big');
  say('its metadata folder', await sizes(join(table, 'metadata')));
  say('its data folder', await sizes(join(table, 'data')));
  await api.post('/tasks/bench/stop');
  await client.end();
} finally {
  for (const one of open.reverse()) await one[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
}
