import { API } from '@sluice/contract';
import { z } from 'zod';
import { TASK, WAIT_SECONDS } from '../arguments.ts';
import { PAGE_FIELDS, pageOf } from '../pages.ts';
import { routeTool } from '../route-tool.ts';
import { type Tool, tool } from '../tool.ts';

const showObjects = tool({
  name: 'LH_show_object_list',
  title: 'Objects of the lakehouse',
  description:
    'VCLUSTERS: pools of workers; a task that syncs needs one whose type contains SYNC (default_sync is always there). SCHEMAS, TABLES: what is in the lakehouse.',
  kind: 'read',
  input: z.strictObject({
    object_type: z.enum(['VCLUSTERS', 'SCHEMAS', 'TABLES']),
    schema_name: z.string().optional().describe('TABLES: only those of this schema'),
    ...PAGE_FIELDS,
  }),
  run: async ({ call, args: { object_type, schema_name, ...page } }) => {
    if (object_type === 'VCLUSTERS') return pageOf(await call('listVClusters'), page);
    const tables = await call('listLakeTables');
    if (object_type === 'TABLES')
      return pageOf(
        tables.filter(({ schema }) => schema_name === undefined || schema === schema_name),
        page,
      );
    const counts = new Map<string, number>();
    for (const { schema } of tables) counts.set(schema, (counts.get(schema) ?? 0) + 1);
    return pageOf(
      [...counts].map(([name, count]) => ({ name, tables: count })),
      page,
    );
  },
});

const verifyTask = tool({
  name: 'verify_task',
  title: 'Compare a task’s tables with the source',
  description:
    'Compares every row of the lake with the source while the task goes on, and names the keys that differ. Changes nothing. Where it is still running at the end of the wait, go on with get_verification. To mend a table, call backfill_table with each condition of its `repair`.',
  kind: 'read',
  input: z.strictObject({
    task_id: TASK,
    tables: API.startVerification.body.shape.tables,
    wait_seconds: WAIT_SECONDS,
  }),
  run: async ({ call, args: { task_id, tables, wait_seconds } }) => {
    const { id } = await call('startVerification', {
      params: { ref: String(task_id) },
      body: { tables },
    });
    return await call('getVerification', { params: { id }, query: { timeout: wait_seconds } });
  },
});

const lakeTable = { schema: 'schema_name', table: 'table_name' };

export const LAKE_TOOLS: readonly Tool[] = [
  showObjects,
  routeTool({
    name: 'sql',
    route: 'sql',
    kind: 'read',
    title: 'Query the lakehouse',
    more: 'DuckDB’s SQL. Tables are schema.table as LH_show_object_list has them; every table has _op and _source_ts besides its own columns.',
    fields: { limit: z.int().min(1).max(10_000).default(100).describe('rows at most') },
  }),
  routeTool({
    name: 'describe_lake_table',
    route: 'describeLakeTable',
    kind: 'read',
    title: 'A table of the lakehouse with its columns',
    rename: lakeTable,
  }),
  routeTool({
    name: 'get_lake_table_stats',
    route: 'lakeTableStats',
    kind: 'read',
    title: 'Files and sizes of a table of the lakehouse',
    rename: lakeTable,
  }),
  routeTool({
    name: 'list_lake_table_snapshots',
    route: 'lakeTableHistory',
    kind: 'read',
    title: 'Snapshots of a table of the lakehouse',
    rename: lakeTable,
  }),
  verifyTask,
  routeTool({
    name: 'get_verification',
    route: 'getVerification',
    kind: 'read',
    title: 'A comparison',
    rename: { id: 'verification_id', timeout: 'wait_seconds' },
    fields: { timeout: WAIT_SECONDS },
  }),
  routeTool({
    name: 'list_verifications',
    route: 'listVerifications',
    kind: 'read',
    title: 'Comparisons of a task',
    rename: { ref: 'task_id' },
    fields: { ref: TASK },
  }),
];
