import {
  type DataSource,
  dsTypeWord,
  type MergeSpec,
  type MirrorSpec,
  SluiceError,
  type TaskSpec,
  type TaskSpecInput,
  TaskSpecInput as TaskSpecSchema,
} from '@sluice/contract';
import { z } from 'zod';

const NamePart = z.string().min(1).max(256);

/** What is synced, in the words of the reference: `schemaName` is the database where nothing else is said. */
export const SyncObject = z.strictObject({
  databaseName: NamePart.optional().describe(
    'PostgreSQL: the database, where it is not that of the data source',
  ),
  schemaName: NamePart.optional().describe(
    'MySQL, MariaDB: the database. PostgreSQL: the schema; with pipeline_type 3 and no databaseName, the database',
  ),
  tableName: NamePart.optional().describe('pipeline_type 1: the table'),
  targetSchemaName: NamePart.optional().describe(
    'of the table in the lakehouse, where the naming rules are not to name it',
  ),
  targetTableName: NamePart.optional(),
});
export type SyncObject = z.output<typeof SyncObject>;

const merge = TaskSpecSchema.options[1].shape;

export const CDC_FIELDS = {
  pipeline_type: z
    .union([z.literal(1), z.literal(2), z.literal(3)])
    .describe(
      '1 multi-table mirror: the tables named · 2 sharded-table merge · 3 full-database mirror: all, later ones too',
    ),
  source_datasource_list: z
    .array(
      z.strictObject({
        datasourceId: z.union([z.int().positive(), z.string().min(1)]).describe('id or name'),
        datasourceType: z.int().optional().describe('ds_type; must be that of the data source'),
        server: NamePart.optional().describe('pipeline_type 2: what rules and extended fields call it'),
        databases: z.array(NamePart).optional().describe('pipeline_type 2: only these are looked at'),
      }),
    )
    .min(1)
    .max(1000)
    .describe('one; pipeline_type 2 takes several'),
  sync_object_list: z
    .array(SyncObject)
    .max(100_000)
    .default([])
    .describe(
      'pipeline_type 3: [{"schemaName": "<database>"}] · 1: [{"schemaName": "<db>", "tableName": "<table>"}, …] · 2: none',
    ),
  virtual_tables: merge.virtualTables
    .optional()
    .describe('pipeline_type 2: which shards become which target table'),
  virtual_table_file: merge.virtualTableFile.describe('pipeline_type 2: the same as a CSV or YAML file'),
  target_datasource: z
    .strictObject({ datasourceId: z.int().min(0).optional(), datasourceType: z.literal(1).optional() })
    .default({})
    .describe('the lakehouse of this server; there is no other target'),
  sync_mode: z
    .union([z.literal(1), z.literal(2)])
    .optional()
    .describe('1 full load, then changes (the default) · 2 changes only'),
  save_mode: z
    .union([z.literal(1), z.literal(2)])
    .default(2)
    .describe('1: replaces what was saved before · 2: adds to it'),
  target_schema: NamePart.optional().describe('naming rule, such as {SOURCE_SCHEMA}'),
  target_table: NamePart.optional().describe('naming rule, such as {SOURCE_TABLE}'),
};
const CdcArguments = z.strictObject(CDC_FIELDS);
export type CdcArguments = z.output<typeof CdcArguments>;

const refused = (message: string, remedy: string): SluiceError =>
  new SluiceError('INVALID_REQUEST', message, { remedy });

/**
 * The draft that the arguments come to, beside what was saved before.
 * @throws SluiceError INVALID_REQUEST
 */
export function cdcDraft(
  args: CdcArguments,
  sources: readonly DataSource[],
  saved: TaskSpec | null,
): TaskSpecInput {
  const fresh = args.pipeline_type === 2 ? mergeOf(args, sources) : mirrorOf(args, sources);
  if (saved === null) return fresh;
  if (args.save_mode === 2) return joined(saved, fresh);
  // It is what is synced that is replaced, not how.
  return { ...fresh, parameters: saved.parameters, vcluster: saved.vcluster };
}

function sourceOf(
  { datasourceId, datasourceType }: CdcArguments['source_datasource_list'][number],
  sources: readonly DataSource[],
): DataSource {
  const text = String(datasourceId);
  const found = sources.find((one) => (/^\d+$/.test(text) ? one.id === Number(text) : one.name === text));
  if (found === undefined)
    throw refused(`There is no data source ${text}.`, 'list_data_sources shows what there is.');
  if (datasourceType !== undefined && datasourceType !== found.dsType)
    throw refused(
      `The data source ${found.name} is of ds_type ${found.dsType}, not ${datasourceType}.`,
      'Leave datasourceType out, or name the data source that is meant.',
    );
  return found;
}

type MirrorInput = Extract<TaskSpecInput, { pipelineType?: 1 | 3 | undefined }>;
type MergeInput = Extract<TaskSpecInput, { pipelineType: 2 }>;

