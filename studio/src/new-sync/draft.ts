import type { MirrorTable, TableRef, Task, TaskSpecInput } from '@sluice/contract';
import {
  type DraftSource,
  type DraftVirtualTable,
  emptyTable,
  mergeCommandOf,
  mergeOf,
  mergeSpecOf,
  missingOfMerge,
} from './merge-draft.ts';
import { yamlOf } from './yaml.ts';

/** What the person has chosen so far. It is kept in the browser until the task is made. */
export interface Draft {
  readonly source: string;
  readonly database: string;
  /** database: all tables, later ones too · tables: those that are chosen · merge: shards become one table */
  readonly mode: 'database' | 'tables' | 'merge';
  /** Of a merge; the first is the data source of the first step. */
  readonly sources: readonly DraftSource[];
  readonly virtualTables: readonly DraftVirtualTable[];
  readonly schemas: readonly string[];
  /** With the name in the lake where a file gave one. */
  readonly tables: readonly MirrorTable[];
  readonly syncMode: 1 | 2;
  readonly targetSchema: string;
  readonly targetTable: string;
  readonly name: string;
  readonly folder: string;
  /** What is set; the others have their defaults. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly vcluster: string | null;
  readonly step: number;
}

export const EMPTY: Draft = {
  source: '',
  database: '',
  mode: 'database',
  sources: [],
  virtualTables: [emptyTable(1)],
  schemas: [],
  tables: [],
  syncMode: 1,
  targetSchema: '{SOURCE_SCHEMA}',
  targetTable: '{SOURCE_TABLE}',
  name: '',
  folder: 'mirrors',
  parameters: {},
  vcluster: null,
  step: 0,
};

/** The steps that a draft goes through: a merge names its targets with their rules. */
export const stepsOf = (draft: Draft): readonly number[] =>
  draft.mode === 'merge' ? [0, 1, 3] : [0, 1, 2, 3];

export function specOf(draft: Draft): TaskSpecInput {
  const pool = draft.vcluster === null ? {} : { vcluster: draft.vcluster };
  const settings = { parameters: { ...draft.parameters }, ...pool };
  if (draft.mode === 'merge') return { ...mergeSpecOf(draft), ...settings };
  const common = {
    ...settings,
    dataSource: draft.source,
    database: draft.database,
    syncMode: draft.syncMode,
    targetSchema: draft.targetSchema,
    targetTable: draft.targetTable,
  };
  return draft.mode === 'database'
    ? { ...common, pipelineType: 3, schemas: [...draft.schemas] }
    : { ...common, pipelineType: 1, tables: draft.tables.map((table) => ({ ...table })) };
}

/** The draft of a task that is there, as the wizard shows it. Tables keep what else is said of them. */
export function draftOf(task: Task, nameOfSource: (id: number) => string): Draft {
  const kept = { ...EMPTY, name: task.name, folder: task.folder.name };
  const { draft } = task;
  if (draft === null) return kept;
  const common = {
    ...kept,
    syncMode: draft.syncMode,
    parameters: draft.parameters,
    vcluster: draft.vcluster,
  };
  if (draft.pipelineType === 2) {
    const merge = mergeOf(draft, nameOfSource);
    return { ...common, mode: 'merge', source: merge.sources[0]?.dataSource ?? '', ...merge };
  }
  return {
    ...common,
    mode: draft.pipelineType === 3 ? 'database' : 'tables',
    source: nameOfSource(draft.dataSource),
    database: draft.database,
    schemas: draft.schemas,
    tables: draft.tables,
    targetSchema: draft.targetSchema,
    targetTable: draft.targetTable,
  };
}

/** As a shell takes it. */
const quoted = (text: string): string =>
  /^[\w.,@%+=:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

const MOST_NAMED = 20;

/** As the command line writes a table's name: a part with a dot, a comma or a quote stands in double quotes. */
function nameOf({ schema, table }: TableRef): string {
  const part = (text: string) => (/[",.\s]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `${part(schema)}.${part(table)}`;
}

/** The commands that do the same; `there`: to a task that exists. Very many tables are not written out. */
export function commandOf(draft: Draft, there = false): string {
  const more = [
    ...(draft.vcluster === null || draft.vcluster === 'default_sync'
      ? []
      : [`--vcluster ${quoted(draft.vcluster)}`]),
    ...Object.entries(draft.parameters).map(([name, value]) => `--set ${quoted(`${name}=${value}`)}`),
  ];
  if (draft.mode === 'merge')
    return mergeCommandOf(draft, { name: draft.name, folder: draft.folder, more, there });
  // A mirror is changed by its file, which says all of it.
  const apply = `sluice task apply -f ${quoted(`${draft.name === '' ? 'NAME' : draft.name}.yaml`)} --publish`;
  if (there) return apply;
  // Names in the lake, table by table, stand in a file only.
  if (draft.mode === 'tables' && draft.tables.some(({ target }) => target !== undefined))
    return `${apply}\nsluice task start ${quoted(draft.name === '' ? 'NAME' : draft.name)}`;
  const options = [
    `--folder ${quoted(draft.folder)}`,
    `--source ${quoted(draft.source === '' ? 'SOURCE' : draft.source)}`,
    `--database ${quoted(draft.database === '' ? 'DATABASE' : draft.database)}`,
  ];
  if (draft.mode === 'database')
    for (const schema of draft.schemas) options.push(`--schema ${quoted(schema)}`);
  else {
    const names = draft.tables.slice(0, MOST_NAMED).map(nameOf).join(',');
    options.push(`--tables ${quoted(names)}${draft.tables.length > MOST_NAMED ? ' …' : ''}`);
  }
  if (draft.syncMode === 2) options.push('--sync-mode 2');
  if (draft.targetSchema !== EMPTY.targetSchema)
    options.push(`--target-schema ${quoted(draft.targetSchema)}`);
  if (draft.targetTable !== EMPTY.targetTable) options.push(`--target-table ${quoted(draft.targetTable)}`);
  options.push(...more);
  const name = quoted(draft.name === '' ? 'NAME' : draft.name);
  return [
    `sluice task create-realtime-sync ${name} \\`,
    ...options.map((option, at) => `  ${option}${at === options.length - 1 ? '' : ' \\'}`),
    `sluice task deploy ${name} -y`,
    `sluice task start ${name}`,
  ].join('\n');
}

/** The file that `sluice task apply` makes the same task from, or changes it by. */
export function fileOf(draft: Draft): string {
  const or = (value: string, otherwise: string) => (value.trim() === '' ? otherwise : value.trim());
  const spec = specOf(draft);
  return yamlOf({ name: or(draft.name, 'NAME'), folder: or(draft.folder, 'FOLDER'), ...spec });
}

/** Why a step cannot be left yet; null where it can. */
export function missing(draft: Draft, step: number): string | null {
  if (step === 0)
    return draft.source === ''
      ? 'Choose a data source'
      : draft.database === '' && draft.mode !== 'merge'
        ? 'Choose a database'
        : null;
  if (step === 1 && draft.mode === 'merge') return missingOfMerge(draft);
  if (step === 1 && draft.mode === 'tables' && draft.tables.length === 0) return 'Choose at least one table';
  if (step === 2 && draft.mode !== 'merge') {
    const rules = [draft.targetSchema, draft.targetTable];
    if (rules.some((rule) => rule.trim() === '')) return 'Both names are needed';
    const unknown = rules
      .flatMap((rule) => rule.match(/\{[^}]*\}/g) ?? [])
      .find((one) => !/^\{SOURCE_(DATABASE|SCHEMA|TABLE)\}$/.test(one));
    if (unknown !== undefined) return `${unknown} is no placeholder`;
  }
  if (step === 3) {
    if (draft.name.trim() === '' || draft.folder.trim() === '') return 'Name and folder are needed';
    if (/^\d+$/.test(draft.name)) return 'A name of digits only would be taken for an id';
  }
  return null;
}

/** Tables that a person typed, pasted or uploaded: `schema.table`, one a line or parted by commas. */
export function tablesOfText(
  text: string,
  known: readonly TableRef[],
): { readonly found: readonly TableRef[]; readonly unknown: readonly string[] } {
  const byName = new Map(known.map((table) => [`${table.schema}.${table.table}`, table]));
  // A table's name alone will do where one schema has it.
  const only = new Map<string, TableRef | undefined>();
  for (const one of known) only.set(one.table, only.has(one.table) ? undefined : one);
  const found = new Map<string, TableRef>();
  const unknown: string[] = [];
  for (const name of text.split(/[\n,]/).map((part) => part.trim())) {
    if (name === '' || name.startsWith('#')) continue;
    const table = byName.get(name) ?? only.get(name);
    if (table === undefined) unknown.push(name);
    else found.set(`${table.schema}.${table.table}`, table);
  }
  return { found: [...found.values()], unknown };
}

/**
 * What an uploaded file is: names one by one, or CSV with a first line of columns or YAML, which the server reads, names
 * in the lake included.
 */
export function kindOfFile(name: string, text: string): 'list' | 'csv' | 'yaml' {
  if (/\.ya?ml$/i.test(name)) return 'yaml';
  const [first = ''] = text.replace(/^\uFEFF/, '').split(/\r?\n/, 1);
  const columns = first.split(',').map((column) => column.trim().toLowerCase());
  return columns.includes('table') && columns.length > 1 ? 'csv' : 'list';
}

/** What a pattern with `*` for any letters selects, of `schema.table`. */
export function tablesOfPattern(pattern: string, known: readonly TableRef[]): readonly TableRef[] {
  const parts = pattern.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`, 'i');
  return known.filter(({ schema, table }) => expression.test(`${schema}.${table}`) || expression.test(table));
}
