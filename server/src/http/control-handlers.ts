import type { ApiName } from '@sluice/contract';
import type { Control } from '../control/context.ts';
import * as dataSources from '../control/data-sources.ts';
import { applyTasks } from '../control/documents/apply.ts';
import { diffTask, exportTask } from '../control/documents/export.ts';
import * as folders from '../control/folders.ts';
import { mergeReport, previewMerge } from '../control/merge/report.ts';
import { orderTables } from '../control/order-tables.ts';
import { runRow } from '../control/run-rows.ts';
import * as runs from '../control/runs.ts';
import { serverStatus } from '../control/server-status.ts';
import * as metadata from '../control/source-metadata.ts';
import { startTask } from '../control/start-task.ts';
import { tableExceptions } from '../control/table-exceptions.ts';
import { readTableFile } from '../control/table-file.ts';
import { taskStatus, taskTables } from '../control/task-status.ts';
import * as tasks from '../control/tasks.ts';
import { listEvents } from '../control/timeline.ts';
import { deleteTask, undeployTask } from '../control/undeploy.ts';
import { waitTask } from '../control/wait-task.ts';
import { callerName } from '../model/caller.ts';
import { within } from '../model/deadline.ts';
import type { AlertRoute } from './alert-handlers.ts';
import type { Handlers } from './handlers.ts';
import type { LakeRoute } from './lake-handlers.ts';
import type { LatencyRoute } from './latency-handlers.ts';
import type { VerificationRoute } from './verification-handlers.ts';

/** A stop answers when the run has ended, or after this long when it is still about to. */
const STOP_ANSWER_MS = 60_000;
/** An order is carried out with the next commit, or said to wait. */
const ORDER_ANSWER_MS = 30_000;

export function controlHandlers(
  control: Control,
): Handlers<Exclude<ApiName, LakeRoute | AlertRoute | VerificationRoute | LatencyRoute>> {
  return {
    status: () => serverStatus(control),

    listDataSources: () => dataSources.listDataSources(control),
    createDataSource: ({ body }) => dataSources.createDataSource(control, body),
    getDataSource: ({ params }) => dataSources.getDataSource(control, params.ref),
    updateDataSource: ({ params, body }) => dataSources.updateDataSource(control, params.ref, body),
    deleteDataSource: ({ params }) => dataSources.deleteDataSource(control, params.ref),
    testDataSource: ({ params, signal }) => metadata.testDataSource(control, params.ref, signal),
    checkCdc: ({ params, body, signal }) => metadata.checkCdc(control, params.ref, body, signal),
    listCatalogs: ({ params, signal }) => metadata.listCatalogs(control, params.ref, signal),
    listObjects: ({ params, signal }) => metadata.listObjects(control, params.ref, params.catalog, signal),
    readTableFile: ({ params, body, signal }) =>
      readTableFile(control, params.ref, params.catalog, body, signal),
    describeObject: ({ params, query, signal }) =>
      metadata.describeObject(control, params.ref, params.catalog, query, signal),
    sampleObject: ({ params, query, signal }) =>
      metadata.sampleObject(control, params.ref, params.catalog, query, query.limit, signal),

    listVClusters: () => folders.listVClusters(control),
    listFolders: () => folders.listFolders(control),
    createFolder: ({ body }) => folders.createFolder(control, body.name),
    deleteFolder: ({ params }) => folders.deleteFolder(control, params.ref),

    listTasks: ({ query }) => tasks.listTasks(control, query.folder),
    createTask: ({ body }) => tasks.createTask(control, body),
    getTask: ({ params }) => tasks.getTask(control, params.ref),
    configureTask: ({ params, body }) => tasks.configureTask(control, params.ref, body),
    publishTask: ({ params, signal }) => tasks.publishTask(control, params.ref, signal),
    mergeReport: ({ params, signal }) => mergeReport(control, params.ref, signal),
    previewMerge: ({ body, signal }) => previewMerge(control, body, signal),
    listTaskVersions: ({ params }) => tasks.listTaskVersions(control, params.ref),
    diffTask: ({ params, query }) => diffTask(control, params.ref, query),
    exportTask: ({ params, query }) => exportTask(control, params.ref, query.version),
    applyTasks: ({ body, signal }) => applyTasks(control, body, signal),
    startTask: async ({ params, body, signal }) =>
      runs.runView(await runRow(control.db, await startTask(control, params.ref, body, signal))),
    stopTask: async ({ params, signal }) =>
      runs.runView(
        await runRow(control.db, await tasks.stopTask(control, params.ref, within(signal, STOP_ANSWER_MS))),
      ),
    undeployTask: ({ params, body, signal }) => undeployTask(control, params.ref, body, signal),
    deleteTask: ({ params, query }) => deleteTask(control, params.ref, query.confirm),
    taskStatus: ({ params }) => taskStatus(control, params.ref),
    taskTables: ({ params }) => taskTables(control, params.ref),
    taskExceptions: ({ params }) => tableExceptions(control, params.ref),
    taskEvents: ({ params, query }) => listEvents(control, { of: 'tasks', ref: params.ref }, query),
    dataSourceEvents: ({ params, query }) =>
      listEvents(control, { of: 'data_sources', ref: params.ref }, query),
    listEvents: ({ query }) => listEvents(control, null, query),
    orderTables: ({ params, body, signal }) =>
      orderTables(control, params.ref, body, callerName(), within(signal, ORDER_ANSWER_MS)),
    waitTask: ({ params, query, signal }) =>
      waitTask(control, params.ref, query.for, within(signal, query.timeout * 1000)),

    listRuns: ({ params }) => runs.listRuns(control, params.ref),
    getRun: ({ params }) => runs.getRun(control, params.id),
    waitRun: ({ params, query, signal }) =>
      runs.waitRun(control, params.id, within(signal, query.timeout * 1000)),
    listAttempts: ({ params }) => runs.listAttempts(control, params.id),
    attemptLog: ({ params, query }) => runs.attemptLog(control, params.id, query.tail),
  };
}
