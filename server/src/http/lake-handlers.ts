import { type ApiName, type LakeTable, SluiceError, type SqlResult } from '@sluice/contract';
import { isoTime } from '../control/context.ts';
import type { LoadedTable } from '../lakehouse/catalog.ts';
import {
  describeTable,
  listTables,
  previewSql,
  type TableInfo,
  tableHistory,
  tableStats,
} from '../lakehouse/query/table-info.ts';
import type { QueryResult, Warehouse, WarehouseQuery } from '../lakehouse/query/warehouse-query.ts';
import type { TableName } from '../model/table.ts';
import type { Handlers } from './handlers.ts';

/** Routes that read the warehouse. */
export type LakeRoute = Extract<
  ApiName,
  'sql' | 'listLakeTables' | 'describeLakeTable' | 'previewLakeTable' | 'lakeTableStats' | 'lakeTableHistory'
>;

const SQL_TIMEOUT_MS = 300_000;

export function lakeHandlers(warehouse: Warehouse, query: WarehouseQuery): Handlers<LakeRoute> {
  const { catalog, storage } = warehouse;
  const load = async ({ schema, table }: TableName): Promise<LoadedTable> => {
    const loaded = await catalog.load({ schema, table });
    if (loaded !== null) return loaded;
    throw new SluiceError('NOT_FOUND', `There is no table ${schema}.${table} in the warehouse.`);
  };
  const run = async (sql: string, limit: number, signal: AbortSignal): Promise<SqlResult> =>
    sqlResult(await query.query(sql, { limit, timeoutMs: SQL_TIMEOUT_MS, signal }));
  return {
    sql: ({ body, signal }) => run(body.sql, body.limit, signal),
    listLakeTables: async () => (await listTables(catalog, storage)).map(listed),
    describeLakeTable: async ({ query: name }) => {
      const { uuid, metadataLocation, properties, columns, ...info } = describeTable(await load(name));
      return {
        ...tableView(info),
        uuid,
        metadataLocation,
        properties: { ...properties },
        columns: [...columns],
      };
    },
    previewLakeTable: async ({ query: name, signal }) => {
      await load(name);
      return run(previewSql(name), name.limit, signal);
    },
    lakeTableStats: async ({ query: name }) => {
      const { metadata } = await load(name);
      const stats = await tableStats(storage, metadata);
      return { ...name, ...stats, columns: [...stats.columns] };
    },
    lakeTableHistory: async ({ query: name }) =>
      tableHistory((await load(name)).metadata).map(({ sequence, timestampMs, summary, ...entry }) => ({
        ...entry,
        sequenceNumber: sequence,
        committedAt: isoTime(timestampMs),
        summary: { ...summary },
      })),
  };
}

function sqlResult({ columns, rows, truncated }: QueryResult): SqlResult {
  return { columns: [...columns], rows: rows.map((row) => [...row]) as SqlResult['rows'], truncated };
}

type Listed = Awaited<ReturnType<typeof listTables>>[number];

function listed(entry: Listed): LakeTable {
  if (!('error' in entry)) return tableView(entry);
  const { schema, table, error } = entry;
  const unknown = { rows: null, bytes: null, dataFiles: null, deleteFiles: null };
  return { schema, table, updatedAt: null, ...unknown, snapshotId: null, location: null, error };
}

function tableView({ updatedMs, ...info }: TableInfo): LakeTable {
  return { ...info, updatedAt: isoTime(updatedMs), error: null };
}
