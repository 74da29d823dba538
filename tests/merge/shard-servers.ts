import type { Api } from '../../demo/api.ts';
import type { SourceType, TestLake } from '../support/lake.ts';
import { startMysql } from '../support/mysql.ts';
import { startPostgres, type TestConnection } from '../support/postgres.ts';

export interface ShardDatabase {
  readonly server: string;
  readonly name: string;
  /** What MySQL calls a schema is the database. */
  readonly schema: string;
  query(sql: string): Promise<unknown>;
  /** Every value as text. */
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  /** A connection for a writer; one transaction a call. */
  writer(): Promise<(statements: readonly string[]) => Promise<void>>;
}

/** Servers of a test's own, each a data source of the server's name, with the same databases d0, d1 … */
export interface ShardServers extends AsyncDisposable {
  readonly type: SourceType;
  readonly databases: readonly ShardDatabase[];
  /** What a merge of all of them names as its sources. */
  readonly sources: readonly { readonly dataSource: string }[];
  register(api: Api): Promise<void>;
}

export async function startShardServers(
  type: SourceType,
  servers: number,
  databasesEach: number,
): Promise<ShardServers> {
  const started = await Promise.all(
    Array.from({ length: servers }, (_, index) =>
      type === 'postgres'
        ? postgres(`s${index}`, databasesEach)
        : mysql(type === 'mariadb' ? 'mariadb' : 'mysql', `s${index}`, databasesEach),
    ),
  );
  return {
    type,
    databases: started.flatMap(({ databases }) => databases),
    sources: started.map(({ name }) => ({ dataSource: name })),
    register: async (api) => {
      for (const { name, connection } of started)
        await api.post('/data-sources', { name, type, ...connection });
    },
    [Symbol.asyncDispose]: async () => {
      for (const { close } of started) await close();
    },
  };
}

interface Started {
  readonly name: string;
  readonly connection: Omit<TestConnection, 'sslmode'>;
  readonly databases: readonly ShardDatabase[];
  close(): Promise<void>;
}

async function postgres(name: string, count: number): Promise<Started> {
  const server = await startPostgres();
  const made = await Promise.all(
    Array.from({ length: count }, (_, index) => server.createDatabase(`d${index}`)),
  );
  const { sslmode: _, ...connection } = made[0]!.connection;
  return {
    name,
    connection,
    databases: made.map((database) => ({
      server: name,
      name: database.name,
      schema: 'public',
      query: (sql) => database.query(sql),
      rows: async (sql) => {
        const client = await database.client();
        const { rows } = await client.query({ text: sql, rowMode: 'array' });
        await client.end();
        return rows as (string | null)[][];
      },
      writer: async () => {
        const client = await database.client();
        return async (statements) => {
          await client.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
        };
      },
    })),
    close: async () => {
      for (const database of made) await database[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function mysql(flavour: 'mysql' | 'mariadb', name: string, count: number): Promise<Started> {
  const server = await startMysql(flavour);
  const made = await Promise.all(
    Array.from({ length: count }, (_, index) => server.createDatabase(`d${index}`)),
  );
  const { username, password } = new URL(server.url);
  return {
    name,
    connection: {
      host: server.host,
      port: server.port,
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: 'd0',
    },
    databases: made.map((database) => ({
      server: name,
      name: database.name,
      schema: database.name,
      query: (sql) => database.query(sql),
      rows: (sql) => database.rows(sql),
      writer: async () => {
        const client = await database.client();
        return async (statements) => {
          await client.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
        };
      },
    })),
    close: async () => {
      for (const database of made) await database[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

export interface MergeOptions {
  readonly virtualTables: readonly object[];
  readonly parameters?: Readonly<Record<string, string>>;
}

/** A published task that merges shards of all the servers; `start` it next. */
export async function createMerge(
  lake: TestLake,
  name: string,
  servers: ShardServers,
  { virtualTables, parameters }: MergeOptions,
): Promise<void> {
  const api = await lake.api();
  await servers.register(api);
  await api.post('/folders', { name: 'tests' });
  await api.post('/tasks', {
    name,
    folder: 'tests',
    spec: {
      pipelineType: 2,
      sources: servers.sources,
      virtualTables,
      parameters: { commit_interval: '200ms', discover_interval: '1s', ...parameters },
    },
  });
  await api.post(`/tasks/${name}/publish`);
}

/**
 * The union of shards as their databases have it. `select`: the list of one shard's columns, as text.
 * @returns lines in the order of the alphabet
 */
export async function unionOf(
  databases: readonly ShardDatabase[],
  shards: (database: ShardDatabase) => readonly { readonly table: string; readonly select: string }[],
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const database of databases)
    for (const { table, select } of shards(database))
      for (const row of await database.rows(`SELECT ${select} FROM ${table}`)) lines.push(line(row));
  return lines.sort();
}

export async function lakeLines(lake: TestLake, select: string): Promise<readonly string[]> {
  const { rows } = await lake.sql(select);
  return rows.map((row) => line(row as readonly (string | null)[])).sort();
}

const line = (row: readonly unknown[]): string =>
  row.map((value) => (value === null ? 'NULL' : String(value))).join('|');
