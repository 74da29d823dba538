import mysql from 'mysql2';
import type { SourceType } from '../support/lake.ts';
import { type Flavour, sharedMysql } from '../support/mysql.ts';
import { sharedPostgres, type TestConnection } from '../support/postgres.ts';
import type { ClickHouseTable } from './clickhouse.ts';
import { mysqlSide } from './clickhouse-mysql.ts';
import { postgresSide } from './clickhouse-postgres.ts';
import type { Random } from './random.ts';
import type { TestTable } from './tables.ts';
import { randomMysqlTables } from './tables-mysql.ts';
import { randomPostgresTables } from './tables-postgres.ts';
import type { WorkloadClient } from './workload.ts';
import { mysqlClient } from './workload-mysql.ts';
import { postgresClient } from './workload-postgres.ts';

/** A kind of database under test: its random schemas, how one writes to it and how it is compared. */
export interface Subject {
  readonly type: SourceType;
  /** A load is over after fewer segments and chunks than another's: the highest number of one that is sure to come. */
  readonly pointsInLoad: number;
  createDatabase(): Promise<SubjectDatabase>;
  tables(random: Random): readonly TestTable[];
}

export interface SubjectDatabase extends AsyncDisposable {
  readonly connection: TestConnection;
  /** What TestLake.differences() takes. */
  readonly compared: string | TestConnection;
  /** A statement, or several. */
  query(sql: string): Promise<unknown>;
  client(): Promise<WorkloadClient>;
  /** Brings the statistics up to date, from which a load takes the size of its chunks. */
  analyze(tables: readonly TestTable[]): Promise<void>;
  /** Every table as ClickHouse is to be asked for it, and its rows in the same writing. */
  side(): Promise<readonly ClickHouseTable[]>;
}

const POSTGRES: Subject = {
  type: 'postgres',
  pointsInLoad: 3,
  tables: randomPostgresTables,
  createDatabase: async () => {
    const database = await sharedPostgres().createDatabase();
    return {
      connection: database.connection,
      compared: database.url,
      query: (sql) => database.query(sql),
      client: async () => postgresClient(await database.client()),
      analyze: () => Promise.resolve(),
      side: () => postgresSide(database.url),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
};

const mysqlSubject = (flavour: Flavour): Subject => ({
  type: flavour,
  pointsInLoad: 1,
  tables: (random) => randomMysqlTables(random, flavour),
  createDatabase: async () => {
    const database = await sharedMysql(flavour).createDatabase();
    return {
      connection: database.connection,
      compared: database.connection,
      query: (sql) => database.query(sql),
      client: async () => mysqlClient(await database.client(), flavour),
      analyze: async (tables) => {
        for (const { name } of tables) await database.query(`ANALYZE TABLE ${mysql.escapeId(name, true)}`);
      },
      side: async () => mysqlSide(await database.client()),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
});

export const SUBJECTS: readonly Subject[] = [POSTGRES, mysqlSubject('mysql'), mysqlSubject('mariadb')];
