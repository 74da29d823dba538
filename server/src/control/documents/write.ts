import { isDeepStrictEqual } from 'node:util';
import { TaskDocument, type TaskSpec, VirtualTable } from '@sluice/contract';
import { Document, isMap, isSeq, type Node } from 'yaml';

type Fields = Record<string, unknown>;

/** What a document says besides the spec. */
export interface DocumentOf {
  readonly name: string;
  readonly folder: string;
  readonly spec: TaskSpec;
  /** Names of the spec's data sources by their ids. */
  readonly dataSources: ReadonlyMap<number, string>;
  /** Null: the draft. */
  readonly version: number | null;
}

const PIPELINES = { 1: 'multi-table mirror', 2: 'sharded-table merge', 3: 'full-database mirror' } as const;
const SYNC_MODES = { 1: 'full load, then changes', 2: 'changes only' } as const;

/** Lists whose elements take a line each. */
const LINES = new Set(['tables', 'rules', 'extendedFields', 'target']);

/** The spec with data sources by name and all that its defaults say left out, in the order of the schema. */
export function documentFields({ name, folder, spec, dataSources }: Omit<DocumentOf, 'version'>): Fields {
  const nameOf = (id: number): string => dataSources.get(id) ?? String(id);
  if (spec.pipelineType !== 2) {
    const { dataSource, pipelineType, ...rest } = spec;
    const whole = { name, folder, pipelineType, dataSource: nameOf(dataSource), ...rest };
    return lean(whole, (fields) => TaskDocument.safeParse(fields).data);
  }
  const sources = spec.sources.map(({ dataSource, server, databases }) => ({
    dataSource: nameOf(dataSource),
    ...(server === nameOf(dataSource) ? {} : { server }),
    ...(databases.length === 0 ? {} : { databases }),
  }));
  const virtualTables = spec.virtualTables.map((table) =>
    lean(table, (fields) => VirtualTable.safeParse(fields).data),
  );
  // Each list was made lean by itself, and is what the others are looked at with.
  const { sources: _sources, virtualTables: _tables, pipelineType, ...rest } = spec;
  const whole = { name, folder, pipelineType, ...rest };
  const kept = lean(whole, (fields) => TaskDocument.safeParse({ ...fields, sources, virtualTables }).data);
  return { ...kept, sources, virtualTables };
}

/** Without the fields that come out the same when they are left out. */
function lean(fields: Readonly<Fields>, read: (fields: Fields) => object | undefined): Fields {
  const kept: Fields = { ...fields };
  for (const [name, value] of Object.entries(fields)) {
    // Said in every document, so that who reads it knows what it is.
    if (name === 'pipelineType') continue;
    const { [name]: _, ...without } = kept;
    const found = read(without) as Fields | undefined;
    if (found !== undefined && isDeepStrictEqual(found[name], value)) delete kept[name];
  }
  return kept;
}

/** A document that `readDocuments` takes; the same one for the same spec. */
export function writeDocument(of: DocumentOf): string {
  const document = new Document(documentFields(of), { aliasDuplicateObjects: false });
  const { contents } = document;
  if (isMap(contents))
    for (const { key, value } of contents.items) {
      const name = String(key);
      if (name === 'pipelineType') comment(value as Node, PIPELINES[of.spec.pipelineType]);
      if (name === 'syncMode') comment(value as Node, SYNC_MODES[of.spec.syncMode]);
    }
  shorten(contents as Node | null);
  const head = [
    `# The task ${oneLine(of.name)} of Sluice: ${of.version === null ? 'its draft' : `version ${of.version}`}.`,
    '# What is not here has its default. Data sources are named; their connections and passwords are not in here.',
    '# sluice task apply -f FILE makes this the draft of the task of this name.',
  ];
  return `---\n${head.join('\n')}\n${document.toString({ lineWidth: 0, flowCollectionPadding: true })}`;
}

const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ');

function comment(node: Node, text: string): void {
  node.comment = ` ${text}`;
}

/** A table, a shard, a rule: a line each. */
function shorten(node: unknown): void {
  if (isMap(node))
    for (const { key, value } of node.items) {
      if (LINES.has(String(key))) {
        if (isMap(value)) value.flow = true;
        else if (isSeq(value)) for (const item of value.items) if (isMap(item)) item.flow = true;
      }
      shorten(value);
    }
  else if (isSeq(node)) for (const item of node.items) shorten(item);
}
