import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';
import { within } from '../../model/deadline.ts';
import type { TableName } from '../../model/table.ts';
import type { Catalog } from '../catalog.ts';
import { Engine, type EngineConnection } from '../duckdb/engine.ts';
import { type ScanColumn, scanSql } from '../duckdb/scan-sql.ts';
import { quoteIdentifier, quotePath, quoteText } from '../duckdb/sql-text.ts';
import type { TableMetadata } from '../metadata.ts';
import { readMetadata } from '../metadata-file.ts';
import { liveFiles } from '../scan.ts';
import type { Storage } from '../storage.ts';
import { currentSchema } from '../table-metadata.ts';
import { type JsonValue, jsonValue } from './json-value.ts';
import { type NeededTable, resolveTables } from './resolve-tables.ts';
import { Slots } from './slots.ts';
import { parseStatement } from './statement.ts';

export interface QueryLimits {
  readonly threads: number;
  /** Of one query. */
  readonly memoryBytes: number;
  readonly tempFolder: string;
  readonly maxTempBytes: number;
  readonly concurrent: number;
  readonly waiting: number;
  /** Of a result, roughly, in the process's memory. */
  readonly resultBytes: number;
}

export interface QueryOptions {
  /** Rows; 0: all. */
  readonly limit: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly JsonValue[])[];
  /** Whether the statement gives more rows than the limit. */
  readonly truncated: boolean;
}

export interface Warehouse {
  readonly catalog: Catalog;
  readonly storage: Storage;
  /** Nothing outside this folder is read. */
  readonly location: string;
}

/** Read-only SQL over the tables of the catalog. */
export class WarehouseQuery {
  readonly #warehouse: Warehouse;
  readonly #limits: QueryLimits;
  readonly #slots: Slots;

  constructor(warehouse: Warehouse, limits: QueryLimits) {
    this.#warehouse = warehouse;
    this.#limits = limits;
    this.#slots = new Slots(limits.concurrent, limits.waiting);
  }

  /**
   * Runs one statement over one state of the whole catalog. Each has a DuckDB of its own, so that its limits, and what it
   * might leave behind, are its own.
   * @throws SluiceError SQL_REFUSED, SQL_FAILED, SQL_LIMIT; the signal's reason
   */
  async query(sql: string, options: QueryOptions): Promise<QueryResult> {
    const signal = within(options.signal, options.timeoutMs);
    try {
      return await this.#slots.with(signal, () => this.#run(sql, options.limit, signal));
    } catch (error) {
      options.signal.throwIfAborted();
      if (signal.aborted)
        throw new SluiceError('SQL_LIMIT', `The query did not end within ${options.timeoutMs} ms.`);
      throw queryError(error);
    }
  }

  async #run(sql: string, limit: number, signal: AbortSignal): Promise<QueryResult> {
    const tempFolder = join(this.#limits.tempFolder, randomUUID());
    const engine = await Engine.open({ ...this.#limits, tempFolder });
    try {
      const connection = await engine.connect();
      const statement = await parseStatement(connection, sql);
      // One read: all tables of the statement are as they stood together.
      const tables = await this.#warehouse.catalog.tables();
      if (statement.kind === 'show-tables')
        return showTables(
          tables.map(({ name }) => name),
          limit,
        );
      const needed = resolveTables(statement.tables, statement.expressions, tables);
      const bodies: string[] = [];
      for (const one of needed) bodies.push(...(await this.#viewsOf(one, signal)));
      await this.#lock(connection);
      for (const body of bodies) await connection.run(body, signal);
      return await connection.exclusive(() => this.#fetch(connection, sql, limit), signal);
    } finally {
      engine.close();
      await rm(tempFolder, { recursive: true, force: true });
    }
  }

  /** The order matters: folders are named while that is still allowed, and at the end nothing more is. */
  async #lock(connection: EngineConnection): Promise<void> {
    const folder = `${this.#warehouse.storage.localPath(this.#warehouse.location)}/`;
    // Once as files are opened, once as scanSql writes them: what is written is judged before patterns are expanded.
    await connection.run(`SET GLOBAL allowed_directories = [${quoteText(folder)}, ${quotePath(folder)}]`);
    await connection.run('SET GLOBAL enable_external_access = false');
    await connection.run('SET GLOBAL lock_configuration = true');
  }

  async #viewsOf(
    { table, unqualified }: NeededTable<{ readonly name: TableName; readonly metadataLocation: string }>,
    signal: AbortSignal,
  ): Promise<string[]> {
    signal.throwIfAborted();
    const { storage } = this.#warehouse;
    const metadata = await readMetadata(storage, table.metadataLocation);
    const body = scanSql(storage, await liveFiles(storage, metadata), queryColumns(metadata));
    const schema = quoteIdentifier(table.name.schema);
    const name = quoteIdentifier(table.name.table);
    return [
      `CREATE SCHEMA IF NOT EXISTS ${schema}`,
      `CREATE OR REPLACE VIEW ${schema}.${name} AS SELECT * FROM ${body}`,
      ...(unqualified ? [`CREATE OR REPLACE VIEW main.${name} AS SELECT * FROM ${body}`] : []),
    ];
  }

  async #fetch(connection: EngineConnection, sql: string, limit: number): Promise<QueryResult> {
    const result = await connection.native.stream(sql);
    const types = result.columnTypes();
    const columns = result.columnNames().map((name, index) => ({ name, type: String(types[index]) }));
    const rows: JsonValue[][] = [];
    let bytes = 0;
    for (;;) {
      const chunk = await result.fetchChunk();
      if (!chunk || chunk.rowCount === 0) return { columns, rows, truncated: false };
      for (const values of chunk.getRows()) {
        if (limit > 0 && rows.length === limit) return { columns, rows, truncated: true };
        const row = values.map(jsonValue);
        bytes += row.reduce<number>((sum, value) => sum + sizeOf(value), 0);
        if (bytes > this.#limits.resultBytes)
          throw new SluiceError('SQL_LIMIT', `The result is larger than ${this.#limits.resultBytes} bytes.`);
        rows.push(row);
      }
    }
  }
}

function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.values(value).reduce<number>((sum, inner) => sum + sizeOf(inner as JsonValue), 16);
}

/** The columns of the current schema; where two names differ only in case, which DuckDB does not tell, the later one gets its id behind it. */
export function queryColumns(metadata: TableMetadata): readonly ScanColumn[] {
  const taken = new Set<string>();
  return currentSchema(metadata).fields.map(({ id, name, type }) => {
    let free = name;
    while (taken.has(free.toLowerCase())) free = `${free}_${id}`;
    taken.add(free.toLowerCase());
    return { id, name: free, type };
  });
}

function showTables(names: readonly TableName[], limit: number): QueryResult {
  const rows = names.map((name) => [name.schema, name.table]);
  return {
    columns: [
      { name: 'schema', type: 'VARCHAR' },
      { name: 'table', type: 'VARCHAR' },
    ],
    rows: limit > 0 ? rows.slice(0, limit) : rows,
    truncated: limit > 0 && rows.length > limit,
  };
}

function queryError(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof SluiceError) {
    if (error.code === 'STORAGE_FULL') return new SluiceError('SQL_LIMIT', message, { cause: error });
    return error;
  }
  if (/^Out of Memory Error/.test(message)) return new SluiceError('SQL_LIMIT', message, { cause: error });
  if (/^Permission Error/.test(message)) return new SluiceError('SQL_REFUSED', message, { cause: error });
  if (/^[A-Z][A-Za-z -]* Error: /.test(message))
    return new SluiceError('SQL_FAILED', message, { cause: error });
  return error;
}
