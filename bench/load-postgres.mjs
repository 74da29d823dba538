// The full load of one table of ten columns from PostgreSQL: npm run bench -- load-postgres [--rows N] [--rounds N]
// Each round reads the table with psql \copy … binary to /dev/null, then loads it with a mirror of its own.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { findPostgres } from '../demo/dist/postgres-binaries.js';
import { PostgresServer } from '../demo/dist/postgres-server.js';
import { withMirror } from './measure/mirror-process.mjs';
import { secondsOf } from './measure/program.mjs';
import { inRounds } from './measure/rounds.mjs';
import { fillPostgres } from './measure/ten-columns.mjs';

export const OPTIONS = {
  rows: { type: 'string', default: '10000000' },
  memory: { type: 'string', default: '1024' },
  concurrency: { type: 'string', default: '2' },
};

export async function run(options) {
  const rows = Number(options.rows);
  const psql = join((await findPostgres(15)).bin, 'psql');
  if (!existsSync(psql)) throw new Error("psql is not there: install Debian's postgresql-client-15");
  const postgres = await PostgresServer.start({
    binaries: await findPostgres(18),
    settings: { wal_level: 'logical', max_wal_size: '16GB', shared_buffers: '512MB' },
  });
  try {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const bytes = await fillPostgres(client, rows);
    await client.end();
    const source = {
      type: 'postgres',
      host: postgres.host,
      port: postgres.port,
      username: 'postgres',
      password: 'sluice',
      database: 'postgres',
    };
    const parameters = { runner_memory: options.memory, full_load_concurrency: options.concurrency };
    const figures = await inRounds(options.rounds, async () => {
      const plain = await secondsOf(psql, [postgres.url, '-c', "\\copy wide TO '/dev/null' (FORMAT binary)"]);
      return await withMirror({ source, task: { database: 'postgres' }, parameters }, async (mirror) => {
        const begun = performance.now();
        await mirror.start();
        await mirror.caughtUp();
        const visible = (performance.now() - begun) / 1000;
        const { cpuSeconds, peakMb } = await mirror.cost();
        const loading =
          ((await mirror.logged('full load complete')) - (await mirror.logged('full load begins'))) / 1000;
        const [[count]] = await mirror.query('SELECT count(*) FROM public.wide');
        if (Number(count) !== rows) throw new Error(`${count} rows arrived of ${rows}`);
        return {
          'psql binary, rows/s': rows / plain,
          'load, rows/s': rows / loading,
          'load, share of psql': plain / loading,
          'start to visible, s': visible,
          'runner, CPU s': cpuSeconds,
          'runner, rows per CPU s': rows / cpuSeconds,
          'runner, peak MB': peakMb,
        };
      });
    });
    return { conditions: { rows, bytesPerRowAtSource: Math.round(bytes / rows), ...parameters }, figures };
  } finally {
    await postgres[Symbol.asyncDispose]();
  }
}
