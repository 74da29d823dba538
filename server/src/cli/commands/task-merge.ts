import {
  type ExtendedField,
  type MergeSpecInput,
  SHARD_PARTS,
  type ShardPart,
  type ShardRule,
  SluiceError,
  type VirtualTableFile,
} from '@sluice/contract';
import { type Command, Option } from 'commander';
import { gather, parameters, reference, tableName } from '../arguments.ts';
import { addLeaf, type Terminal } from '../command.ts';
import { listFile } from './list-file.ts';
import { mergeReportText } from './merge-report-text.ts';

interface MergeOptions {
  readonly source: readonly string[];
  readonly database?: readonly string[];
  readonly virtualTables?: string;
  readonly match?: readonly string[];
  readonly target?: string;
  readonly extendedField?: readonly string[];
  readonly extendedKey?: boolean;
  readonly syncMode?: '1' | '2';
  readonly vcluster?: string;
  readonly set?: readonly string[];
}

export function addMergeCommands(group: Command, terminal: Terminal): void {
  const mergeOptions = (command: Command): Command =>
    command
      .requiredOption(
        '--source <data source>',
        'data source to read; several times; name=server to call it otherwise in patterns and rows',
        gather,
      )
      .option('--database <database>', 'look only into this database; several times', gather)
      .option('--virtual-tables <file>', 'virtual tables as CSV or YAML (.csv, .yaml, .yml)')
      .option(
        '--match <part=pattern>',
        "instead of a file, one virtual table of what matches: 'table=orders_\\d+'; several times, for server, database, schema and table",
        gather,
      )
      .option('--target <schema.table>', 'target table of --match')
      .option(
        '--extended-field <part=column>',
        'a column that holds the server, database, schema or table of each row; several times',
        gather,
      )
      .option('--extended-key', 'make the extended fields part of the primary key')
      .addOption(
        new Option('--sync-mode <mode>', '1: full load, then changes; 2: changes only').choices(['1', '2']),
      )
      .option('--vcluster <name>', 'pool of workers to run in')
      .option('--set <key=value>', 'a parameter; several times', gather);

  addLeaf<MergeOptions & { readonly folder: string }>(group, terminal, {
    usage: 'create-merge-sync <name>',
    summary: 'Make a task that merges shards into one table each; it is a draft until it is deployed',
    options: (command) => mergeOptions(command.requiredOption('--folder <folder>', 'folder of the task')),
    run: async ({ call, args: [name = ''], options }) => ({
      data: await call('createTask', {
        body: { name, folder: reference(options.folder), spec: await mergeSpecOf(options) },
      }),
    }),
  });
  addLeaf<MergeOptions>(group, terminal, {
    usage: 'configure-merge-sync <task>',
    summary: 'Replace the draft of such a task; nothing is published by it',
    options: mergeOptions,
    run: async ({ call, args: [ref = ''], options }) => ({
      data: await call('configureTask', { params: { ref }, body: await mergeSpecOf(options) }),
    }),
  });
  addLeaf(group, terminal, {
    usage: 'merge-report <task>',
    summary: 'What a merge would come to: shards, columns that differ, the merged schema, what is refused',
    run: async ({ call, args: [ref = ''] }) => {
      const data = await call('mergeReport', { params: { ref } });
      return { data, view: mergeReportText(data) };
    },
  });
}

export async function mergeSpecOf(options: MergeOptions): Promise<MergeSpecInput> {
  const fields = (options.extendedField ?? []).map((text): ExtendedField => {
    const { part, value } = partOf('--extended-field', text);
    return { part, name: value };
  });
  const extended = { extendedFields: fields, extendedKey: options.extendedKey === true };
  return {
    pipelineType: 2,
    sources: options.source.map((text) => {
      const at = text.indexOf('=');
      const databases = [...(options.database ?? [])];
      if (at < 0) return { dataSource: reference(text), databases };
      return { dataSource: reference(text.slice(0, at)), server: text.slice(at + 1), databases };
    }),
    ...(options.virtualTables === undefined
      ? { virtualTables: [ruledTable(options, extended)] }
      : { virtualTableFile: await fileOf(options, extended) }),
    syncMode: options.syncMode === '2' ? 2 : 1,
    parameters: parameters(options.set ?? []),
    ...(options.vcluster === undefined ? {} : { vcluster: options.vcluster }),
  };
}

function ruledTable(
  { match = [], target }: MergeOptions,
  extended: { readonly extendedFields: ExtendedField[]; readonly extendedKey: boolean },
): NonNullable<MergeSpecInput['virtualTables']>[number] {
  if (match.length === 0 || target === undefined)
    throw usage(
      'A merge needs --virtual-tables, or --match and --target.',
      "For one virtual table: --match 'table=orders_\\d+' --target lake.orders.",
    );
  const rule: ShardRule = {};
  for (const text of match) {
    const { part, value } = partOf('--match', text);
    if (rule[part] !== undefined) throw usage(`--match names ${part} twice.`, 'Join the patterns with |.');
    rule[part] = value;
  }
  const name = tableName(target);
  if (name.schema === null)
    throw usage(`--target ${JSON.stringify(target)} has no schema.`, 'Write schema.table.');
  return {
    name: name.table,
    target: { schema: name.schema, table: name.table },
    shards: { by: 'rules', rules: [rule] },
    ...extended,
  };
}

/** What the options say of extended fields holds for the virtual tables of the file that say nothing of them. */
async function fileOf(
  { virtualTables: path = '', match, target }: MergeOptions,
  extended: { readonly extendedFields: ExtendedField[]; readonly extendedKey: boolean },
): Promise<VirtualTableFile> {
  if (match !== undefined || target !== undefined)
    throw usage('--virtual-tables goes without --match and --target.', 'Put the patterns into the file.');
  return { ...(await listFile(path)), ...(extended.extendedFields.length === 0 ? {} : extended) };
}

function partOf(option: string, text: string): { readonly part: ShardPart; readonly value: string } {
  const at = text.indexOf('=');
  const part = SHARD_PARTS.find((known) => known === text.slice(0, Math.max(at, 0)).trim());
  if (part === undefined || at === text.length - 1)
    throw usage(
      `${option} cannot be ${JSON.stringify(text)}.`,
      `Write ${option} part=… with one of ${SHARD_PARTS.join(', ')}.`,
    );
  return { part, value: text.slice(at + 1) };
}

const usage = (message: string, remedy: string): SluiceError => new SluiceError('USAGE', message, { remedy });
