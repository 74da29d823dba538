// The full load of one table of ten columns from PostgreSQL: npm run bench -- load-postgres [--rows N] [--rounds N]
// Each round reads the table with psql \copy … binary to /dev/null, then loads it with a mirror of its own.
import pg from 'pg';
import { LOAD_OPTIONS, loadRound } from './measure/load-round.mjs';
import { postgresProgram, startPostgres } from './measure/postgres.mjs';
import { secondsOf } from './measure/program.mjs';
import { inRounds } from './measure/rounds.mjs';
import { fillPostgres } from './measure/ten-columns.mjs';

export const OPTIONS = LOAD_OPTIONS;

export async function run(options) {
  const rows = Number(options.rows);
  const psql = await postgresProgram('psql');
  const { postgres, source } = await startPostgres();
  try {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const bytes = await fillPostgres(client, rows);
    await client.end();
    const figures = await inRounds(options.rounds, async () => {
      const copy = "\\copy wide TO '/dev/null' (FORMAT binary)";
      const plain = await secondsOf(psql, [postgres.url, '-c', copy]);
      const name = 'psql binary';
      return await loadRound({ source, database: 'postgres', schema: 'public', rows, options, plain, name });
    });
    return { conditions: { rows, bytesPerRowAtSource: Math.round(bytes / rows) }, figures };
  } finally {
    await postgres[Symbol.asyncDispose]();
  }
}
