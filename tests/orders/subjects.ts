import type { SourceType } from '../support/lake.ts';
import { startMysql } from '../support/mysql.ts';
import { startPostgres, type TestConnection } from '../support/postgres.ts';

/** A server of a test's own, with a database of three tables that a task mirrors. */
export interface OrdersSubject extends AsyncDisposable {
  readonly type: SourceType;
  readonly connection: TestConnection;
  /** What TestLake.differences() takes. */
  readonly compared: string | TestConnection;
  /** What the task needs besides the defaults. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The lake's schema of the tables. */
  readonly schema: string;
  query(sql: string): Promise<unknown>;
  /** A connection for a writer; one transaction a call. */
  writer(): Promise<(statements: readonly string[]) => Promise<void>>;
  /** Statements whose changes no log tells. */
  unlogged(statements: readonly string[]): Promise<void>;
  /** Removes whatever of the log can be removed. */
  purge(): Promise<void>;
  /** How many full loads' statements the server works on now, as it says. */
  readers(): Promise<number>;
}

export async function startSubject(type: 'postgres' | 'mysql'): Promise<OrdersSubject> {
  return type === 'postgres' ? postgres() : mysql();
}

async function postgres(): Promise<OrdersSubject> {
  const server = await startPostgres();
  const database = await server.createDatabase();
  // One of the test's own, so that the test can have it leave changes out.
  await database.query('CREATE PUBLICATION ours FOR ALL TABLES');
  return {
    type: 'postgres',
    connection: database.connection,
    compared: database.url,
    parameters: { publication: 'ours' },
    schema: 'public',
    query: (sql) => database.query(sql),
    writer: async () => {
      const client = await database.client();
      return async (statements) => {
        await client.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
      };
    },
    unlogged: async (statements) => {
      await database.query("ALTER PUBLICATION ours SET (publish = 'truncate')");
      for (const statement of statements) await database.query(statement);
      await database.query("ALTER PUBLICATION ours SET (publish = 'insert, update, delete, truncate')");
    },
    // The server removes what no slot holds by itself.
    purge: async () => void (await database.query('CHECKPOINT')),
    readers: async () => {
      const { rows } = await database.query(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY (%'",
      );
      return (rows[0] as { n: number }).n;
    },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function mysql(): Promise<OrdersSubject> {
  const server = await startMysql('mysql');
  const database = await server.createDatabase('shop');
  return {
    type: 'mysql',
    connection: database.connection,
    compared: database.connection,
    parameters: {},
    schema: database.name,
    query: (sql) => database.query(sql),
    writer: async () => {
      const client = await database.client();
      return async (statements) => {
        await client.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
      };
    },
    unlogged: async (statements) => {
      const client = await database.client();
      await client.query(
        `SET SESSION sql_log_bin = 0; ${statements.join('; ')}; SET SESSION sql_log_bin = 1`,
      );
    },
    purge: async () => {
      await database.query('FLUSH BINARY LOGS');
      const [[file = ''] = []] = (await database.rows('SHOW BINARY LOG STATUS')) as string[][];
      await database.query(`PURGE BINARY LOGS TO '${file}'`);
    },
    readers: async () => {
      const [[count = '0'] = []] = await database.rows(
        `SELECT count(*) FROM performance_schema.processlist WHERE command IN ('Query', 'Execute')
           AND id <> CONNECTION_ID() AND info LIKE 'SELECT%FROM%${database.name}%'`,
      );
      return Number(count);
    },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
