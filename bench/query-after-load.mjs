// What queries take after a while of the steady load, and on the same rows loaded afresh: npm run bench -- query-after-load
// [--seconds N] [--rate N] [--keep FOLDER]. Both by our own SQL and by ClickHouse's reader, in turns, since a machine's pace
// changes within minutes; and while the source is at rest, which vacuums for minutes after an hour of changes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spread } from './measure/rounds.mjs';
import { WORLD_OPTIONS, withWorld } from './measure/world.mjs';

export const OPTIONS = { ...WORLD_OPTIONS, seconds: { type: 'string', default: '600' } };

const QUERIES = {
  'sum of a column': (table) => `SELECT count(*), sum(amount) FROM ${table}`,
  'group by a text': (table) =>
    `SELECT c, count(*), avg(ratio) FROM ${table} GROUP BY c ORDER BY 2 DESC LIMIT 5`,
  'one row by its key': (table, keys) => `SELECT * FROM ${table} WHERE id = ${keys.middle}`,
  'the newest rows': (table, keys) =>
    `SELECT count(*), sum(n) FROM ${table} WHERE id > ${keys.newest - 10_000}`,
};

export async function run(options) {
  return await withWorld('postgres', options, async (world) => {
    await world.mirror.setParameters({});
    await world.begin();
    await pause(Number(options.seconds) * 1000);
    const rate = await world.end();
    await world.compare();
    const changes = world.load.changes;
    await world.mirror.stop();
    const names = Array.from({ length: world.source.tables }, (_, n) => `t${n + 1}`);
    // The table as it is now stays readable under another name while it is loaded anew beside its own history.
    const after = await world.keepAside(names);
    await world.mirror.start();
    await world.mirror.caughtUp();
    await world.mirror.loadAnew(names.map((name) => `${world.source.schema}.${name}`));
    await world.mirror.stop();
    await world.compare();
    await world.source.settle();
    const states = { 'after the load': after, 'loaded afresh': world.source.schema };
    const found = await queries(world, names, options.rounds, states);
    const figures = {};
    for (const name of new Set(found.map((one) => one.name))) {
      const [late, fresh] = Object.keys(states).map((state) =>
        found.filter((one) => one.name === name && one.state === state).map(({ ms }) => ms),
      );
      figures[`${name}, ms after the load`] = spread(late);
      figures[`${name}, ms loaded afresh`] = spread(fresh);
      figures[`${name}, times`] = spread(late.map((ms, round) => ms / fresh[round]));
    }
    const files = {};
    for (const [state, schema] of Object.entries(states))
      files[state] = await fileCounts(world, names, schema);
    await world.forgetAside(after, names);
    const { rows, tables, seconds } = options;
    return { conditions: { rows, tables, seconds, changes, rate: Math.round(rate), files }, figures };
  });
}

/** Milliseconds for all tables, one after the other, of each round, query and state; a round before them warms up. */
async function queries(world, names, rounds, states) {
  const clickhouse = await ClickHouse.start(world.home);
  try {
    const keys = await keysOf(world, names);
    const sources = { 'sluice sql': {}, ClickHouse: {} };
    for (const [state, schema] of Object.entries(states)) {
      sources['sluice sql'][state] = names.map((name) => `${schema}.${name}`);
      sources.ClickHouse[state] = [];
      for (const name of names)
        sources.ClickHouse[state].push(clickhouseSource(await world.table(name, schema)));
    }
    const readers = { 'sluice sql': world.mirror, ClickHouse: clickhouse };
    const found = [];
    for (let round = -1; round < rounds; round++)
      for (const [name, text] of Object.entries(QUERIES))
        for (const [reader, tables] of Object.entries(sources)) {
          const order = Object.keys(states);
          for (const state of round % 2 === 0 ? order : order.reverse()) {
            const begun = performance.now();
            for (const [n, table] of tables[state].entries())
              await readers[reader].query(text(table, keys[n]));
            if (round >= 0) found.push({ name: `${reader}: ${name}`, state, ms: performance.now() - begun });
          }
        }
    return found;
  } finally {
    await clickhouse.stop();
  }
}

async function keysOf(world, names) {
  const keys = [];
  for (const name of names) {
    const [[newest, middle]] = await world.mirror.query(
      `SELECT max(id), quantile_disc(id, 0.5) FROM ${world.source.schema}.${name}`,
    );
    keys.push({ newest: Number(newest), middle: Number(middle) });
  }
  return keys;
}

async function fileCounts(world, names, schema) {
  const counts = {};
  for (const total of [
    'total-data-files',
    'total-delete-files',
    'total-position-deletes',
    'total-files-size',
  ]) {
    counts[total] = 0;
    for (const name of names) {
      const { metadata } = await world.table(name, schema);
      const current = metadata.snapshots.find(
        (one) => one['snapshot-id'] === metadata['current-snapshot-id'],
      );
      counts[total] += Number(current?.summary[total] ?? 0);
    }
  }
  return counts;
}

function clickhouseSource(loaded) {
  const file = loaded['metadata-location'].replace(/^file:\/\//, '');
  const folder = file.replace(/\/metadata\/[^/]+$/, '');
  return `icebergLocal('${folder}', 'Parquet', SETTINGS iceberg_metadata_file_path = '${file.slice(folder.length + 1)}')`;
}

class ClickHouse {
  #child;
  #lines;

  static async start(above) {
    const script = fileURLToPath(new URL('./measure/clickhouse-child.mjs', import.meta.url));
    const one = new ClickHouse();
    one.#child = spawn(process.execPath, [script], { cwd: above, stdio: ['pipe', 'pipe', 'inherit'] });
    one.#lines = createInterface({ input: one.#child.stdout })[Symbol.asyncIterator]();
    return one;
  }

  async query(sql) {
    this.#child.stdin.write(`${JSON.stringify(sql)}\n`);
    const { value } = await this.#lines.next();
    const { error } = JSON.parse(value);
    if (error !== undefined) throw new Error(`ClickHouse: ${error}`);
  }

  async stop() {
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}
