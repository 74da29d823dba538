import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import mysql, { type Connection, type ResultSetHeader } from 'mysql2/promise';
import { compareMysql } from './comparison-mysql.ts';
import { endLeftover } from './leftover.ts';
import { type Flavour, findMysql } from './mysql-binaries.ts';
import { MysqlServer } from './mysql-server.ts';
import { postgresFolder } from './postgres-binaries.ts';
import type { Settings } from './postgres-server.ts';
import type { Shop, ShopOptions } from './shop-source.ts';
import { type Session, writeUntil } from './writers.ts';
import { WRITERS } from './writers-mysql.ts';

const DATABASE = 'shop';
const MIRROR = { username: 'sluice', password: 'sluice' };

const SETTINGS: Readonly<Record<Flavour, Settings>> = {
  mysql: { 'server-id': 1, 'innodb-buffer-pool-size': '256M' },
  mariadb: { 'server-id': 1, 'innodb-buffer-pool-size': '256M', 'log-bin': 'binlog', 'binlog-format': 'ROW' },
};

/** The shop in MySQL or MariaDB, as Debian packs them. @throws Error where they cannot be fetched */
export function mysqlShop(flavour: Flavour): (options: ShopOptions) => Promise<Shop> {
  return async ({ root, home, fresh }) => {
    const binaries = await findMysql(flavour);
    const dataDir = join(await postgresFolder(join(home, flavour), binaries.account), 'data');
    await endLeftover(`${dataDir}.pid`, dataDir, 'SIGTERM');
    if (fresh) await rm(dataDir, { recursive: true, force: true });
    const server = await MysqlServer.start({ binaries, dataDir, settings: SETTINGS[flavour] });
    const open = (): Promise<Connection> =>
      mysql.createConnection({ uri: server.url, multipleStatements: true, charset: 'utf8mb4' });
    return {
      title: flavour === 'mysql' ? 'MySQL' : 'MariaDB',
      connection: { type: flavour, host: server.host, port: server.port, ...MIRROR, database: DATABASE },
      schema: DATABASE,
      fill: () => fill(root, open),
      write: (counts, signal) => writeUntil(WRITERS, () => openSession(open), counts, signal),
      compare: async (lake, report) => {
        const connection = await open();
        try {
          await connection.query(`USE ${DATABASE}`);
          return await compareMysql(connection, lake, { report });
        } finally {
          await connection.end();
        }
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  };
}

async function fill(root: string, open: () => Promise<Connection>): Promise<number | null> {
  const connection = await open();
  try {
    // It is written last: a shop without it is one whose filling was cut short.
    const [there] = await connection.query(
      "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = 'filled'",
      [DATABASE],
    );
    if ((there as unknown[]).length > 0) return null;
    await connection.query(
      `DROP DATABASE IF EXISTS ${DATABASE}; CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`,
    );
    await connection.query(`USE ${DATABASE}`);
    await connection.query(await readFile(join(root, 'demo', 'shop-mysql.sql'), 'utf8'));
    await connection.query(
      `CREATE USER IF NOT EXISTS '${MIRROR.username}'@'%' IDENTIFIED BY '${MIRROR.password}';
       GRANT SELECT ON ${DATABASE}.* TO '${MIRROR.username}'@'%';
       GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${MIRROR.username}'@'%'`,
    );
    const [rows] = await connection.query(
      "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE'",
      [DATABASE],
    );
    let sum = 0;
    for (const { name } of rows as unknown as readonly { name: string }[]) {
      const [counted] = await connection.query(`SELECT count(*) AS n FROM ${mysql.escapeId(name)}`);
      sum += Number((counted as unknown as readonly { n: number }[])[0]?.n ?? 0);
    }
    return sum;
  } finally {
    await connection.end();
  }
}

/** Lock timeouts and deadlocks are part of a database's life; anything else is a fault of the demo. */
const PASSING = new Set([1205, 1213, 1412, 1020]);

async function openSession(open: () => Promise<Connection>): Promise<Session> {
  const connection = await open();
  // An ALTER TABLE that waits makes everybody behind it wait; it had better give up.
  await connection.query(
    `USE ${DATABASE}; SET lock_wait_timeout = 2, innodb_lock_wait_timeout = 2, time_zone = '+00:00'`,
  );
  return {
    query: async (sql, parameters = []) => {
      const [result] = await connection.query(sql, parameters);
      if (Array.isArray(result)) return { rows: result as Record<string, unknown>[], changed: 0 };
      const { affectedRows, insertId } = result as ResultSetHeader;
      return { rows: [], changed: affectedRows, insertId };
    },
    passes: (error) => PASSING.has((error as { errno?: number }).errno ?? 0),
    end: () => connection.end(),
  };
}
