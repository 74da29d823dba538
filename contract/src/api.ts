import { z } from 'zod';
import { ALERT_API } from './alert-routes.ts';
import {
  CatalogEntry,
  CheckCdcRequest,
  CheckCdcResult,
  CreateDataSource,
  DataSource,
  ObjectDetail,
  ObjectSummary,
  Sample,
  TestResult,
  UpdateDataSource,
} from './data-source.ts';
import { EventQuery, TimelineEvent } from './event.ts';
import {
  LakePreviewQuery,
  LakeSnapshot,
  LakeTable,
  LakeTableDetail,
  LakeTableQuery,
  LakeTableStats,
} from './lake-table.ts';
import { MergeReport } from './merge-report.ts';
import { Reference } from './primitives.ts';
import { Attempt, AttemptLog, LogQuery, Run, RunDetail, WaitRun, WaitRunResult } from './run.ts';
import { ServerStatus } from './server-status.ts';
import { SqlRequest, SqlResult } from './sql.ts';
import { TableException } from './table-exception.ts';
import { TableFile, TableFileContent } from './table-file.ts';
import { OrderTables, TableOrderResult } from './table-order.ts';
import {
  CreateFolder,
  CreateTask,
  Folder,
  MergeSpecInput,
  PublishedVersion,
  StartTask,
  TableLatency,
  Task,
  TaskSpecInput,
  TaskStatus,
  TaskTable,
  TaskVersion,
  UndeployResult,
  UndeployTask,
  VCluster,
  WaitResult,
  WaitTask,
} from './task.ts';
import {
  AppliedTasks,
  ApplyTasks,
  DiffQuery,
  ExportedTask,
  ExportQuery,
  SpecDifference,
} from './task-document.ts';
import { VERIFICATION_API } from './verification.ts';

/**
 * Every route of the HTTP API, for the server and the command line alike. Paths stand under `API_PREFIX`; `:ref` is
 * an id or a name, URL-encoded. A good answer is `{"data": response}` with status 200, a bad one an ErrorBody
 * (errors.ts) with the status of its code. All but `/health` want `Authorization: Bearer <token>`.
 */
export const API_PREFIX = '/api/v1';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly response: z.ZodType;
}

const ByRef = z.strictObject({ ref: Reference });
const ById = z.strictObject({ id: z.coerce.number().int().positive() });
const ByCatalog = z.strictObject({ ref: Reference, catalog: z.string().min(1) });
/** Without a schema, the only table of that name is meant. */
const ObjectQuery = z.strictObject({ schema: z.string().min(1).optional(), table: z.string().min(1) });
const QueryConfirmation = z.strictObject({ confirm: z.stringbool().default(false) });
const Deleted = z.object({ deleted: z.string() });

