import { setMaxListeners } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SluiceError } from '@sluice/contract';
import mysql from 'mysql2';
import type { Connection } from '../source.ts';
import { passwordPlugins } from './auth.ts';
import { type Stage, sourceError } from './errors.ts';
import { type ServerInfo, serverInfo, sessionSettings, VARIABLES_SQL } from './server-info.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_DELAY_MS = 10_000;

/** A value of a result as the server's own text; names are the result's. */
export type TextRow = Record<string, string | null>;
export type QueryParameter = string | number | bigint | null;

export interface Session extends AsyncDisposable {
  readonly info: ServerInfo;
  /** The server's number of this connection, for KILL. */
  readonly threadId: number;
  /** Aborts with the session: its end ends the connection at once. */
  readonly signal: AbortSignal;
  /** False once the connection is gone or its socket was taken. */
  readonly alive: boolean;
  /** Ends the connection without a word. */
  destroy(): void;
  /** `?` stands for a parameter. @throws SluiceError; the signal's reason when it has aborted */
  rows<Row extends TextRow = TextRow>(
    sql: string,
    parameters?: readonly QueryParameter[],
    stage?: Stage,
  ): Promise<Row[]>;
  /** As `rows`, where exactly one row comes. */
  row<Row extends TextRow = TextRow>(
    sql: string,
    parameters?: readonly QueryParameter[],
    stage?: Stage,
  ): Promise<Row>;
  /** Rows as the bytes of their values, which the connection's character set (utf8mb4) does not touch where they are binary. */
  buffers(sql: string, parameters?: readonly QueryParameter[], stage?: Stage): Promise<(Buffer | null)[][]>;
  run(sql: string, parameters?: readonly QueryParameter[], stage?: Stage): Promise<void>;
  /**
   * Hands over the socket (the TLS one if there is one), paused, between two commands, with no listener left on it that
   * reads or writes. The session is of no more use. The signal's abort still destroys the socket.
   */
  takeSocket(): Socket;
}

export interface SessionOptions {
  readonly applicationName: string;
}

function tlsOptions(connection: Connection): mysql.SslOptions | undefined {
  switch (connection.sslmode) {
    case 'disable':
      return undefined;
    case 'require':
      return { rejectUnauthorized: false };
    case 'verify-full':
      return { rejectUnauthorized: true, verifyIdentity: true };
  }
}

type Listener = (...parameters: unknown[]) => void;

/** The listeners that are on a socket and were not before. */
function newListeners(
  socket: Socket,
  before: ReadonlySet<unknown>,
): (readonly [string | symbol, Listener])[] {
  return allListeners(socket).filter(([, listener]) => !before.has(listener));
}

function allListeners(socket: Socket): (readonly [string | symbol, Listener])[] {
  return socket
    .eventNames()
    .flatMap((name) => socket.rawListeners(name).map((one) => [name, one as Listener] as const));
}

