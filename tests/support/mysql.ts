import { randomBytes } from 'node:crypto';
import mysql, { type Connection } from 'mysql2/promise';
import { inject } from 'vitest';
import { type Flavour, findMysql } from '../../demo/mysql-binaries.ts';
import { MysqlServer } from '../../demo/mysql-server.ts';
import type { Settings } from '../../demo/postgres-server.ts';

export type { Flavour } from '../../demo/mysql-binaries.ts';
export const FLAVOURS: readonly Flavour[] = ['mysql', 'mariadb'];

/** A server for tests need not outlive the machine; everything else is as a user would have it. */
const TEST_SETTINGS: Readonly<Record<Flavour, Settings>> = {
  mysql: {
    'server-id': 97,
    'sync-binlog': 0,
    'innodb-flush-log-at-trx-commit': 0,
    'innodb-buffer-pool-size': '64M',
    'innodb-redo-log-capacity': '128M',
    'max-connections': 200,
    'max-allowed-packet': '256M',
    'local-infile': 1,
    'skip-name-resolve': 1,
    'performance-schema-instrument': '%=OFF',
    'table-open-cache': 400,
  },
  mariadb: {
    'server-id': 98,
    'log-bin': 'binlog',
    'binlog-format': 'ROW',
    'sync-binlog': 0,
    'innodb-flush-log-at-trx-commit': 0,
    'innodb-buffer-pool-size': '64M',
    'max-connections': 200,
    'max-allowed-packet': '256M',
    'local-infile': 1,
    'skip-name-resolve': 1,
  },
};

export interface TestMysqlConnection {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  readonly sslmode: 'disable';
}

/** A database of a test's own, and an account that has what the product asks for on it. Disposing drops both. */
export interface TestMysqlDatabase extends AsyncDisposable {
  readonly flavour: Flavour;
  readonly name: string;
  /** SELECT on the database, REPLICATION SLAVE, REPLICATION CLIENT. */
  readonly connection: TestMysqlConnection;
  /** A statement of the server's administrator, in this database; values come as the server's bytes. */
  query(sql: string, parameters?: readonly unknown[]): Promise<readonly (readonly (Buffer | null)[])[]>;
  /** The same as text. */
  rows(sql: string, parameters?: readonly unknown[]): Promise<(string | null)[][]>;
  /** A connected client of the administrator, of several statements at a time; the database closes it when it is disposed. */
  client(): Promise<Connection>;
}

export interface TestMysql extends AsyncDisposable {
  readonly flavour: Flavour;
  readonly host: string;
  readonly port: number;
  /** Of the administrator. */
  readonly url: string;
  /** A fresh database. Without a name, or with one that exists, it gets one of its own. */
  createDatabase(name?: string): Promise<TestMysqlDatabase>;
}

/** A server of a test's own, to be stopped, killed and set otherwise. */
export interface OwnMysql extends TestMysql {
  readonly dataDir: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Stops it, changes settings, starts it again on the same port and data. */
  restart(settings?: Settings): Promise<void>;
  log(): Promise<string>;
}

