import type { Api } from '../../demo/api.ts';
import type { SourceType, TestLake } from '../support/lake.ts';
import { startMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { startPostgres, type TestConnection, type TestDatabase } from '../support/postgres.ts';

export interface ShardDatabase {
  readonly server: string;
  readonly name: string;
  /** What MySQL calls a schema is the database. */
  readonly schema: string;
  query(sql: string): Promise<unknown>;
  /** Every value as text. */
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  /** A connection for a writer; one transaction a call, which is rolled back when it fails. */
  writer(): Promise<(statements: readonly string[]) => Promise<void>>;
}

/** Servers of a test's own, each a data source of the server's name, with the same databases d0, d1 … */
export interface ShardServers extends AsyncDisposable {
  readonly type: SourceType;
  readonly databases: readonly ShardDatabase[];
  /** What a merge of all of them names as its sources. */
  readonly sources: readonly { readonly dataSource: string }[];
  register(api: Api): Promise<void>;
  /** One of them, to be taken away for a while. */
  readonly servers: readonly { stop(): Promise<void>; start(): Promise<void> }[];
  /** Another database on one of them. */
  addDatabase(server: number, name: string): Promise<ShardDatabase>;
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
    servers: started,
    addDatabase: (server, name) => started[server]!.addDatabase(name),
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
  addDatabase(name: string): Promise<ShardDatabase>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

async function postgres(name: string, count: number): Promise<Started> {
  const server = await startPostgres();
  const made: TestDatabase[] = [];
  const addDatabase = async (wanted: string): Promise<ShardDatabase> => {
    const database = await server.createDatabase(wanted);
    made.push(database);
    return {
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
        return transactions((sql) => client.query(sql));
      },
    };
  };
  const databases = [];
  for (let index = 0; index < count; index++) databases.push(await addDatabase(`d${index}`));
  const { sslmode: _, ...connection } = made[0]!.connection;
  return {
    name,
    connection,
    databases,
    addDatabase,
    stop: () => server.stop(),
    start: () => server.start(),
    close: async () => {
      for (const database of made) await database[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function transactions(query: (sql: string) => Promise<unknown>) {
  return async (statements: readonly string[]): Promise<void> => {
    try {
      await query(`BEGIN; ${statements.join('; ')}; COMMIT`);
    } catch (error) {
      await query('ROLLBACK');
      throw error;
    }
  };
}

async function mysql(flavour: 'mysql' | 'mariadb', name: string, count: number): Promise<Started> {
  const server = await startMysql(flavour);
  const made: TestMysqlDatabase[] = [];
  const addDatabase = async (wanted: string): Promise<ShardDatabase> => {
    const database = await server.createDatabase(wanted);
    made.push(database);
    return {
      server: name,
      name: database.name,
      schema: database.name,
      query: (sql) => database.query(sql),
      rows: (sql) => database.rows(sql),
      writer: async () => {
        const client = await database.client();
        return transactions((sql) => client.query(sql));
      },
    };
  };
  const databases = [];
  for (let index = 0; index < count; index++) databases.push(await addDatabase(`d${index}`));
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
    databases,
    addDatabase,
    stop: () => server.stop(),
    start: () => server.start(),
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
