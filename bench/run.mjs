// npm run bench -- <name> [--rounds N] [--rows N] … : one measurement, real servers, everything on this machine.
// Needs a build (npm run build). Prints a table, and writes the same as JSON to --json FILE where one is named.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { describeMachine, loadAverage } from './measure/machine.mjs';
import { tableText } from './measure/rounds.mjs';

const BENCHES = {
  'load-postgres': () => import('./load-postgres.mjs'),
  'load-mysql': () => import('./load-mysql.mjs'),
  'drain-postgres': () => import('./drain-postgres.mjs'),
  'drain-mysql': () => import('./drain-mysql.mjs'),
  verify: () => import('./verify.mjs'),
  'steady-postgres': async () => (await import('./steady.mjs')).steady('postgres'),
  'steady-mysql': async () => (await import('./steady.mjs')).steady('mysql'),
  'restart-postgres': async () => (await import('./restart.mjs')).restart('postgres'),
  'restart-mysql': async () => (await import('./restart.mjs')).restart('mysql'),
  'query-after-load': () => import('./query-after-load.mjs'),
  'commit-cost': () => import('./commit-cost.mjs'),
  ...Object.fromEntries(
    ['many-tables', 'big-transaction', 'wide-rows', 'small-rows', 'idle'].map((name) => [
      name,
      async () => (await import('./shapes.mjs')).shape(name),
    ]),
  ),
};

const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !(name in BENCHES)) {
  process.stderr.write(`npm run bench -- <name> [options]; names: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}
const { OPTIONS, run } = await BENCHES[name]();
const { values } = parseArgs({
  args: rest,
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' }, ...OPTIONS },
});
const begun = new Date().toISOString();
const before = loadAverage();
const { conditions, figures } = await run({ ...values, rounds: Number(values.rounds) });
const report = {
  bench: name,
  begun,
  machine: await describeMachine(),
  loadAverage: { before, after: loadAverage() },
  conditions,
  figures,
};
const { figures: _, ...head } = report;
process.stdout.write(`${JSON.stringify(head)}\n\n${tableText(figures)}`);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
