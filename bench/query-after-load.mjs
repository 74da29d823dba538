// What queries take after a while of the steady load, and on the same rows loaded afresh: npm run bench -- query-after-load
// [--seconds N] [--rate N] [--keep FOLDER]. Both by our own SQL and by ClickHouse's reader, while
// the source is at rest: it vacuums for minutes after an hour of changes.
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
    await world.source.settle();
    const after = await queries(world, options.rounds);
    const files = { after: await fileCounts(world) };
    await world.mirror.start();
    await world.mirror.caughtUp();
    await world.mirror.loadAnew(
      Array.from({ length: world.source.tables }, (_, n) => `${world.source.schema}.t${n + 1}`),
    );
    await world.compare();
    await world.mirror.stop();
    await world.source.settle();
    const fresh = await queries(world, options.rounds);
    files.afresh = await fileCounts(world);
    const figures = {};
    for (const name of Object.keys(after)) {
      figures[`${name}, ms after the load`] = spread(after[name]);
      figures[`${name}, ms loaded afresh`] = spread(fresh[name]);
      figures[`${name}, times`] = spread([spread(after[name]).median / spread(fresh[name]).median]);
    }
    const { rows, tables, seconds } = options;
    return { conditions: { rows, tables, seconds, changes, rate: Math.round(rate), files }, figures };
  });
}

/** Milliseconds for all tables, one after the other, per round; a round before them warms up. */
async function queries(world, rounds) {
  const { schema, tables } = world.source;
  const clickhouse = await ClickHouse.start(world.home);
  try {
    const found = {};
    const names = Array.from({ length: tables }, (_, n) => `t${n + 1}`);
    const sources = [];
    for (const table of names) sources.push(clickhouseSource(await world.table(table)));
    const keys = [];
    for (const table of names) {
      const [[newest, middle]] = await world.mirror.query(
        `SELECT max(id), quantile_disc(id, 0.5) FROM ${schema}.${table}`,
      );
      keys.push({ newest: Number(newest), middle: Number(middle) });
    }
    for (let round = -1; round < rounds; round++)
      for (const [name, text] of Object.entries(QUERIES))
        for (const reader of ['sluice sql', 'ClickHouse']) {
          const begun = performance.now();
          for (const [n, table] of names.entries())
            if (reader === 'ClickHouse') await clickhouse.query(text(sources[n], keys[n]));
            else await world.mirror.query(text(`${schema}.${table}`, keys[n]));
          if (round < 0) continue;
          const label = `${reader}: ${name}`;
          found[label] ??= [];
          found[label].push(performance.now() - begun);
        }
    return found;
  } finally {
    await clickhouse.stop();
  }
}

async function fileCounts(world) {
  const counts = {};
  for (const name of [
    'total-data-files',
    'total-delete-files',
    'total-position-deletes',
    'total-files-size',
  ]) {
    counts[name] = 0;
    for (let n = 1; n <= world.source.tables; n++) {
      const { metadata } = await world.table(`t${n}`);
      const current = metadata.snapshots.find(
        (one) => one['snapshot-id'] === metadata['current-snapshot-id'],
      );
      counts[name] += Number(current?.summary[name] ?? 0);
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