/** @throws SluiceError SOURCE_*, MYSQL_AUTH_NEEDS_TLS; the signal's reason when it aborts */
export async function openSession(
  connection: Connection,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  signal.throwIfAborted();
  // A run's signal ends many connections and loads at once; that many listeners are no leak.
  setMaxListeners(0, signal);
  const raw = connect({
    host: connection.host,
    port: connection.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_DELAY_MS,
  });
  // Node checks the certificate's name against this where no server name can be sent, which is so for an IP address;
  // without it an address would be checked as "localhost".
  Object.assign(raw, { _host: connection.host });
  raw.on('error', () => undefined);
  const before = new Set<unknown>(allListeners(raw).map(([, listener]) => listener));
  const passwords = passwordPlugins();
  const ssl = tlsOptions(connection);
  const client = mysql.createConnection({
    host: connection.host,
    port: connection.port,
    user: connection.username,
    password: connection.password,
    ...(connection.database === '' ? {} : { database: connection.database }),
    charset: 'utf8mb4_general_ci',
    connectTimeout: CONNECT_TIMEOUT_MS,
    connectAttributes: { program_name: options.applicationName },
    authPlugins: passwords.plugins,
    // LOAD DATA LOCAL lets a server ask for any file of this machine.
    // Query attributes would put bytes into every statement that is written to the taken socket.
    flags: ['-LOCAL_FILES', '-CLIENT_QUERY_ATTRIBUTES'],
    stream: () => raw,
    ...(ssl ? { ssl } : {}),
  } as mysql.ConnectionOptions);
  const mysql2Listeners = newListeners(raw, before);
  let alive = true;
  let taken = false;
  let info: ServerInfo | null = null;
  const stream = (): Socket => (client as unknown as { stream: Socket }).stream;
  // Without a listener an error between two statements would end the process; the next statement reports it.
  client.on('error', () => {
    alive = false;
  });
  client.on('end', () => {
    alive = false;
  });
  // An error that meets a question (ECONNRESET, ETIMEDOUT) is given to that question, and neither of these events comes.
  const usable = (): boolean => alive && !taken && !stream().destroyed;
  const destroy = (): void => {
    alive = false;
    signal.removeEventListener('abort', destroy);
    stream().destroy();
    raw.destroy();
  };
  signal.addEventListener('abort', destroy);
  const where = `${connection.username}@${connection.host}:${connection.port}/${connection.database}`;

  const ask = (
    sql: string,
    parameters: readonly QueryParameter[],
  ): Promise<{ values: (Buffer | null)[][]; names: string[] }> =>
    new Promise((resolve, reject) => {
      client.query(
        { sql, values: [...parameters], rowsAsArray: true, typeCast: false },
        (error: Error | null, rows: unknown, fields: { name: string }[] | undefined) => {
          if (error) reject(error);
          else if (!Array.isArray(rows)) resolve({ values: [], names: [] });
          else resolve({ values: rows, names: (fields ?? []).map((field) => field.name) });
        },
      );
    });

  const query = async (
    sql: string,
    parameters: readonly QueryParameter[] = [],
    stage: Stage = 'query',
  ): ReturnType<typeof ask> => {
    signal.throwIfAborted();
    if (taken) throw new Error('the socket of this session was taken');
    try {
      return await ask(sql, parameters);
    } catch (error) {
      signal.throwIfAborted();
      throw sourceError(error, stage, `server ${connection.host}:${connection.port}`);
    }
  };

  const rows = async <Row extends TextRow>(
    sql: string,
    parameters?: readonly QueryParameter[],
    stage?: Stage,
  ): Promise<Row[]> => {
    const { values, names } = await query(sql, parameters, stage);
    return values.map((row) => {
      const texts: TextRow = {};
      for (const [index, name] of names.entries()) texts[name] = row[index]?.toString('utf8') ?? null;
      return texts as Row;
    });
  };

  try {
    await connected(client);
    const { values } = await ask(VARIABLES_SQL, []);
    const variables = new Map(
      values.map(([name, value]) => [String(name).toLowerCase(), String(value ?? '')]),
    );
    info = serverInfo(variables);
    await ask(sessionSettings(variables), []);
  } catch (error) {
    destroy();
    signal.throwIfAborted();
    if (passwords.keyRefused())
      throw new SluiceError(
        'MYSQL_AUTH_NEEDS_TLS',
        `connecting to ${where}: the server takes this account's password over an encrypted connection only, because it has no RSA key`,
        { cause: error },
      );
    throw sourceError(error, 'connect', `connecting to ${where}`);
  }

  return {
    info,
    threadId: client.threadId ?? 0,
    signal,
    get alive() {
      return usable();
    },
    destroy,
    rows,
    async row<Row extends TextRow>(sql: string, parameters?: readonly QueryParameter[], stage?: Stage) {
      const [first] = await rows<Row>(sql, parameters, stage);
      if (first === undefined)
        throw sourceError(new Error('the server answered without a row'), 'query', 'reading the catalog');
      return first;
    },
    async buffers(sql, parameters, stage) {
      return (await query(sql, parameters, stage)).values;
    },
    async run(sql, parameters, stage) {
      await query(sql, parameters, stage);
    },
    takeSocket() {
      signal.throwIfAborted();
      if (!usable())
        throw new SluiceError('SOURCE_INTERRUPTED', `connection to ${where}: the server has closed it`);
      taken = true;
      const socket = stream();
      socket.pause();
      for (const [name, listener] of mysql2Listeners) raw.off(name, listener);
      // On the TLS socket these are mysql2's; TLS itself listens to others.
      if (socket !== raw) for (const name of ['data', 'session', 'error']) socket.removeAllListeners(name);
      socket.on('error', () => undefined);
      socket.once('close', () => signal.removeEventListener('abort', destroy));
      return socket;
    },
    async [Symbol.asyncDispose]() {
      if (taken) return;
      signal.removeEventListener('abort', destroy);
      // Of a socket that has closed no other 'close' comes.
      if (!usable()) return destroy();
      alive = false;
      await new Promise<void>((resolve) => {
        raw.once('close', () => resolve());
        client.end((error: Error | null) => {
          if (error) destroy();
          else raw.destroySoon();
        });
      });
    },
  };
}

function connected(client: mysql.Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
  });
}

export function applicationName(taskKey: string): string {
  return `sluice ${taskKey}`;
}

/** The application name of what is asked outside of any task. */
export const ADMIN_APPLICATION = 'sluice admin';
