import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { findPostgres } from '../../demo/postgres-binaries.ts';
import { PostgresServer, type Settings } from '../../demo/postgres-server.ts';

/** A server for tests need not outlive the machine; everything else is as a user would have it. */
const TEST_SETTINGS: Settings = {
  wal_level: 'logical',
  fsync: 'off',
  full_page_writes: 'off',
  max_replication_slots: 30,
  max_wal_senders: 30,
  max_connections: 120,
  shared_buffers: '64MB',
  max_wal_size: '2GB',
  log_line_prefix: '%m [%p] %d ',
};

export interface TestConnection {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  readonly sslmode: 'disable';
}

/** A database of a test's own. Disposing drops it, with its slots and whoever is still connected. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly connection: TestConnection;
  /** A connected client; the database closes it when it is disposed. */
  client(): Promise<pg.Client>;
  /** A statement, or several without parameters, on a client kept for this. */
  query(sql: string, parameters?: unknown[]): Promise<pg.QueryResult>;
}

export interface TestPostgres extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** A fresh database. Without a name, or with one that exists, it gets one of its own. */
  createDatabase(name?: string): Promise<TestDatabase>;
}

/** A server of a test's own, to be stopped, killed and set otherwise. */
export interface OwnPostgres extends TestPostgres {
  readonly dataDir: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** kill -9, all of its processes. */
  kill(): Promise<void>;
  /** Stops it, changes settings, starts it again on the same port and data. */
  restart(settings?: Settings): Promise<void>;
  log(): Promise<string>;
}

export interface StartOptions {
  readonly settings?: Settings;
  /** 18 (default) from npm, or 15 as Debian has it. */
  readonly version?: 15 | 18;
}

/** Starts a server of the test's own: what is done to it disturbs nobody. About 0.3 s. */
export async function startPostgres(options: StartOptions = {}): Promise<OwnPostgres> {
  const binaries = await findPostgres(options.version ?? 18);
  const server = await PostgresServer.start({
    binaries,
    settings: { ...TEST_SETTINGS, ...options.settings },
  });
  return {
    url: server.url,
    host: server.host,
    port: server.port,
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
    createDatabase: (name) => createDatabase(server.url, name),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/**
 * The server that all test files of a run share (tests/support/global-setup.ts), or the one that
 * SLUICE_TEST_POSTGRES_URL names (a superuser's URL, wal_level = logical).
 */
export function sharedPostgres(): TestPostgres {
  const url = inject('postgresUrl');
  const { hostname, port } = new URL(url);
  return {
    url,
    host: hostname,
    port: Number(port || 5432),
    createDatabase: (name) => createDatabase(url, name),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

export async function createDatabase(serverUrl: string, wanted?: string): Promise<TestDatabase> {
  const admin = await connect(serverUrl);
  let name = wanted ?? `test_${randomBytes(6).toString('hex')}`;
  try {
    const taken = await admin.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (taken.rowCount !== 0) name = `${name}_${randomBytes(4).toString('hex')}`;
    await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`);
  } finally {
    await admin.end();
  }
  const target = new URL(serverUrl);
  target.pathname = `/${encodeURIComponent(name)}`;
  const clients: pg.Client[] = [];
  let own: Promise<pg.Client> | null = null;
  const client = async () => {
    const made = await connect(target.href);
    clients.push(made);
    return made;
  };
  const database: TestDatabase = {
    name,
    url: target.href,
    connection: {
      host: target.hostname,
      port: Number(target.port || 5432),
      username: decodeURIComponent(target.username),
      password: decodeURIComponent(target.password),
      database: name,
      sslmode: 'disable',
    },
    client,
    query: async (sql, parameters) => {
      own ??= client();
      const made = await own.catch((error: unknown) => {
        own = null;
        throw error;
      });
      try {
        return await made.query(sql, parameters);
      } catch (error) {
        // A server that was killed takes the connection with it; the next statement asks for another.
        if (!(error instanceof pg.DatabaseError) || error.severity === 'FATAL') own = null;
        throw error;
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((each) => each.end().catch(() => undefined)));
      await dropDatabase(serverUrl, name);
    },
  };
  return database;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // A test that kills the server expects its connections to break; the next query reports it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  let admin: pg.Client;
  try {
    admin = await connect(serverUrl);
  } catch {
    return; // The test left its own server stopped; its data folder goes with it.
  }
  try {
    // DROP DATABASE refuses while a slot exists, and a slot while it is read; readers may come back once.
    for (let tries = 0; ; tries++) {
      const { rows } = await admin.query<{ slot_name: string; active_pid: number | null }>(
        'SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = $1',
        [name],
      );
      if (rows.length === 0) break;
      for (const { slot_name, active_pid } of rows) {
        if (active_pid !== null) await admin.query('SELECT pg_terminate_backend($1, 5000)', [active_pid]);
        await admin
          .query('SELECT pg_drop_replication_slot($1)', [slot_name])
          .catch((error: unknown) => (tries < 10 ? undefined : Promise.reject(error)));
      }
    }
    await admin.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
  } finally {
    await admin.end();
  }
}
