// A backlog of changes drained from PostgreSQL: npm run bench -- drain-postgres [--changes N] [--mix inserts|mixed]
// Each round makes the backlog, reads it with pg_recvlogical to /dev/null, then lets the mirror drain it.
import pg from 'pg';
import { BACKLOG_OPTIONS, drainRounds } from './measure/backlog.mjs';
import { postgresProgram, startPostgres } from './measure/postgres.mjs';
import { secondsOf } from './measure/program.mjs';
import { inRounds } from './measure/rounds.mjs';
import { changePostgres, fillPostgres } from './measure/ten-columns.mjs';

export const OPTIONS = BACKLOG_OPTIONS;
const SLOT = 'plain';

export async function run(options) {
  const rows = Number(options.rows);
  const recvlogical = await postgresProgram('pg_recvlogical');
  const { postgres, source } = await startPostgres({ synchronous_commit: 'off' });
  const client = new pg.Client({ connectionString: postgres.url });
  try {
    await client.connect();
    await fillPostgres(client, rows);
    await client.query('CREATE PUBLICATION plain FOR TABLE wide');
    const figures = await drainRounds(
      {
        source,
        database: 'postgres',
        schema: 'public',
        rows,
        options,
        name: 'pg_recvlogical',
        mark: async () => {
          await client.query('SELECT pg_create_logical_replication_slot($1, $2)', [SLOT, 'pgoutput']);
        },
        change: (from, transactions, mix) => changePostgres(client, from, transactions, mix),
        plain: async () => {
          const { rows: found } = await client.query('SELECT pg_current_wal_lsn()::text AS lsn');
          const reading = ['-o', 'proto_version=1', '-o', 'publication_names=plain', '-f', '/dev/null'];
          const seconds = await secondsOf(recvlogical, [
            ...['-d', postgres.url, '--slot', SLOT, '--start', '--endpos', found[0].lsn],
            ...reading,
          ]);
          await client.query('SELECT pg_drop_replication_slot($1)', [SLOT]);
          return seconds;
        },
        count: async () => Number((await client.query('SELECT count(*) FROM wide')).rows[0].count),
      },
      inRounds,
    );
    return { conditions: { rows, changes: Number(options.changes), mix: options.mix }, figures };
  } finally {
    await client.end().catch(() => undefined);
    await postgres[Symbol.asyncDispose]();
  }
}
