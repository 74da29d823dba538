import { randomBytes } from 'node:crypto';
import { createServer, connect as netConnect, type Socket } from 'node:net';
import type { Problem, RunDetail, TaskTable } from '@sluice/contract';
import pg from 'pg';
import { expect } from 'vitest';
import type { TestLake } from '../support/lake.ts';
import type { TestConnection, TestDatabase, TestPostgres } from '../support/postgres.ts';

/** Waits until the task's newest run has failed for good. */
export async function failure(lake: TestLake, task: string): Promise<Problem> {
  const status = await lake.until(async () => {
    const now = await lake.status(task);
    return now.state === 'failed' ? now : null;
  });
  return said(status.error);
}

/** Waits until the task has failed and tries again by itself; what was wrong is said meanwhile. */
export async function backingOff(lake: TestLake, task: string): Promise<Problem> {
  const status = await lake.until(async () => {
    const now = await lake.status(task);
    return now.state === 'backing_off' && now.error !== null ? now : null;
  });
  return said(status.error);
}

/** A code, a cause and a remedy. */
function said(problem: Problem | null): Problem {
  expect(problem).toEqual({
    code: expect.stringMatching(/^[A-Z_]+$/),
    message: expect.stringMatching(/\S/),
    remedy: expect.stringMatching(/\S/),
  });
  return problem!;
}

export async function run(lake: TestLake, task: string): Promise<RunDetail> {
  const newest = await lake.newestRun(task);
  expect(newest).not.toBeNull();
  return newest!;
}

export async function table(lake: TestLake, task: string, name: string): Promise<TaskTable | undefined> {
  return (await lake.tables(task)).find((one) => one.source.table === name);
}

/** Waits until a table is on the blocklist. */
export async function blocklisted(lake: TestLake, task: string, name: string): Promise<Problem> {
  const found = await lake.until(async () => {
    const now = await table(lake, task, name);
    return now?.state === 'blocked' && now.error !== null ? now : null;
  });
  expect(found.phase).toBe('blocklisted');
  return said(found.error);
}

/** The log of every attempt of the newest run, an entry a line. */
export async function logs(
  lake: TestLake,
  task: string,
): Promise<readonly (readonly Record<string, unknown>[])[]> {
  const api = await lake.api();
  const { attempts } = await run(lake, task);
  return Promise.all(
    attempts.map(async ({ id }) => {
      const { lines } = await api.get<{ lines: string[] }>(`/attempts/${id}/log?tail=1000`);
      return lines.flatMap((line) => {
        try {
          return [JSON.parse(line) as Record<string, unknown>];
        } catch {
          return [];
        }
      });
    }),
  );
}

export async function expectEqual(lake: TestLake, task: string, database: TestDatabase): Promise<void> {
  await lake.caughtUp(task, 90);
  expect(await lake.differences(database.url)).toEqual([]);
}

/** The connection that the test keeps died with its server; one statement notices that. */
export async function reconnected(database: TestDatabase): Promise<void> {
  await database.query('SELECT').catch(() => undefined);
}

/** The task's slot at the source, which is the only one of the database. */
export async function slotName(database: TestDatabase): Promise<string> {
  const { rows } = await database.query(
    'SELECT slot_name FROM pg_replication_slots WHERE database = current_database()',
  );
  expect(rows).toHaveLength(1);
  return rows[0].slot_name;
}

export interface TestRole extends AsyncDisposable {
  readonly name: string;
  readonly password: string;
  /** The connection to the same database as this role. */
  at(connection: TestConnection): TestConnection;
}

/** A role of a test's own. Make it before the database, so that it goes after what it owns there. */
export async function createRole(server: TestPostgres, attributes: string): Promise<TestRole> {
  const name = `role_${randomBytes(5).toString('hex')}`;
  const password = randomBytes(6).toString('hex');
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  await run(`CREATE ROLE ${name} LOGIN ${attributes} PASSWORD '${password}'`);
  return {
    name,
    password,
    at: (connection) => ({ ...connection, username: name, password }),
    [Symbol.asyncDispose]: () => run(`DROP ROLE ${name}`),
  };
}

/** Reads a slot as another program would, until it is disposed. */
export async function readSlot(
  database: TestDatabase,
  slot: string,
  applicationName: string,
): Promise<AsyncDisposable> {
  const config: pg.ClientConfig & { replication: string } = {
    connectionString: database.url,
    application_name: applicationName,
    replication: 'database',
  };
  const client = new pg.Client(config);
  client.on('error', () => undefined);
  await client.connect();
  // It never answers: it streams.
  client
    .query(
      `START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names '${slot}', messages 'true')`,
    )
    .catch(() => undefined);
  for (;;) {
    const { rows } = await database.query(
      'SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active',
      [slot],
    );
    if (rows.length > 0) break;
  }
  return {
    [Symbol.asyncDispose]: async () => {
      client.connection.stream.destroy();
    },
  };
}

/** A line between two hosts that can be cut without either hearing of it. */
export interface Line extends AsyncDisposable {
  readonly port: number;
  /** From now on nothing passes, and nothing is said about it. */
  silence(): void;
  /** New connections pass again; those that were silent stay so. */
  mend(): void;
}

export async function openLine(host: string, port: number): Promise<Line> {
  let silent = false;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    sockets.add(near);
    near.on('error', () => undefined);
    if (silent) {
      near.pause();
      return;
    }
    const far = netConnect({ host, port });
    sockets.add(far);
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    silence: () => {
      silent = true;
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
        socket.removeAllListeners('close');
      }
    },
    mend: () => {
      silent = false;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
