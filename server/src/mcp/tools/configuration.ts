import { API, SluiceError, TASK_TYPES, type Task, type TaskSpec } from '@sluice/contract';
import { z } from 'zod';
import { FOLDER, TASK } from '../arguments.ts';
import { CDC_FIELDS, cdcDraft } from '../cdc-draft.ts';
import { routeTool } from '../route-tool.ts';
import { type Tool, tool } from '../tool.ts';

/** The reference's words for a task's id and its page in Studio, and the version that publish_task wants to be told. */
const detailOf = async (task: Task, studio: () => Promise<string>) => ({
  task_id: task.id,
  data_file_id: task.id,
  task_version: task.publishedVersion ?? 0,
  studio_url: `${await studio()}/tasks/${encodeURIComponent(task.name)}`,
  ...task,
});

const createTask = tool({
  name: 'create_task',
  title: 'Make a task',
  description:
    'Makes an empty task in a folder: say with save_cdc_realtime_task what it syncs, publish_task it, start_task it. The answer’s task_id is the data_file_id of the next calls; studio_url is its page for a person.',
  kind: 'write',
  input: z.strictObject({
    task_name: API.createTask.body.shape.name,
    data_folder_id: FOLDER,
    task_type: z
      .literal(TASK_TYPES['multi-table-realtime'])
      .default(TASK_TYPES['multi-table-realtime'])
      .describe('281 multi-table real-time sync; this version has no other'),
  }),
  run: async ({ call, studio, args: { task_name, data_folder_id, task_type } }) =>
    await detailOf(
      await call('createTask', { body: { name: task_name, folder: data_folder_id, taskType: task_type } }),
      studio,
    ),
});

const saveCdcRealtimeTask = tool({
  name: 'save_cdc_realtime_task',
  title: 'Say what a task syncs',
  description:
    'Saves the draft of a task: source, tables or databases, mode. What runs is not touched before publish_task. A merge’s draft is looked at with get_merge_report.',
  kind: 'write',
  input: z.strictObject({ data_file_id: TASK, ...CDC_FIELDS }),
  run: async ({ call, studio, args: { data_file_id, ...args } }) => {
    const params = { ref: String(data_file_id) };
    const { draft } = await call('getTask', { params });
    const spec = cdcDraft(args, await call('listDataSources'), draft);
    return await detailOf(await call('configureTask', { params, body: spec }), studio);
  },
});

const saveTaskConfiguration = tool({
  name: 'save_task_configuration',
  title: 'Set the parameters of a task',
  description:
    'Sets parameters (docs/parameters.md) and the VCluster of a task’s draft, and leaves what it syncs. A real-time task runs until it is stopped: it has no schedule.',
  kind: 'write',
  input: z.strictObject({
    task_id: TASK,
    parameters: z
      .record(z.string(), z.string().nullable())
      .default({})
      .describe('such as {"commit_interval": "500ms"}; those that are left out stay, null takes one away'),
    vcluster: z.string().min(1).optional().describe('name; its type contains SYNC'),
  }),
  run: async ({ call, studio, args: { task_id, parameters, vcluster } }) => {
    const params = { ref: String(task_id) };
    const { draft, name } = await call('getTask', { params });
    if (draft === null)
      throw new SluiceError('CONFLICT', `The task ${name} is not configured yet.`, {
        remedy: 'Say first what it syncs: save_cdc_realtime_task.',
      });
    const kept = Object.entries({ ...draft.parameters, ...parameters }).flatMap(([key, value]) =>
      value === null ? [] : [[key, value] as const],
    );
    const spec: TaskSpec = {
      ...draft,
      parameters: Object.fromEntries(kept),
      ...(vcluster === undefined ? {} : { vcluster }),
    };
    return await detailOf(await call('configureTask', { params, body: spec }), studio);
  },
});

const getTaskDetail = tool({
  name: 'get_task_detail',
  title: 'A task and its draft',
  description:
    'A task with its draft (null: not configured yet) and task_version, the published version (0: none), for publish_task. How it fares is told by get_task_status.',
  kind: 'read',
  input: z.strictObject({ task_id: TASK }),
  run: async ({ call, studio, args: { task_id } }) =>
    await detailOf(await call('getTask', { params: { ref: String(task_id) } }), studio),
});

const publishTask = tool({
  name: 'publish_task',
  title: 'Publish the draft',
  description:
    'Checks the draft against the source and keeps it as the next version. A task that is stopped does not start by itself; one that runs takes the version over where it can (takesEffect).',
  kind: 'write',
  input: z.strictObject({
    task_id: TASK,
    task_version: z
      .int()
      .min(0)
      .optional()
      .describe('as get_task_detail told it: refused where somebody has published since then'),
  }),
  run: async ({ call, args: { task_id, task_version } }) => {
    const params = { ref: String(task_id) };
    const { publishedVersion, name } = await call('getTask', { params });
    if (task_version !== undefined && task_version !== (publishedVersion ?? 0))
      throw new SluiceError(
        'CONFLICT',
        `The task ${name} is published as version ${publishedVersion ?? 0}, not ${task_version}.`,
        { remedy: 'Look at it with get_task_detail and diff_task, then publish with the version of now.' },
      );
    return await call('publishTask', { params });
  },
});

const task = { ref: 'task_id' };
const fields = { ref: TASK };

export const CONFIGURATION_TOOLS: readonly Tool[] = [
  routeTool({
    name: 'list_folders',
    route: 'listFolders',
    kind: 'read',
    title: 'Folders of tasks',
  }),
  routeTool({ name: 'create_folder', route: 'createFolder', kind: 'write', title: 'Make a folder' }),
  routeTool({
    name: 'delete_folder',
    route: 'deleteFolder',
    kind: 'destructive',
    title: 'Delete a folder',
    rename: { ref: 'data_folder_id' },
    fields: { ref: FOLDER },
    consequences: ({ data_folder_id }) =>
      `This deletes the folder ${String(data_folder_id)}. It is refused while a task is in it.`,
  }),
  routeTool({
    name: 'list_tasks',
    route: 'listTasks',
    kind: 'read',
    title: 'Tasks',
    rename: { folder: 'data_folder_id' },
    fields: { folder: FOLDER.optional() },
  }),
  createTask,
  saveCdcRealtimeTask,
  saveTaskConfiguration,
  getTaskDetail,
  publishTask,
  routeTool({
    name: 'get_merge_report',
    route: 'mergeReport',
    kind: 'read',
    title: 'What a merge would come to',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'list_task_versions',
    route: 'listTaskVersions',
    kind: 'read',
    title: 'Published versions of a task',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'diff_task',
    route: 'diffTask',
    kind: 'read',
    title: 'Differences of two versions',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'export_task',
    route: 'exportTask',
    kind: 'read',
    title: 'A task as YAML',
    rename: task,
    fields,
  }),
  routeTool({
    name: 'apply_tasks',
    route: 'applyTasks',
    kind: 'write',
    title: 'Make or change tasks from YAML',
  }),
];
