import {
  type Call,
  type CreateTask,
  hasCode,
  type MirrorTable,
  SluiceError,
  type StartTask,
  type TableRef,
} from '@sluice/contract';
import { type Command, Option } from 'commander';
import { gather, onlyTable, parameters, reference, splitList, tableName, usage } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { pick } from '../present.ts';
import { listFile, missingText } from './list-file.ts';
import { addTaskFileCommands } from './task-files.ts';
import { addMergeCommands } from './task-merge.ts';
import { addTaskStatusCommands } from './task-status.ts';

interface CreateOptions {
  readonly folder: string;
  readonly source: string;
  readonly database: string;
  readonly schema?: readonly string[];
  readonly tables?: string;
  readonly tablesFile?: string;
  readonly pipelineType?: '1' | '3';
  readonly syncMode?: '1' | '2';
  readonly targetSchema?: string;
  readonly targetTable?: string;
  readonly vcluster?: string;
  readonly set?: readonly string[];
}

interface Confirmable {
  readonly yes?: boolean;
}

export function addTaskCommands(program: Command, terminal: Terminal): void {
  const group = program.command('task').description('What is synced, from where to where');

  addLeaf(group, terminal, {
    usage: 'create-folder <name>',
    summary: 'Make a folder for tasks',
    run: async ({ call, args: [name = ''] }) => ({ data: await call('createFolder', { body: { name } }) }),
  });
  addLeaf(group, terminal, {
    usage: 'list-folders',
    summary: 'All folders',
    run: async ({ call }) => ({ data: await call('listFolders') }),
  });
  addLeaf(group, terminal, {
    usage: 'delete-folder <name>',
    summary: 'Delete a folder that no task lies in',
    run: async ({ call, args: [ref = ''] }) => ({ data: await call('deleteFolder', { params: { ref } }) }),
  });
  addLeaf<{ readonly folder?: string }>(group, terminal, {
    usage: 'list',
    summary: 'Tasks, of one folder or all',
    options: (command) => command.option('--folder <folder>', 'only the tasks of this folder'),
    run: async ({ call, options: { folder } }) => {
      const data = await call('listTasks', { query: folder === undefined ? {} : { folder } });
      const view = pick(data, {
        id: (row) => row.id,
        name: (row) => row.name,
        folder: (row) => row.folder.name,
        type: (row) => row.type,
        state: (row) => row.state,
        version: (row) => row.publishedVersion,
      });
      return { data, view };
    },
  });
  addCreate(group, terminal);
  addMergeCommands(group, terminal);
  addTaskFileCommands(group, terminal);
  addLifecycle(group, terminal);
  addTaskStatusCommands(group, terminal);
}

function addCreate(group: Command, terminal: Terminal): void {
  addLeaf<CreateOptions>(group, terminal, {
    usage: 'create-realtime-sync <name>',
    summary: 'Make a task that mirrors a database, or tables of it; it is a draft until it is deployed',
    options: (command) =>
      command
        .requiredOption('--folder <folder>', 'folder of the task')
        .requiredOption('--source <data source>', 'data source to read')
        .requiredOption('--database <database>', 'database to mirror')
        .option('--schema <schema>', 'only this schema; several times', gather)
        .option('--tables <a,b>', 'only these tables (pipeline type 1)')
        .option(
          '--tables-file <file>',
          'the tables, and names of their targets, as CSV or YAML (.csv, .yaml, .yml)',
        )
        .addOption(
          new Option(
            '--pipeline-type <type>',
            '1: the tables named; 3: the whole database, later tables too',
          ).choices(['1', '3']),
        )
        .addOption(
          new Option('--sync-mode <mode>', '1: full load, then changes; 2: changes only').choices(['1', '2']),
        )
        .option('--target-schema <rule>', "naming rule, such as '{SOURCE_SCHEMA}'")
        .option('--target-table <rule>', "naming rule, such as '{SOURCE_TABLE}'")
        .option('--vcluster <name>', 'pool of workers to run in')
        .option('--set <key=value>', 'a parameter, such as commit_interval=500ms; several times', gather),
    run: async ({ call, args: [name = ''], options }) => ({
      data: await call('createTask', { body: await taskOf(call, name, options) }),
    }),
  });
}

export async function taskOf(call: Call, name: string, options: CreateOptions): Promise<CreateTask> {
  const names = splitList(options.tables ?? '').map(tableName);
  const only = options.schema?.length === 1 ? options.schema[0] : undefined;
  const qualified = names.map(({ schema, table }) => ({ schema: schema ?? only ?? null, table }));
  const known: readonly TableRef[] = qualified.some(({ schema }) => schema === null)
    ? await call('listObjects', { params: { ref: options.source, catalog: options.database } })
    : [];
  const tables: MirrorTable[] = qualified.map((each) => onlyTable(each, known));
  if (options.tablesFile !== undefined) {
    if (tables.length > 0)
      throw usage('--tables-file goes without --tables.', 'Put all tables into the file.');
    tables.push(...(await tablesOf(call, options.tablesFile, options)));
  }
  const pipelineType = options.pipelineType ?? (tables.length > 0 ? '1' : '3');
  return {
    name,
    folder: reference(options.folder),
    spec: {
      dataSource: reference(options.source),
      database: options.database,
      schemas: [...(options.schema ?? [])],
      tables,
      pipelineType: pipelineType === '1' ? 1 : 3,
      syncMode: options.syncMode === '2' ? 2 : 1,
      parameters: parameters(options.set ?? []),
      ...(options.targetSchema === undefined ? {} : { targetSchema: options.targetSchema }),
      ...(options.targetTable === undefined ? {} : { targetTable: options.targetTable }),
      ...(options.vcluster === undefined ? {} : { vcluster: options.vcluster }),
    },
  };
}

