// The MySQL that is measured.
import { findMysql } from '../../demo/dist/mysql-binaries.js';
import { MYSQL_ADMIN, MYSQL_PASSWORD, MysqlServer } from '../../demo/dist/mysql-server.js';

/** `dataDir`: a data folder that is kept, and the port that it is always at. */
export async function startMysql({ dataDir, port: at } = {}) {
  const server = await MysqlServer.start({
    ...(dataDir === undefined ? {} : { dataDir, port: at }),
    binaries: await findMysql('mysql'),
    settings: {
      'server-id': 97,
      'log-bin': 'binlog',
      'binlog-format': 'ROW',
      'innodb-buffer-pool-size': '1G',
      'innodb-flush-log-at-trx-commit': 2,
      'sync-binlog': 0,
    },
  });
  const { host, port } = server;
  const source = { type: 'mysql', host, port, username: MYSQL_ADMIN, password: MYSQL_PASSWORD };
  // Plain clients as quick as they are: without TLS, as the mirror connects too.
  const clientArgs = ['-h', host, '-P', String(port), '-u', MYSQL_ADMIN, `-p${MYSQL_PASSWORD}`];
  return {
    server,
    source: { ...source, database: 'bench' },
    clientArgs: [...clientArgs, '--ssl-mode=DISABLED', '--get-server-public-key'],
  };
}