function mirrorOf(args: CdcArguments, sources: readonly DataSource[]): MirrorInput {
  const [only, ...others] = args.source_datasource_list;
  if (only === undefined || others.length > 0)
    throw refused(
      'A mirror reads one data source.',
      'Make a task for each, or merge shards with pipeline_type 2.',
    );
  const source = sourceOf(only, sources);
  const whole = args.pipeline_type === 3;
  const places = args.sync_object_list.map((one) => placeOf(one, source, whole));
  const databases = [...new Set(places.map(({ database }) => database))];
  const [database] = databases;
  if (database === undefined)
    throw refused('sync_object_list is empty.', 'Name the database, or the tables, to be synced.');
  if (databases.length > 1)
    throw refused(
      `A mirror is of one database; these are of ${databases.join(', ')}.`,
      'Make a task for each.',
    );
  const schemas = places.map(({ schema }) => schema);
  return {
    dataSource: source.id,
    database,
    pipelineType: whole ? 3 : 1,
    // Where one object is the whole database, the others add nothing.
    schemas: whole && !schemas.includes(null) ? [...new Set(schemas as string[])] : [],
    tables: whole ? [] : places.map(tableOf),
    ...(args.sync_mode === undefined ? {} : { syncMode: args.sync_mode }),
    ...(args.target_schema === undefined ? {} : { targetSchema: args.target_schema }),
    ...(args.target_table === undefined ? {} : { targetTable: args.target_table }),
  };
}

interface Place {
  readonly database: string;
  readonly schema: string | null;
  readonly object: SyncObject;
}

function placeOf(object: SyncObject, source: DataSource, whole: boolean): Place {
  const { databaseName, schemaName, tableName } = object;
  if (!whole && (schemaName === undefined || tableName === undefined))
    throw refused(
      `pipeline_type 1 wants schemaName and tableName of each object: ${JSON.stringify(object)}.`,
      'list_metadata_objects has both. The whole database is pipeline_type 3.',
    );
  if (whole && tableName !== undefined)
    throw refused(
      `pipeline_type 3 takes no tables: ${JSON.stringify(object)}.`,
      'Tables are pipeline_type 1.',
    );
  if (hasSchemas(source)) {
    if (!whole) return { database: databaseName ?? source.database, schema: schemaName ?? null, object };
    const schema = databaseName === undefined ? null : (schemaName ?? null);
    return { database: databaseName ?? schemaName ?? source.database, schema, object };
  }
  const database = databaseName ?? schemaName ?? source.database;
  if (schemaName !== undefined && schemaName !== database)
    throw refused(
      `databaseName and schemaName differ (${database}, ${schemaName}), and ${source.type} has no schemas of its own.`,
      'Give schemaName only: it is the database.',
    );
  return { database, schema: whole ? null : database, object };
}

const hasSchemas = (source: DataSource): boolean => /postgres/.test(dsTypeWord(source.dsType) ?? '');

function tableOf({ schema, object }: Place): NonNullable<MirrorInput['tables']>[number] {
  const { tableName = '', targetSchemaName, targetTableName } = object;
  const target = {
    ...(targetSchemaName === undefined ? {} : { schema: targetSchemaName }),
    ...(targetTableName === undefined ? {} : { table: targetTableName }),
  };
  return { schema: schema ?? '', table: tableName, ...(Object.keys(target).length === 0 ? {} : { target }) };
}

function mergeOf(args: CdcArguments, sources: readonly DataSource[]): MergeInput {
  if (args.sync_object_list.length > 0)
    throw refused(
      'pipeline_type 2 takes virtual_tables or virtual_table_file, and no sync_object_list.',
      'Say by rules or by name which shards become which table.',
    );
  return {
    pipelineType: 2,
    sources: args.source_datasource_list.map((one) => ({
      dataSource: sourceOf(one, sources).id,
      ...(one.server === undefined ? {} : { server: one.server }),
      ...(one.databases === undefined ? {} : { databases: one.databases }),
    })),
    virtualTables: args.virtual_tables ?? [],
    ...(args.virtual_table_file === undefined ? {} : { virtualTableFile: args.virtual_table_file }),
    ...(args.sync_mode === undefined ? {} : { syncMode: args.sync_mode }),
  };
}

/** Save mode 2: what was saved stays, and of what both name the new one counts. */
function joined(saved: TaskSpec, fresh: TaskSpecInput): TaskSpecInput {
  if (saved.pipelineType === 2 || fresh.pipelineType === 2) {
    if (saved.pipelineType !== 2 || fresh.pipelineType !== 2) throw otherKind();
    return joinedMerge(saved, fresh);
  }
  const mirror = fresh as MirrorInput;
  if (
    saved.pipelineType !== mirror.pipelineType ||
    saved.dataSource !== mirror.dataSource ||
    saved.database !== mirror.database
  )
    throw otherKind();
  return joinedMirror(saved, mirror);
}

function joinedMirror(saved: MirrorSpec, fresh: MirrorInput): MirrorInput {
  const all = saved.schemas.length === 0 || fresh.schemas?.length === 0;
  const nameOf = ({ schema, table }: { schema: string; table: string }) => JSON.stringify([schema, table]);
  return {
    ...saved,
    ...fresh,
    schemas: all ? [] : [...new Set([...saved.schemas, ...(fresh.schemas ?? [])])],
    tables: union(saved.tables, fresh.tables ?? [], nameOf),
  };
}

function joinedMerge(saved: MergeSpec, fresh: MergeInput): MergeInput {
  const sourceName = ({ dataSource }: { dataSource: number | string }) => String(dataSource);
  return {
    ...saved,
    ...fresh,
    sources: union<MergeInput['sources'][number]>(saved.sources, fresh.sources, sourceName),
    virtualTables: union(
      saved.virtualTables as NonNullable<MergeInput['virtualTables']>,
      fresh.virtualTables ?? [],
      ({ name }) => name,
    ),
  };
}

function union<T>(saved: readonly T[], fresh: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map([...saved, ...fresh].map((one) => [keyOf(one), one])).values()];
}

const otherKind = (): SluiceError =>
  refused(
    'The task is saved as another kind, or of another data source or database: nothing can be added to that.',
    'save_mode 1 replaces what was saved.',
  );
