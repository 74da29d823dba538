import {
  type Call,
  type CheckCdcResult,
  dataSourcesOf,
  ERRORS,
  type ErrorCode,
  type ErrorPage,
  errorBody,
  errorPage,
  isErrorCode,
  type Problem,
  SluiceError,
  type TaskSpec,
} from '@sluice/contract';
import { z } from 'zod';
import { TASK } from '../arguments.ts';
import { routeTool } from '../route-tool.ts';
import { type Tool, tool } from '../tool.ts';

/** More than this of one kind is read with the tool that lists it. */
const MOST = 20;
const LOG_LINES = 400;
/** pino's number of a warning. */
const WARNING = 40;

const explainError = tool({
  name: 'explain_error',
  title: 'Explain an error code',
  description:
    'What an error code means, where it comes from, what to do, and whether it is tried again by itself. Without a code: all codes.',
  kind: 'read',
  input: z.strictObject({ code: z.string().optional() }),
  run: async ({ args: { code } }) => {
    if (code === undefined)
      return (Object.keys(ERRORS) as ErrorCode[]).map((one) => ({ code: one, means: errorPage(one).means }));
    const known = code.toUpperCase();
    if (!isErrorCode(known))
      throw new SluiceError('NOT_FOUND', `There is no error code ${code}.`, {
        remedy: 'Without a code, explain_error lists all of them.',
      });
    return errorPage(known);
  },
});

const diagnoseTask = tool({
  name: 'diagnose_task',
  title: 'Find out what is wrong with a task',
  description:
    'Everything that is known of a task’s troubles at once: its state and error, the tables that have stopped, its last run with the warnings of its log, firing alerts, what check_cdc finds at its sources, and the pages of all codes among these.',
  kind: 'read',
  input: z.strictObject({ task_id: TASK }),
  run: async ({ call, args: { task_id } }) => {
    const params = { ref: String(task_id) };
    const [task, status, tables, alerts] = await Promise.all([
      call('getTask', { params }),
      call('taskStatus', { params }),
      call('taskTables', { params }),
      call('listAlerts'),
    ]);
    const stopped = tables.filter(({ error }) => error !== null);
    const run = status.run === null ? null : await call('getRun', { params: { id: status.run.id } });
    const last = run?.attempts.at(-1);
    const log = last === undefined ? [] : await warnings(call, last.id);
    const problems = [
      status.error,
      ...stopped.map(({ error }) => error),
      ...(run?.attempts ?? []).map(({ error }) => error),
    ];
    return {
      status,
      stoppedTables: { total: stopped.length, first: stopped.slice(0, MOST) },
      run: run === null ? null : { ...run, attempts: run.attempts.slice(-MOST) },
      warnings: log,
      alerts: alerts.filter((alert) => alert.task === task.name).slice(0, MOST),
      sources: task.draft === null ? [] : await checks(call, task.draft),
      pages: pagesOf(problems),
    };
  },
});

async function warnings(call: Call, attempt: number): Promise<string[]> {
  const { lines } = await call('attemptLog', { params: { id: attempt }, query: { tail: LOG_LINES } });
  return lines.filter(isWarning).slice(-MOST);
}

/** What a process prints as it dies is no JSON, and is the more telling. */
function isWarning(line: string): boolean {
  try {
    const { level } = JSON.parse(line) as { level?: unknown };
    return typeof level !== 'number' || level >= WARNING;
  } catch {
    return true;
  }
}

interface SourceCheck {
  readonly dataSource: number;
  readonly findings: CheckCdcResult['findings'] | null;
  readonly error: Problem | null;
}

/** A source that does not answer is what is to be told. */
async function checks(call: Call, spec: TaskSpec): Promise<SourceCheck[]> {
  const body =
    spec.pipelineType === 2
      ? {}
      : {
          database: spec.database,
          schemas: spec.schemas,
          tables: spec.tables.map(({ schema, table }) => ({ schema, table })),
        };
  return await Promise.all(
    dataSourcesOf(spec)
      .slice(0, MOST)
      .map(async (dataSource) => {
        try {
          const { findings } = await call('checkCdc', { params: { ref: String(dataSource) }, body });
          return { dataSource, findings: findings.filter(({ level }) => level !== 'ok'), error: null };
        } catch (error) {
          return { dataSource, findings: null, error: errorBody(error).error };
        }
      }),
  );
}

function pagesOf(problems: readonly (Problem | null | undefined)[]): ErrorPage[] {
  const codes = [...new Set(problems.map((problem) => problem?.code))];
  return codes.flatMap((code) => (code !== undefined && isErrorCode(code) ? [errorPage(code)] : []));
}

export const TROUBLESHOOTING_TOOLS: readonly Tool[] = [
  diagnoseTask,
  explainError,
  routeTool({
    name: 'list_alerts',
    route: 'listAlerts',
    kind: 'read',
    title: 'Alerts',
    fields: { all: z.boolean().default(false).describe('also those that have cleared') },
  }),
  routeTool({ name: 'list_alert_rules', route: 'listAlertRules', kind: 'read', title: 'Alert rules' }),
  routeTool({
    name: 'list_alert_policies',
    route: 'listAlertPolicies',
    kind: 'read',
    title: 'Notification policies',
  }),
  routeTool({
    name: 'list_alert_channels',
    route: 'listAlertChannels',
    kind: 'read',
    title: 'Alert channels',
  }),
  routeTool({
    name: 'list_alert_deliveries',
    route: 'listAlertDeliveries',
    kind: 'read',
    title: 'Messages that were sent',
  }),
  routeTool({ name: 'list_events', route: 'listEvents', kind: 'read', title: 'Timeline of everything' }),
  routeTool({ name: 'get_server_status', route: 'status', kind: 'read', title: 'The server' }),
];
