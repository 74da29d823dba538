// The comparison's MySQL: filled once, changed at a pace, and wronged past the log.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { findMysql } from '../../demo/dist/mysql-binaries.js';
import { MYSQL_ADMIN, MYSQL_PASSWORD, MysqlServer } from '../../demo/dist/mysql-server.js';
import { fillMysql } from '../measure/ten-columns.mjs';
import { CHANGES, MIX } from './pace.mjs';

export async function openMysql(home, rows, port) {
  const dataDir = join(home, 'source', 'data');
  const fresh = !existsSync(join(dataDir, 'mysql'));
  const server = await MysqlServer.start({
    binaries: await findMysql('mysql'),
    dataDir,
    port,
    settings: {
      'server-id': 97,
      'log-bin': 'binlog',
      'binlog-format': 'ROW',
      'innodb-buffer-pool-size': '1G',
      'innodb-flush-log-at-trx-commit': 2,
      'sync-binlog': 0,
    },
  });
  const connect = async () => {
    const client = await mysql.createConnection({ uri: server.url, multipleStatements: true });
    client.on('error', () => {});
    return client;
  };
  const filler = await connect();
  if (fresh) await fillMysql(filler, rows);
  await filler.end();
  const writer = await connect();
  await writer.query('USE bench; DROP PROCEDURE IF EXISTS change_rows');
  const times = (count, body) => Array.from({ length: count }, (_, k) => body(k + 1)).join('\n');
  await writer.query(`CREATE PROCEDURE change_rows(fresh bigint, times int, seed bigint) BEGIN
    DECLARE oldest bigint; DECLARE i int DEFAULT 1;
    SELECT min(id) INTO oldest FROM wide;
    WHILE i <= times DO
      START TRANSACTION;
      ${times(
        MIX.inserts,
        () => `INSERT INTO wide VALUES (fresh, i % 100000, left(sha2(fresh, 224), 20), concat('customer ', fresh % 1000000),
          concat('new in the street ', i % 500), fresh % 10000000 / 100, now(3), '2024-01-01' + INTERVAL i % 700 DAY, i % 3 = 0, fresh / 7e0);
        SET fresh = fresh + 1;`,
      )}
      ${times(
        MIX.updates,
        (k) => `UPDATE wide SET amount = amount + 1, c = 'sent again'
         WHERE id = (oldest + 1000 + ((seed + i) * 7919 + ${k} * 104729) * 15485863 % (fresh - oldest - 2000)) DIV 2 * 2;`,
      )}
      ${times(MIX.deletes, () => 'DELETE FROM wide WHERE id = oldest; SET oldest = oldest + 1;')}
      COMMIT;
      SET i = i + 1;
    END WHILE; END`);
  const aside = await connect();
  await aside.query('USE bench');
  return {
    schema: 'bench',
    server,
    source: {
      type: 'mysql',
      host: server.host,
      port,
      username: MYSQL_ADMIN,
      password: MYSQL_PASSWORD,
      database: 'bench',
    },
    database: 'bench',
    lastId: async () =>
      Number((await writer.query('SELECT max(id) AS id FROM wide WHERE id < 1e9'))[0][0].id),
    change: (first, seed) => writer.query(`CALL change_rows(${first}, ${CHANGES}, ${seed})`),
    run: (sql) => aside.query(sql),
    pastTheLog: async (_ids, statements) => {
      await aside.query('SET SESSION sql_log_bin = 0');
      for (const statement of statements) await aside.query(statement);
      await aside.query('SET SESSION sql_log_bin = 1');
    },
    close: async () => {
      await writer.end();
      await aside.end();
      await server[Symbol.asyncDispose]();
    },
  };
}
