// A comparison of the table of ten columns while it is changed: npm run bench -- verify [--type postgres|mysql]
// [--rows N] [--rate changes/s] [--rounds N] [--home FOLDER]. Each round plants a missing, an extra, a changed and a
// stale row past the log, lets the comparison find them, has them mended, and compares once more. With --home source
// and lake are kept there, and made only where they are not there yet; --prepare ends when they are.
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { repositoryRoot } from '../demo/dist/postgres-binaries.js';
import { freePort } from '../demo/dist/postgres-server.js';
import { ServerProcess } from '../demo/dist/server-process.js';
import { cpuSeconds, peakMemoryMb } from './measure/process-cost.mjs';
import { inRounds } from './measure/rounds.mjs';
import { openMysql } from './verify/mysql-side.mjs';
import { atPace } from './verify/pace.mjs';
import { openPostgres } from './verify/postgres-side.mjs';

const PORT = 18_600;
/** Of the source where it is kept: the task knows it by its port. */
const SOURCE_PORT = { postgres: 18_610, mysql: 18_611 };

export const OPTIONS = {
  type: { type: 'string', default: 'postgres' },
  rows: { type: 'string', default: '10000000' },
  rate: { type: 'string', default: '1000' },
  home: { type: 'string' },
  prepare: { type: 'boolean', default: false },
};

export async function run(options) {
  const rows = Number(options.rows);
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'sluice-bench-')));
  let side = null;
  let server = null;
  try {
    await mkdir(home, { recursive: true });
    // The source's server may run under another account.
    await chmod(home, 0o755);
    const lake = join(home, 'lake');
    const known = existsSync(lake);
    const open = options.type === 'mysql' ? openMysql : openPostgres;
    side = await open(home, rows, options.home === undefined ? await freePort() : SOURCE_PORT[options.type]);
    server = await ServerProcess.start(repositoryRoot(), lake, PORT);
    const api = await server.api();
    if (!known) await make(api, side);
    // A server that begins again takes the runs over that it left.
    if ((await api.get('/tasks/bench')).state !== 'running') await api.post('/tasks/bench/start');
    await caughtUp(api);
    const conditions = { type: options.type, rows, rate: Number(options.rate) };
    if (options.prepare) return { conditions, figures: {} };
    const fresh = (await side.lastId()) + 1;
    const changes = atPace(Number(options.rate), fresh, side.change);
    changes.failed.catch((error) => process.stderr.write(`the writer failed: ${error.message}\n`));
    try {
      const figures = await inRounds(options.rounds, (number) =>
        round(api, side, lake, { number, rows, changes }),
      );
      return { conditions, figures };
    } finally {
      await changes.stop().catch(() => {});
    }
  } finally {
    await server?.[Symbol.asyncDispose]();
    await side?.close();
    if (options.home === undefined) await rm(home, { recursive: true, force: true });
  }
}

async function make(api, side) {
  await api.post('/data-sources', { name: 'bench', ...side.source });
  await api.post('/folders', { name: 'bench' });
  const spec = { dataSource: 'bench', database: side.database, parameters: {} };
  await api.post('/tasks', { name: 'bench', folder: 'bench', spec });
  await api.post('/tasks/bench/publish');
}

async function caughtUp(api) {
  const { reached } = await api.get('/tasks/bench/wait?for=caught-up&timeout=500');
  if (!reached) throw new Error('not caught up within 500 s');
}

/** Faults of this round, at keys that nothing else changes. */
async function plant(api, side, number, rows) {
  const at = (share) =>
    Math.floor(rows * share) * 2 + 1 + 2 * (Math.floor(Date.now() / 1000) % Math.floor(rows / 20));
  const stamp = Date.now();
  const faults = {
    missing: 2_000_000_000 + (stamp % 1_000_000_000),
    extra: at(0.1),
    changed: at(0.2),
    stale: at(0.3),
  };
  // The lake comes to have what the source had only for a moment.
  await side.run(`UPDATE wide SET b = 'a moment' WHERE id = ${faults.changed}`);
  await caughtUp(api);
  await side.pastTheLog(Object.values(faults), [
    `INSERT INTO wide SELECT ${faults.missing}, n, a, b, c, amount, at, day, flag, ratio FROM wide WHERE id = ${at(0.4)}`,
    `DELETE FROM wide WHERE id = ${faults.extra}`,
    `UPDATE wide SET b = 'as before' WHERE id = ${faults.changed}`,
    `UPDATE wide SET b = 'round ${number}', amount = amount + 1 WHERE id = ${faults.stale}`,
  ]);
  return faults;
}

async function round(api, side, lake, { number, rows, changes }) {
  const faults = await plant(api, side, number, rows);
  const found = await compared(api, lake);
  const [verdict] = found.view.tables;
  const named = verdict.examples.map(({ difference, key }) => `${difference} ${key.id}`).sort();
  const expected = [
    `missing ${faults.missing}`,
    `extra ${faults.extra}`,
    `changed ${faults.changed}`,
    `changed ${faults.stale}`,
  ].sort();
  if (named.join() !== expected.join() || verdict.missing + verdict.extra + verdict.changed !== 4)
    throw new Error(`found ${named}, planted ${expected}: ${JSON.stringify(found.view)}`);
  const begun = performance.now();
  await mend(api, verdict.repair);
  const mended = (performance.now() - begun) / 1000;
  const after = await compared(api, lake);
  if (after.view.equal !== true || after.view.tables[0].verdict === 'unsettled')
    throw new Error(`after the repair: ${JSON.stringify(after.view)}`);
  return {
    'to find, s': found.seconds,
    'to repair, s': mended,
    'compared once more, s': after.seconds,
    'rows at the source': verdict.sourceRows,
    looks: verdict.looks,
    'freshness, ms': verdict.freshnessMs,
    'comparison, CPU s': found.cpuSeconds,
    'comparison, peak MB': found.peakMb,
    'changes/s so far': changes.so(),
  };
}

async function mend(api, filters) {
  const [lane] = await api.get('/tasks/bench/tables');
  for (const where of filters) {
    const order = { order: 'backfill', tables: [lane.id], where, confirm: true };
    const [{ outcome, reason }] = await api.post('/tasks/bench/tables/orders', order);
    if (outcome !== 'done') throw new Error(`the repair was not begun: ${reason}`);
    for (;;) {
      const [{ state, error }] = await api.get('/tasks/bench/tables');
      if (error !== null) throw new Error(error.message);
      if (state === 'live') break;
      await pause(50);
    }
  }
}

async function compared(api, lake) {
  const begun = performance.now();
  const { id } = await api.post('/tasks/bench/verifications', { tables: ['wide'] });
  let cost = { cpuSeconds: 0, peakMb: 0 };
  for (;;) {
    const view = await api.get(`/verifications/${id}?timeout=0.3`);
    const seconds = (performance.now() - begun) / 1000;
    if (view.state === 'failed') throw new Error(JSON.stringify(view.error));
    if (view.state === 'done') return { view, seconds, ...cost };
    const pid = await verifierOf(lake);
    if (pid !== null)
      cost = await Promise.all([cpuSeconds(pid), peakMemoryMb(pid)]).then(
        ([cpu, mb]) => ({ cpuSeconds: cpu, peakMb: mb }),
        () => cost,
      );
  }
}

async function verifierOf(lake) {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('verifier.js') && command.includes(lake)) return Number(name);
  }
  return null;
}
