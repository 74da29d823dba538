// Loads and changes of unusual shape, from PostgreSQL: npm run bench -- many-tables | big-transaction | wide-rows |
// small-rows | idle [--count N] [--rounds N]. Each round has a mirror of its own.
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { withMirror } from './measure/mirror-process.mjs';
import { startPostgres } from './measure/postgres.mjs';
import { inRounds } from './measure/rounds.mjs';

/** `fill` makes the tables, `change` their changes; both count rows. */
const SHAPES = {
  'many-tables': {
    count: '1000',
    unit: 'tables of 100 rows',
    async fill(client, count) {
      for (let table = 1; table <= count; table++)
        await client.query(
          `CREATE TABLE t${table} (id bigint PRIMARY KEY, v text NOT NULL);
           INSERT INTO t${table} SELECT i, md5(i::text) FROM generate_series(1, 100) i`,
        );
      return count * 100;
    },
    /** A row in each of them. */
    async change(client, count) {
      for (let table = 1; table <= count; table++)
        await client.query(`UPDATE t${table} SET v = md5(v) WHERE id = 1`);
      return count;
    },
  },
  'big-transaction': {
    count: '2000000',
    unit: 'rows in one transaction',
    async fill(client) {
      await client.query(
        'CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL, v text NOT NULL, at timestamptz NOT NULL)',
      );
      return 0;
    },
    async change(client, count, round) {
      await client.query(
        'INSERT INTO t SELECT i, i % 1000, md5(i::text), now() FROM generate_series($1::bigint, $2::bigint) i',
        [round * count + 1, (round + 1) * count],
      );
      return count;
    },
  },
  'wide-rows': {
    count: '20000',
    unit: 'rows of 200 columns and 50 KB',
    async fill(client, count) {
      const columns = Array.from({ length: 198 }, (_, n) => `c${n} int NOT NULL`).join(', ');
      const values = Array.from({ length: 198 }, (_, n) => `i * ${n + 1} % 1000000`).join(', ');
      await client.query(`CREATE TABLE t (id bigint PRIMARY KEY, ${columns}, v text NOT NULL);
        ALTER TABLE t ALTER COLUMN v SET STORAGE EXTERNAL`);
      await client.query(
        `INSERT INTO t SELECT i, ${values}, (SELECT string_agg(md5((i + k)::text), '') FROM generate_series(1, 1536) k) FROM generate_series(1, $1::int) i`,
        [count],
      );
      return count;
    },
    /** The text is not told again: it is taken over from the old row. */
    async change(client, count) {
      await client.query('UPDATE t SET c0 = c0 + 1 WHERE id % 2 = 0');
      return Math.floor(count / 2);
    },
  },
  'small-rows': {
    count: '5000000',
    unit: 'rows of two integers',
    async fill(client, count) {
      await client.query('CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)');
      await client.query('INSERT INTO t SELECT i, i % 1000 FROM generate_series(1, $1::int) i', [count]);
      return count;
    },
    async change(client, count) {
      await client.query('UPDATE t SET n = n + 1 WHERE id % 10 = 0');
      return Math.floor(count / 10);
    },
  },
  idle: {
    count: '10',
    unit: 'tables that nobody changes',
    async fill(client, count) {
      return await SHAPES['many-tables'].fill(client, count);
    },
    async change() {
      await pause(IDLE_MS);
      return 0;
    },
  },
};

const IDLE_MS = 60_000;

export const shape = (name) => ({
  OPTIONS: { count: { type: 'string', default: SHAPES[name].count } },
  async run(options) {
    const { fill, change, unit } = SHAPES[name];
    const count = Number(options.count);
    const { postgres, source } = await startPostgres();
    const client = new pg.Client({ connectionString: postgres.url });
    try {
      await client.connect();
      const rows = await fill(client, count);
      await client.query('VACUUM ANALYZE');
      const task = { database: 'postgres' };
      const figures = await inRounds(options.rounds, (round) =>
        withMirror({ source, task }, async (mirror) => {
          const begun = performance.now();
          await mirror.start();
          await mirror.caughtUp();
          const loaded = (performance.now() - begun) / 1000;
          const load = await mirror.cost();
          const server = await mirror.serverCpu();
          const changing = performance.now();
          const changed = await change(client, count, round);
          const atSource = (performance.now() - changing) / 1000;
          if (changed > 0) await mirror.caughtUp();
          const took = (performance.now() - changing) / 1000;
          const { cpuSeconds, peakMb } = await mirror.cost();
          const found = {
            'start to visible, s': loaded,
            'load, rows': rows,
            'load, CPU s': load.cpuSeconds,
            ...(changed === 0
              ? {
                  'runner at rest, % of a core': ((cpuSeconds - load.cpuSeconds) / took) * 100,
                  'server at rest, % of a core': (((await mirror.serverCpu()) - server) / took) * 100,
                }
              : {
                  changes: changed,
                  'at the source, s': atSource,
                  'changes visible after, s': took,
                  'changes, CPU s': cpuSeconds - load.cpuSeconds,
                }),
            'runner, peak MB': peakMb,
          };
          await mirror.stop();
          await mirror.forget();
          return found;
        }),
      );
      return { conditions: { count, unit }, figures };
    } finally {
      await client.end().catch(() => undefined);
      await postgres[Symbol.asyncDispose]();
    }
  },
});
