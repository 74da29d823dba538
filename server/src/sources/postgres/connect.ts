import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import pg from 'pg';
import type { Connection } from '../source.ts';
import { type Stage, sourceError } from './errors.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_DELAY_MS = 10_000;

/**
 * What every connection is set to, so that a value's text is the same by COPY and by the log, whatever the server,
 * the database or the role has as its own default. Given at the start of the session, they win over those.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  DateStyle: 'ISO',
  IntervalStyle: 'iso_8601',
  TimeZone: 'UTC',
  // The shortest text that reads back as the same float.
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmlbinary: 'base64',
  xmloption: 'content',
  // Types and objects in values (regclass, regtype) are written with their schema.
  search_path: 'pg_catalog',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  // A policy that hides rows raises an error instead of giving a table with rows missing.
  row_security: 'off',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  // A publication that is missing is only a warning in PostgreSQL 18; it must come through (stream.ts).
  client_min_messages: 'warning',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  // One reading connection is one busy process at the source, as the task's concurrency promises.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
};

/** Newer servers only; as options at the start they would make an older server refuse the connection. */
const LATER_SETTINGS = `SELECT set_config(name, '0', false) FROM pg_settings
  WHERE name IN ('idle_session_timeout', 'transaction_timeout')`;

export interface Session extends AsyncDisposable {
  readonly client: pg.Client;
  /** Of the server, as server_version_num: 180004. */
  readonly version: number;
  /** The server process that serves this session. */
  readonly pid: number;
  /** Aborts with the session: its end ends the connection at once. */
  readonly signal: AbortSignal;
  /** False once the connection is gone. */
  readonly alive: boolean;
  /** Ends the connection without a word. */
  destroy(): void;
  /** @throws SluiceError; the signal's reason when it has aborted */
  rows<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[], stage?: Stage): Promise<Row[]>;
  /** Rows as arrays, read by the given parsers. */
  arrays(sql: string, types: pg.CustomTypesConfig): Promise<(string | null)[][]>;
  /** As `rows`, where exactly one row comes. */
  row<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[], stage?: Stage): Promise<Row>;
}

export interface SessionOptions {
  readonly applicationName: string;
  /** Connects to a WAL sender of the database instead of an ordinary backend. */
  readonly replication?: boolean;
}

function tlsOptions(connection: Connection): pg.ClientConfig['ssl'] {
  switch (connection.sslmode) {
    case 'disable':
      return false;
    case 'require':
      return { rejectUnauthorized: false };
    case 'verify-full':
      return { rejectUnauthorized: true };
  }
}

function settingsText(): string {
  return Object.entries(SETTINGS)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/([\\ ])/g, '\\$1')}`)
    .join(' ');
}

/** The socket, the TLS one if there is one. Changes while the connection is set up, so it is asked for each time. */
export function socketOf(client: pg.Client): Socket {
  return client.connection.stream as Socket;
}

/** @throws SluiceError SOURCE_*, PG_NO_REPLICATION; the signal's reason when it aborts */
export async function openSession(
  connection: Connection,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  signal.throwIfAborted();
  // A run's signal ends many connections and copies at once; that many listeners are no leak.
  setMaxListeners(0, signal);
  const stage: Stage = options.replication ? 'replication-connect' : 'connect';
  const config: pg.ClientConfig & { replication?: string } = {
    host: connection.host,
    port: connection.port,
    user: connection.username,
    // As a function, so that an empty password is not replaced by one of the environment.
    password: () => connection.password,
    database: connection.database,
    ssl: tlsOptions(connection),
    application_name: options.applicationName,
    options: settingsText(),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    ...(options.replication ? { replication: 'database' } : {}),
  };
  const client = new pg.Client(config);
  let version = 0;
  let alive = true;
  client.connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
    if (message.parameterName === 'server_version') version = versionNumber(message.parameterValue);
  });
  // Without a listener an error between two statements would end the process; the next statement reports it.
  client.on('error', () => {
    alive = false;
  });
  client.on('end', () => {
    alive = false;
  });
  const destroy = (): void => {
    alive = false;
    signal.removeEventListener('abort', destroy);
    socketOf(client).destroy();
  };
  signal.addEventListener('abort', destroy);

  const rows = async <Row extends pg.QueryResultRow>(
    sql: string,
    parameters?: unknown[],
    at: Stage = 'query',
  ): Promise<Row[]> => {
    signal.throwIfAborted();
    try {
      const result = parameters ? await client.query<Row>(sql, parameters) : await client.query<Row>(sql);
      return result.rows;
    } catch (error) {
      signal.throwIfAborted();
      throw sourceError(
        error,
        at,
        `database ${connection.database} on ${connection.host}:${connection.port}`,
      );
    }
  };

  try {
    await client.connect();
    await client.query(LATER_SETTINGS);
  } catch (error) {
    destroy();
    signal.throwIfAborted();
    const where = `${connection.username}@${connection.host}:${connection.port}/${connection.database}`;
    throw sourceError(error, stage, `connecting to ${where}`);
  }

  return {
    client,
    version,
    pid: (client as unknown as { processID: number }).processID,
    signal,
    get alive() {
      return alive;
    },
    destroy,
    rows,
    async arrays(sql: string, types: pg.CustomTypesConfig) {
      signal.throwIfAborted();
      try {
        return (await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types })).rows;
      } catch (error) {
        signal.throwIfAborted();
        throw sourceError(error, 'copy', `database ${connection.database} on ${connection.host}`);
      }
    },
    async row<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[], at?: Stage) {
      const [first] = await rows<Row>(sql, parameters, at);
      if (first === undefined)
        throw sourceError(new Error('the server answered without a row'), 'query', 'reading the catalog');
      return first;
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', destroy);
      if (!alive) return destroy();
      await client.end().catch(destroy);
    },
  };
}

/** `18.4 (Debian …)`, `19beta1` → 180004, 190000: as server_version_num counts. */
export function versionNumber(text: string): number {
  const match = /^(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return 0;
  return Number(match[1]) * 10_000 + Number(match[2] ?? 0);
}

export function applicationName(taskKey: string): string {
  return `sluice ${taskKey}`;
}

/** The application name of what is asked outside of any task. */
export const ADMIN_APPLICATION = 'sluice admin';