async function tablesOf(
  call: Call,
  path: string,
  { source, database }: CreateOptions,
): Promise<MirrorTable[]> {
  const { tables, missing } = await call('readTableFile', {
    params: { ref: source, catalog: database },
    body: await listFile(path),
  });
  if (missing.length === 0) return tables;
  throw new SluiceError('NO_TABLES', missingText(database, missing));
}

function addLifecycle(group: Command, terminal: Terminal): void {
  const yes = (command: Command) => command.option('-y, --yes', 'do it without asking');

  addLeaf<Confirmable>(group, terminal, {
    usage: 'deploy <task>',
    summary: 'Publish the draft as the next version; it does not start by itself',
    options: yes,
    run: async ({ call, args: [ref = ''], options }) => {
      if (options.yes !== true) {
        const task = await call('getTask', { params: { ref } });
        const running = ['starting', 'running', 'backing_off'].includes(task.state);
        await confirm(
          terminal,
          `This publishes the draft of task ${task.name} as its next version (now: ${task.publishedVersion ?? 'none'}).${
            running ? ' A run is under way.' : ' It does not start by itself.'
          }`,
        );
      }
      return { data: await call('publishTask', { params: { ref } }) };
    },
  });

  addLeaf<{
    readonly from?: 'stateless' | 'resume' | 'custom';
    readonly position?: string;
    readonly time?: string;
  }>(group, terminal, {
    usage: 'start <task>',
    summary: 'Begin a run of the published version',
    options: (command) =>
      command
        .addOption(
          new Option(
            '--from <where>',
            'stateless: everything anew; resume: from the saved position; custom: from --position or --time',
          ).choices(['stateless', 'resume', 'custom']),
        )
        .option(
          '--position <position>',
          "a place in the source's log (PostgreSQL: an LSN; MySQL, MariaDB: file:offset or a GTID set)",
        )
        .option(
          '--time <time>',
          'the first transaction at or after it, such as 2026-07-01T09:30:00Z (MySQL, MariaDB)',
        ),
    run: async ({ call, args: [ref = ''], options: { from, position, time } }) => {
      const chosen = position !== undefined || time !== undefined;
      const start = from ?? (chosen ? 'custom' : undefined);
      const body: StartTask = {
        ...(start === undefined ? {} : { from: start }),
        ...(position === undefined ? {} : { position }),
        ...(time === undefined ? {} : { time }),
      };
      return { data: await call('startTask', { params: { ref }, body }) };
    },
  });

  addLeaf(group, terminal, {
    usage: 'stop <task>',
    summary: 'Stop the run; the position is saved',
    run: async ({ call, args: [ref = ''] }) => ({ data: await call('stopTask', { params: { ref } }) }),
  });

  addLeaf<Confirmable & { readonly force?: boolean }>(group, terminal, {
    usage: 'undeploy <task>',
    summary: 'Forget the position and what the source keeps for the task; every target table stays',
    options: (command) =>
      yes(command).option('--force', 'go on where the source cannot be reached, and say what stays there'),
    run: async ({ call, args: [ref = ''], options }) => {
      const data = await confirmed(terminal, options.yes === true, (confirm) =>
        call('undeployTask', { params: { ref }, body: { confirm, force: options.force === true } }),
      );
      return { data, view: data.done.map((line) => `${line}\n`).join('') };
    },
  });

  addLeaf<Confirmable>(group, terminal, {
    usage: 'delete <task>',
    summary: 'Delete an undeployed task; every target table stays',
    options: yes,
    run: async ({ call, args: [ref = ''], options }) => {
      const data = await confirmed(terminal, options.yes === true, (confirm) =>
        call('deleteTask', { params: { ref }, query: confirm ? { confirm: 'true' } : {} }),
      );
      return { data, view: `deleted ${data.deleted}\n` };
    },
  });
}

/** The server says what it would do and refuses; a person may then agree. */
export async function confirmed<T>(
  terminal: Terminal,
  yes: boolean,
  request: (confirm: boolean) => Promise<T>,
): Promise<T> {
  if (yes) return await request(true);
  try {
    return await request(false);
  } catch (error) {
    if (!hasCode(error, 'CONFIRMATION_REQUIRED') || !canAsk(terminal)) throw error;
    await confirm(terminal, error.message);
  }
  return await request(true);
}

const canAsk = (terminal: Terminal) => terminal.stdinIsTerminal && terminal.stderrIsTerminal;

export async function confirm(terminal: Terminal, what: string): Promise<void> {
  if (canAsk(terminal) && (await terminal.ask(`${what}\nGo on?`))) return;
  throw new SluiceError('CONFIRMATION_REQUIRED', what);
}