/** Starts a server of the test's own: what is done to it disturbs nobody. */
export async function startMysql(
  flavour: Flavour,
  options: { readonly settings?: Settings } = {},
): Promise<OwnMysql> {
  const server = await MysqlServer.start({
    binaries: await findMysql(flavour),
    settings: { ...TEST_SETTINGS[flavour], ...options.settings },
  });
  return {
    flavour,
    host: server.host,
    port: server.port,
    url: server.url,
    dataDir: server.dataDir,
    start: () => server.start(),
    stop: () => server.stop(),
    kill: () => server.kill(),
    log: () => server.log(),
    restart: async (settings = {}) => {
      await server.stop();
      server.settings = { ...server.settings, ...settings };
      await server.start();
    },
    createDatabase: (name) => createDatabase(flavour, server.url, name),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/**
 * The server that all test files of a run share (tests/support/global-setup.ts), or the one that
 * SLUICE_TEST_MYSQL_URL or SLUICE_TEST_MARIADB_URL names (an administrator's URL).
 */
export function sharedMysql(flavour: Flavour): TestMysql {
  const url = inject(flavour === 'mysql' ? 'mysqlUrl' : 'mariadbUrl');
  if (url === '')
    throw new Error('No such server runs: global-setup.ts took the filters for ones that need none.');
  const { hostname, port } = new URL(url);
  return {
    flavour,
    url,
    host: hostname,
    port: Number(port || 3306),
    createDatabase: (name) => createDatabase(flavour, url, name),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const id = (name: string): string => mysql.escapeId(name, true);

async function createDatabase(flavour: Flavour, url: string, wanted?: string): Promise<TestMysqlDatabase> {
  const admin = await connect(url);
  let name = wanted ?? `test_${randomBytes(6).toString('hex')}`;
  const username = `u_${randomBytes(6).toString('hex')}`;
  try {
    const [taken] = await admin.query('SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?', [
      name,
    ]);
    if ((taken as unknown[]).length > 0) name = `${name}_${randomBytes(4).toString('hex')}`;
    await admin.query(`CREATE DATABASE ${id(name)} CHARACTER SET utf8mb4`);
    await admin.query(`CREATE USER ${id(username)} IDENTIFIED BY 'sluice'`);
    // In a grant's database name _ and % are patterns.
    await admin.query(`GRANT SELECT ON ${id(name.replace(/[_%\\]/g, '\\$&'))}.* TO ${id(username)}`);
    await admin.query(`GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${id(username)}`);
  } finally {
    await admin.end();
  }
  const { hostname, port } = new URL(url);
  const clients: Connection[] = [];
  let own: Promise<Connection> | null = null;
  const client = async (): Promise<Connection> => {
    const made = await connect(url, name);
    clients.push(made);
    return made;
  };
  const query: TestMysqlDatabase['query'] = async (sql, parameters) => {
    own ??= client().catch((error: unknown) => {
      own = null;
      throw error;
    });
    const made = await own;
    try {
      const [rows] = await made.query({
        sql,
        values: parameters === undefined ? [] : [...parameters],
        rowsAsArray: true,
        typeCast: false,
      });
      return Array.isArray(rows) ? (rows as unknown as (Buffer | null)[][]) : [];
    } catch (error) {
      // A server that was killed takes the connection with it; the next statement asks for another.
      if ((error as { fatal?: boolean }).fatal === true) own = null;
      throw error;
    }
  };
  return {
    flavour,
    name,
    connection: {
      host: hostname,
      port: Number(port || 3306),
      username,
      password: 'sluice',
      database: name,
      sslmode: 'disable',
    },
    query,
    rows: async (sql, parameters) =>
      (await query(sql, parameters)).map((row) => row.map((value) => value?.toString('utf8') ?? null)),
    client,
    [Symbol.asyncDispose]: async () => {
      for (const each of clients) each.destroy();
      // Where the test left its own server stopped, its data folder goes with it.
      const last = await connect(url).catch(() => null);
      if (last === null) return;
      try {
        await last.query(`DROP DATABASE IF EXISTS ${id(name)}`);
        // Before 5.7 there is no IF EXISTS here.
        await last.query(`DROP USER ${id(username)}`).catch(() => undefined);
      } finally {
        await last.end();
      }
    },
  };
}

async function connect(url: string, database?: string): Promise<Connection> {
  const made = await mysql.createConnection({
    uri: url,
    ...(database === undefined ? {} : { database }),
    multipleStatements: true,
    charset: 'utf8mb4',
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
  });
  // A test that kills the server expects its connections to break; the next query reports it.
  (made as unknown as { connection: NodeJS.EventEmitter }).connection.on('error', () => undefined);
  return made;
}
