import type { Engine, EngineConnection } from '../../lakehouse/duckdb/engine.ts';

/** A connection to DuckDB with temporary tables of its own, for one step of one table. */
export interface Sql {
  readonly connection: EngineConnection;
  run(sql: string): Promise<void>;
  /** Values in the order of the columns. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
}

export async function withSql<T>(
  engine: Engine,
  signal: AbortSignal,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const connection = await engine.connect();
  try {
    return await work({
      connection,
      run: (sql) => connection.run(sql, signal),
      rows: async (sql) => (await connection.rows(sql, signal)).map((row) => Object.values(row)),
    });
  } finally {
    connection.close();
  }
}
