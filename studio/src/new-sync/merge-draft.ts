import type { MergeSpecInput, ShardName, TaskSpec } from '@sluice/contract';

/** The parts of a shard's name, as people read them from left to right. */
export const PARTS = ['server', 'database', 'schema', 'table'] as const;
export type Part = (typeof PARTS)[number];

/** A data source of the merge; `server` is what patterns and rows call it. */
export interface DraftSource {
  readonly dataSource: string;
  readonly server: string;
  /** Names parted by commas; none: each that a pattern can match. */
  readonly databases: string;
}

/** Patterns of one rule; an empty one matches any name. */
export type DraftRule = Readonly<Record<Part, string>>;

export interface DraftVirtualTable {
  /** What React knows it by while its name is typed. */
  readonly key: number;
  readonly schema: string;
  readonly table: string;
  readonly rules: readonly DraftRule[];
  /** The column of each part that rows are to tell; empty: none. */
  readonly fields: Readonly<Record<Part, string>>;
  readonly extendedKey: boolean;
  /** The name that it was saved under; a new one is called like its target. */
  readonly name?: string;
  /** Source tables by name, from a file; they are kept as they are, and stand in place of rules. */
  readonly listed?: readonly ShardName[];
}

export const NO_PARTS: DraftRule = { server: '', database: '', schema: '', table: '' };

export const emptyTable = (key: number): DraftVirtualTable => ({
  key,
  schema: 'lake',
  table: '',
  rules: [NO_PARTS],
  fields: NO_PARTS,
  extendedKey: false,
});

interface Merge {
  readonly sources: readonly DraftSource[];
  readonly virtualTables: readonly DraftVirtualTable[];
  readonly syncMode: 1 | 2;
}

const filled = (parts: DraftRule): readonly Part[] => PARTS.filter((part) => parts[part].trim() !== '');

const targetOf = ({ schema, table }: DraftVirtualTable): string => `${schema.trim()}.${table.trim()}`;

/** A virtual table is called like its target table, as the command line does it; with the schema where two are. */
function nameOf(one: DraftVirtualTable, all: readonly DraftVirtualTable[]): string {
  const table = one.table.trim();
  return all.filter((other) => other.table.trim() === table).length > 1 ? targetOf(one) : table;
}

const inFull = (parts: Partial<Record<Part, string | undefined>>): DraftRule => ({
  server: parts.server ?? '',
  database: parts.database ?? '',
  schema: parts.schema ?? '',
  table: parts.table ?? '',
});

/** A saved merge as the wizard shows it. */
export function mergeOf(
  spec: Extract<TaskSpec, { pipelineType: 2 }>,
  nameOfSource: (id: number) => string,
): Pick<Merge, 'sources' | 'virtualTables'> {
  return {
    sources: spec.sources.map(({ dataSource, server, databases }) => ({
      dataSource: nameOfSource(dataSource),
      server,
      databases: databases.join(', '),
    })),
    virtualTables: spec.virtualTables.map(({ name, target, shards, extendedFields, extendedKey }, at) => ({
      key: at + 1,
      name,
      schema: target.schema,
      table: target.table,
      rules: shards.by === 'rules' ? shards.rules.map(inFull) : [],
      ...(shards.by === 'tables' ? { listed: shards.tables } : {}),
      fields: inFull(Object.fromEntries(extendedFields.map((field) => [field.part, field.name]))),
      extendedKey,
    })),
  };
}

export function mergeSpecOf({ sources, virtualTables, syncMode }: Merge): MergeSpecInput {
  return {
    pipelineType: 2,
    syncMode,
    sources: sources.map(({ dataSource, server, databases }) => ({
      dataSource,
      server: server.trim() === '' ? dataSource : server.trim(),
      databases: databases
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    })),
    virtualTables: virtualTables.map((one) => ({
      name: one.name ?? nameOf(one, virtualTables),
      target: { schema: one.schema.trim(), table: one.table.trim() },
      shards:
        one.listed === undefined
          ? {
              by: 'rules',
              rules: one.rules.map((rule) =>
                Object.fromEntries(filled(rule).map((part) => [part, rule[part].trim()])),
              ),
            }
          : { by: 'tables', tables: [...one.listed] },
      extendedFields: filled(one.fields).map((part) => ({ part, name: one.fields[part].trim() })),
      extendedKey: one.extendedKey && filled(one.fields).length > 0,
    })),
  };
}

