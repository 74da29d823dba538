// A backlog of changes drained from MySQL: npm run bench -- drain-mysql [--changes N] [--mix inserts|mixed]
// Each round makes the backlog, reads it with mysqlbinlog to /dev/null, then lets the mirror drain it.
import mysql from 'mysql2/promise';
import { findMysql, programOf } from '../demo/dist/mysql-binaries.js';
import { BACKLOG_OPTIONS, drainRounds } from './measure/backlog.mjs';
import { startMysql } from './measure/mysql.mjs';
import { secondsOf } from './measure/program.mjs';
import { inRounds } from './measure/rounds.mjs';
import { changeMysql, fillMysql } from './measure/ten-columns.mjs';

export const OPTIONS = BACKLOG_OPTIONS;

export async function run(options) {
  const rows = Number(options.rows);
  const { server, source, clientArgs } = await startMysql();
  try {
    const client = await mysql.createConnection({ uri: server.url, multipleStatements: true });
    await fillMysql(client, rows);
    await client.query('SET SESSION sql_log_bin = 1');
    const binlog = programOf(await findMysql('mysql'), 'mysqlbinlog', 'bin');
    let mark;
    const figures = await drainRounds(
      {
        source,
        database: 'bench',
        schema: 'bench',
        rows,
        options,
        name: 'mysqlbinlog',
        mark: async () => {
          const [[head]] = await client.query('SHOW BINARY LOG STATUS');
          mark = head;
        },
        change: (from, transactions, mix) => changeMysql(client, from, transactions, mix),
        plain: () =>
          secondsOf(binlog.command, [
            ...[...binlog.args, ...clientArgs, '--read-from-remote-server', '--to-last-log'],
            ...['--start-position', String(mark.Position), mark.File],
          ]),
        count: async () => {
          const [[found]] = await client.query('SELECT count(*) AS n FROM wide');
          return Number(found.n);
        },
      },
      inRounds,
    );
    await client.end();
    return { conditions: { rows, changes: Number(options.changes), mix: options.mix }, figures };
  } finally {
    await server[Symbol.asyncDispose]();
  }
}
