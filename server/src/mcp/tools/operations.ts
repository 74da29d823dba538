import { TABLE_ORDER_RULES, TABLE_ORDERS, type TableOrder } from '@sluice/contract';
import { z } from 'zod';
import { TABLES, TASK, WAIT_SECONDS } from '../arguments.ts';
import { PAGE_FIELDS, pageOf } from '../pages.ts';
import { routeTool } from '../route-tool.ts';
import { type Tool, tool } from '../tool.ts';

const task = { ref: 'task_id' };
const fields = { ref: TASK };

/** An order for single tables, each a tool of its own: what one may do is asked of the person by its name. */
const orderTool = (order: TableOrder): Tool => {
  const { summary, asks } = TABLE_ORDER_RULES[order];
  return routeTool({
    name: `${order}_table`,
    route: 'orderTables',
    kind: asks ? 'destructive' : 'write',
    title: summary,
    more: `${summary}, while the other tables of the task go on.`,
    rename: { ref: 'task_id' },
    fields: { ref: TASK, tables: TABLES, ...(order === 'backfill' ? { where: WHERE } : {}) },
    fixed: order === 'backfill' ? { order } : { order, where: undefined },
  });
};

const WHERE = z
  .string()
  .min(1)
  .max(10_100)
  .describe("which rows, such as created_at >= '2026-01-01'; rows that match are replaced, deletes included");

const startTask = routeTool({
  name: 'start_task',
  route: 'startTask',
  kind: 'destructive',
  title: 'Start a task',
  more: 'resume, the default, goes on from the saved position (the first time: a full load, then changes) and does not ask; stateless and custom ask for confirmation.',
  rename: task,
  fields,
  consequences: ({ from }) =>
    from === 'stateless'
      ? 'This forgets the saved position and loads every table anew. Until a table is loaded its rows of now stand still; then they are replaced at once.'
      : from === 'custom'
        ? 'This forgets the saved position and goes on from the one that is given: changes between the two are skipped, or come again.'
        : null,
});

export const OPERATION_TOOLS: readonly Tool[] = [
  startTask,
  routeTool({
    name: 'stop_task',
    route: 'stopTask',
    kind: 'write',
    title: 'Stop a task',
    more: 'The position is saved, and start_task goes on from there.',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'undeploy_task',
    route: 'undeployTask',
    kind: 'destructive',
    title: 'Undeploy a task',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'delete_task',
    route: 'deleteTask',
    kind: 'destructive',
    title: 'Delete a task',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'get_task_status',
    route: 'taskStatus',
    kind: 'read',
    title: 'How a task fares',
    more: 'State, phase, position, rows, latency, and the error that ended it.',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'wait_task',
    route: 'waitTask',
    kind: 'read',
    title: 'Wait for a task',
    more: 'caught-up: everything that the source had at the moment of the call is visible. Call it again where reached is false.',
    rename: { ...task, timeout: 'wait_seconds' },
    fields: { ...fields, timeout: WAIT_SECONDS },
  }),
  routeTool({
    name: 'list_task_tables',
    route: 'taskTables',
    kind: 'read',
    title: 'Tables of a task',
    more: 'State, phase, progress of the full load, latency, and the error of those on the blocklist.',
    rename: task,
    fields,
  }),
  tool({
    name: 'list_table_exceptions',
    title: 'Tables that have stopped',
    description:
      'The tables of a task that have stopped by a problem of their own, with code, message and remedy; the rest of the task goes on. After the mend: start_table.',
    kind: 'read',
    input: z.strictObject({ task_id: TASK, ...PAGE_FIELDS }),
    run: async ({ call, args: { task_id, ...page } }) => {
      const tables = await call('taskTables', { params: { ref: String(task_id) } });
      return pageOf(
        tables.filter(({ error }) => error !== null),
        page,
      );
    },
  }),
  ...TABLE_ORDERS.map(orderTool),
  routeTool({
    name: 'list_task_run',
    route: 'listRuns',
    kind: 'read',
    title: 'Runs of a task',
    more: 'A run is one start to stop.',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'list_executions',
    route: 'listAttempts',
    kind: 'read',
    title: 'Executions of a run',
    more: 'An execution is one life of the run’s process; a failover begins the next.',
    rename: { id: 'run_id' },
  }),
  routeTool({
    name: 'get_execution_log',
    route: 'attemptLog',
    kind: 'read',
    title: 'Log of an execution',
    rename: { id: 'execution_id' },
    fields: { tail: z.int().min(1).max(10_000).default(100).describe('the last so many lines') },
  }),
  routeTool({
    name: 'list_task_events',
    route: 'taskEvents',
    kind: 'read',
    title: 'Timeline of a task',
    more: 'Everything that happened to it, and who did it.',
    rename: task,
    fields,
  }),
];
