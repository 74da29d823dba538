// The full load of one table of ten columns from MySQL: npm run bench -- load-mysql [--rows N] [--rounds N]
// Each round reads the table with mysql --quick to /dev/null, then loads it with a mirror of its own.
import mysql from 'mysql2/promise';
import { findMysqlClient, programOf } from '../demo/dist/mysql-binaries.js';
import { LOAD_OPTIONS, loadRound } from './measure/load-round.mjs';
import { startMysql } from './measure/mysql.mjs';
import { secondsOf } from './measure/program.mjs';
import { inRounds } from './measure/rounds.mjs';
import { fillMysql } from './measure/ten-columns.mjs';

export const OPTIONS = LOAD_OPTIONS;

export async function run(options) {
  const rows = Number(options.rows);
  const { server, source, clientArgs } = await startMysql();
  try {
    const client = await mysql.createConnection({ uri: server.url, multipleStatements: true });
    const bytes = await fillMysql(client, rows);
    await client.end();
    const plain = programOf(await findMysqlClient(), 'mysql', 'bin');
    const figures = await inRounds(options.rounds, async () => {
      const seconds = await secondsOf(plain.command, [
        ...plain.args,
        ...clientArgs,
        ...['--quick', '-BN', '-e', 'SELECT * FROM wide'],
        'bench',
      ]);
      return await loadRound({
        source,
        database: 'bench',
        rows,
        options,
        plain: seconds,
        name: 'mysql --quick',
      });
    });
    return { conditions: { rows, bytesPerRowAtSource: Math.round(bytes / rows) }, figures };
  } finally {
    await server[Symbol.asyncDispose]();
  }
}