/** Why the merge cannot be looked at yet; null where it can. */
export function missingOfMerge({ sources, virtualTables }: Merge): string | null {
  if (sources.length === 0) return 'Choose at least one data source';
  const servers = sources.map(({ dataSource, server }) =>
    server.trim() === '' ? dataSource : server.trim(),
  );
  const twice = servers.find((server, at) => servers.indexOf(server) !== at);
  if (twice !== undefined) return `Two data sources are called ${twice}; name one of them otherwise`;
  if (virtualTables.length === 0) return 'Add a virtual table';
  for (const one of virtualTables) {
    if (one.schema.trim() === '' || one.table.trim() === '') return 'Each virtual table needs its target';
    if (one.listed !== undefined) continue;
    if (one.rules.length === 0 || one.rules.some((rule) => filled(rule).length === 0))
      return `Each rule of ${targetOf(one)} needs a pattern`;
  }
  const targets = virtualTables.map((one) => targetOf(one).toLowerCase());
  const same = targets.find((target, at) => targets.indexOf(target) !== at);
  return same === undefined ? null : `Two virtual tables lead to ${same}`;
}

/** As a shell takes it. */
const quoted = (text: string): string =>
  /^[\w.,@%+=:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** JSON is YAML: strings in double quotes mean the same in both, whatever is in them. */
function yamlOf(spec: MergeSpecInput): string {
  return (spec.virtualTables ?? [])
    .map(({ name, target, shards, extendedFields = [], extendedKey }) =>
      [
        `- name: ${JSON.stringify(name)}`,
        `  target: ${JSON.stringify(target)}`,
        '  shards:',
        `    by: ${shards.by}`,
        `    ${shards.by}:`,
        ...(shards.by === 'rules' ? shards.rules : shards.tables).map(
          (one) => `      - ${JSON.stringify(one)}`,
        ),
        ...(extendedFields.length === 0 ? [] : [`  extendedFields: ${JSON.stringify(extendedFields)}`]),
        ...(extendedKey ? ['  extendedKey: true'] : []),
      ].join('\n'),
    )
    .join('\n');
}

/** The commands that make the same task; virtual tables in a file where options cannot say them. */
export function mergeCommandOf(
  merge: Merge,
  {
    name,
    folder,
    more = [],
    there = false,
  }: { name: string; folder: string; more?: readonly string[]; there?: boolean },
): string {
  const spec = mergeSpecOf(merge);
  const options = there ? [] : [`--folder ${quoted(folder)}`];
  for (const { dataSource, server } of spec.sources)
    options.push(
      `--source ${quoted(server === dataSource ? String(dataSource) : `${dataSource}=${server}`)}`,
    );
  // The command's option holds for all data sources alike.
  for (const database of new Set(spec.sources.flatMap(({ databases }) => databases ?? [])))
    options.push(`--database ${quoted(database)}`);
  const [only, ...others] = spec.virtualTables ?? [];
  const rules = only?.shards.by === 'rules' ? only.shards.rules : [];
  const inFile = others.length > 0 || rules.length !== 1;
  if (inFile) options.push('--virtual-tables virtual-tables.yaml');
  else if (only !== undefined) {
    for (const [part, pattern] of Object.entries(rules[0] ?? {}))
      options.push(`--match ${quoted(`${part}=${pattern}`)}`);
    options.push(`--target ${quoted(`${only.target.schema}.${only.target.table}`)}`);
    for (const field of only.extendedFields ?? [])
      options.push(`--extended-field ${quoted(`${field.part}=${field.name}`)}`);
    if (only.extendedKey) options.push('--extended-key');
  }
  if (merge.syncMode === 2) options.push('--sync-mode 2');
  options.push(...more);
  const task = quoted(name === '' ? 'NAME' : name);
  return [
    ...(inFile ? ["cat > virtual-tables.yaml <<'END'", yamlOf(spec), 'END'] : []),
    `sluice task ${there ? 'configure' : 'create'}-merge-sync ${task} \\`,
    ...options.map((option, at) => `  ${option}${at === options.length - 1 ? '' : ' \\'}`),
    `sluice task merge-report ${task}`,
    `sluice task deploy ${task} -y`,
    ...(there ? [] : [`sluice task start ${task}`]),
  ].join('\n');
}