export const API = {
  status: { method: 'GET', path: '/status', summary: 'The server itself', response: ServerStatus },

  listDataSources: {
    method: 'GET',
    path: '/data-sources',
    summary: 'All data sources',
    response: z.array(DataSource),
  },
  createDataSource: {
    method: 'POST',
    path: '/data-sources',
    summary: 'Make a data source; nothing is connected to yet',
    body: CreateDataSource,
    response: DataSource,
  },
  getDataSource: {
    method: 'GET',
    path: '/data-sources/:ref',
    summary: 'A data source',
    params: ByRef,
    response: DataSource,
  },
  updateDataSource: {
    method: 'PATCH',
    path: '/data-sources/:ref',
    summary: 'Change a data source; running tasks use it from their next attempt on',
    params: ByRef,
    body: UpdateDataSource,
    response: DataSource,
  },
  deleteDataSource: {
    method: 'DELETE',
    path: '/data-sources/:ref',
    summary: 'Delete a data source that no task uses',
    params: ByRef,
    response: Deleted,
  },
  testDataSource: {
    method: 'POST',
    path: '/data-sources/:ref/test',
    summary: 'Connect, and tell the version and the round trip',
    params: ByRef,
    response: TestResult,
  },
  checkCdc: {
    method: 'POST',
    path: '/data-sources/:ref/check-cdc',
    summary: 'What stands in the way of change capture, each with the statement that mends it',
    params: ByRef,
    body: CheckCdcRequest,
    response: CheckCdcResult,
  },
  listCatalogs: {
    method: 'GET',
    path: '/data-sources/:ref/catalogs',
    summary: 'The databases of a data source',
    params: ByRef,
    response: z.array(CatalogEntry),
  },
  listObjects: {
    method: 'GET',
    path: '/data-sources/:ref/catalogs/:catalog/objects',
    summary: 'The tables of a database',
    params: ByCatalog,
    response: z.array(ObjectSummary),
  },
  readTableFile: {
    method: 'POST',
    path: '/data-sources/:ref/catalogs/:catalog/table-file',
    summary:
      'Read a CSV or YAML file of tables for a mirror of this database; answers the tables, and lines whose table does not exist',
    params: ByCatalog,
    body: TableFile,
    response: TableFileContent,
  },
  describeObject: {
    method: 'GET',
    path: '/data-sources/:ref/catalogs/:catalog/object',
    summary: 'A table of a database, with its columns',
    params: ByCatalog,
    query: ObjectQuery,
    response: ObjectDetail,
  },
  sampleObject: {
    method: 'GET',
    path: '/data-sources/:ref/catalogs/:catalog/sample',
    summary: 'The first rows of a table, as text',
    params: ByCatalog,
    query: ObjectQuery.extend({ limit: z.coerce.number().int().min(1).max(1000).default(10) }),
    response: Sample,
  },

  listVClusters: {
    method: 'GET',
    path: '/vclusters',
    summary: 'The pools of workers',
    response: z.array(VCluster),
  },
  listFolders: { method: 'GET', path: '/folders', summary: 'All folders', response: z.array(Folder) },
  createFolder: {
    method: 'POST',
    path: '/folders',
    summary: 'Make a folder',
    body: CreateFolder,
    response: Folder,
  },
  deleteFolder: {
    method: 'DELETE',
    path: '/folders/:ref',
    summary: 'Delete an empty folder',
    params: ByRef,
    response: Deleted,
  },

  listTasks: {
    method: 'GET',
    path: '/tasks',
    summary: 'Tasks, of one folder or all',
    query: z.strictObject({ folder: Reference.optional() }),
    response: z.array(Task),
  },
  createTask: {
    method: 'POST',
    path: '/tasks',
    summary: 'Make a task with its draft',
    body: CreateTask,
    response: Task,
  },
  getTask: { method: 'GET', path: '/tasks/:ref', summary: 'A task', params: ByRef, response: Task },
  configureTask: {
    method: 'PUT',
    path: '/tasks/:ref/draft',
    summary: 'Replace the draft; what runs is not touched before it is published',
    params: ByRef,
    body: TaskSpecInput,
    response: Task,
  },
  publishTask: {
    method: 'POST',
    path: '/tasks/:ref/publish',
    summary: 'Check the draft against the source and keep it as the next version; does not start',
    params: ByRef,
    response: PublishedVersion,
  },
  mergeReport: {
    method: 'GET',
    path: '/tasks/:ref/merge-report',
    summary:
      'What the draft of a sharded-table merge would come to: the shards of each virtual table, columns that differ, the merged schema, and what cannot be merged',
    params: ByRef,
    response: MergeReport,
  },
  previewMerge: {
    method: 'POST',
    path: '/merge-report',
    summary: 'The same of a merge that is no task yet; nothing is saved',
    body: MergeSpecInput,
    response: MergeReport,
  },
  listTaskVersions: {
    method: 'GET',
    path: '/tasks/:ref/versions',
    summary: 'The published versions, newest first',
    params: ByRef,
    response: z.array(TaskVersion),
  },
  diffTask: {
    method: 'GET',
    path: '/tasks/:ref/diff',
    summary: 'What differs between two versions of a task, or a version and the draft',
    params: ByRef,
    query: DiffQuery,
    response: SpecDifference,
  },
  exportTask: {
    method: 'GET',
    path: '/tasks/:ref/export',
    summary: 'A task as a YAML document, without secrets: its draft, or a version',
    params: ByRef,
    query: ExportQuery,
    response: ExportedTask,
  },
  applyTasks: {
    method: 'POST',
    path: '/tasks/apply',
    summary: 'Make or change the drafts of the tasks that YAML documents describe: all of them, or none',
    body: ApplyTasks,
    response: AppliedTasks,
  },
  startTask: {
    method: 'POST',
    path: '/tasks/:ref/start',
    summary: 'Begin a run of the published version',
    params: ByRef,
    body: StartTask,
    response: Run,
  },
  stopTask: {
    method: 'POST',
    path: '/tasks/:ref/stop',
    summary: 'Ask the run to stop; answers when it has, or is about to',
    params: ByRef,
    response: Run,
  },
  undeployTask: {
    method: 'POST',
    path: '/tasks/:ref/undeploy',
    summary: 'Forget the position and what the source keeps for the task; every target table stays',
    params: ByRef,
    body: UndeployTask,
    response: UndeployResult,
  },
  deleteTask: {
    method: 'DELETE',
    path: '/tasks/:ref',
    summary: 'Delete an undeployed task; every target table stays',
    params: ByRef,
    query: QueryConfirmation,
    response: Deleted,
  },
  taskStatus: {
    method: 'GET',
    path: '/tasks/:ref/status',
    summary: 'How the task fares',
    params: ByRef,
    response: TaskStatus,
  },
  taskTables: {
    method: 'GET',
    path: '/tasks/:ref/tables',
    summary: 'The tables of the task',
    params: ByRef,
    response: z.array(TaskTable),
  },
  tableLatency: {
    method: 'GET',
    path: '/tasks/:ref/tables/:id/latency',
    summary: 'A histogram of how long the commits of a table took to become visible, of the last hour',
    params: z.strictObject({ ref: Reference, id: z.coerce.number().int().positive() }),
    response: TableLatency,
  },
  taskExceptions: {
    method: 'GET',
    path: '/tasks/:ref/exceptions',
    summary: 'Tables that something is wrong with: what, the columns of both sides, and what mends it',
    params: ByRef,
    response: z.array(TableException),
  },
  taskEvents: {
    method: 'GET',
    path: '/tasks/:ref/events',
    summary: 'The timeline of a task, newest first; with `after`, oldest first',
    params: ByRef,
    query: EventQuery,
    response: z.array(TimelineEvent),
  },
  dataSourceEvents: {
    method: 'GET',
    path: '/data-sources/:ref/events',
    summary: 'The timeline of a data source',
    params: ByRef,
    query: EventQuery,
    response: z.array(TimelineEvent),
  },
  listEvents: {
    method: 'GET',
    path: '/events',
    summary: 'The timeline of everything',
    query: EventQuery,
    response: z.array(TimelineEvent),
  },
  orderTables: {
    method: 'POST',
    path: '/tasks/:ref/tables/orders',
    summary: 'Pause, resume, load anew … single tables of the task; answers what became of each order',
    params: ByRef,
    body: OrderTables,
    response: z.array(TableOrderResult),
  },
  waitTask: {
    method: 'GET',
    path: '/tasks/:ref/wait',
    summary: 'Answers when the state is reached (reached: true), or after the timeout (reached: false)',
    params: ByRef,
    query: WaitTask,
    response: WaitResult,
  },

  listRuns: {
    method: 'GET',
    path: '/tasks/:ref/runs',
    summary: 'The runs of a task, newest first',
    params: ByRef,
    response: z.array(Run),
  },
  getRun: {
    method: 'GET',
    path: '/runs/:id',
    summary: 'A run with its attempts',
    params: ById,
    response: RunDetail,
  },
  waitRun: {
    method: 'GET',
    path: '/runs/:id/wait',
    summary: 'Answers when the run has ended (ended: true), or after the timeout (ended: false)',
    params: ById,
    query: WaitRun,
    response: WaitRunResult,
  },
  listAttempts: {
    method: 'GET',
    path: '/runs/:id/attempts',
    summary: 'The attempts of a run, oldest first',
    params: ById,
    response: z.array(Attempt),
  },
  attemptLog: {
    method: 'GET',
    path: '/attempts/:id/log',
    summary: 'The end of the log of an attempt',
    params: ById,
    query: LogQuery,
    response: AttemptLog,
  },

  sql: {
    method: 'POST',
    path: '/sql',
    summary: 'One read-only SELECT over the tables of the warehouse, all at one moment',
    body: SqlRequest,
    response: SqlResult,
  },
  listLakeTables: {
    method: 'GET',
    path: '/lake-tables',
    summary: 'The tables of the warehouse',
    response: z.array(LakeTable),
  },
  describeLakeTable: {
    method: 'GET',
    path: '/lake-tables/describe',
    summary: 'A table with its columns',
    query: LakeTableQuery,
    response: LakeTableDetail,
  },
  previewLakeTable: {
    method: 'GET',
    path: '/lake-tables/preview',
    summary: 'Some rows of a table',
    query: LakePreviewQuery,
    response: SqlResult,
  },
  lakeTableStats: {
    method: 'GET',
    path: '/lake-tables/stats',
    summary: 'Rows, files and bytes of a table',
    query: LakeTableQuery,
    response: LakeTableStats,
  },
  lakeTableHistory: {
    method: 'GET',
    path: '/lake-tables/history',
    summary: 'The snapshots of a table, newest first',
    query: LakeTableQuery,
    response: z.array(LakeSnapshot),
  },

  ...ALERT_API,
  ...VERIFICATION_API,
} as const satisfies Record<string, Route>;

export type ApiName = keyof typeof API;

type Part<R, K extends string, Side extends 'in' | 'out'> = R extends {
  readonly [P in K]: infer S extends z.ZodType;
}
  ? Side extends 'in'
    ? z.input<S>
    : z.output<S>
  : undefined;

/** What a caller sends, and what the server works with after the checks. */
export type ApiParams<N extends ApiName, Side extends 'in' | 'out' = 'in'> = Part<
  (typeof API)[N],
  'params',
  Side
>;
export type ApiQuery<N extends ApiName, Side extends 'in' | 'out' = 'in'> = Part<
  (typeof API)[N],
  'query',
  Side
>;
export type ApiBody<N extends ApiName, Side extends 'in' | 'out' = 'in'> = Part<
  (typeof API)[N],
  'body',
  Side
>;
export type ApiResponse<N extends ApiName> = z.infer<(typeof API)[N]['response']>;
