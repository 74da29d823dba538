import { z } from 'zod';
import { mergeFields, mergeInputFields } from './merge.ts';
import { Id, Name, Problem, SourceTable, TableRef, Time } from './primitives.ts';
import { Run } from './run.ts';

/** The reference's task types; only `multi-table-realtime` can be made in this version. */
export const TASK_TYPES = {
  'multi-table-realtime': 281,
  'single-table-realtime': 28,
  batch: 10,
  'multi-table-batch': 291,
} as const;
export type TaskTypeWord = keyof typeof TASK_TYPES;

export function taskTypeWord(code: number): TaskTypeWord | null {
  for (const [word, known] of Object.entries(TASK_TYPES)) if (known === code) return word as TaskTypeWord;
  return null;
}

const naming = (byDefault: string) =>
  z
    .string()
    .min(1)
    .max(512)
    .default(byDefault)
    .refine(
      (text) => (text.match(/\{[^}]*\}/g) ?? []).every((p) => /^\{SOURCE_(DATABASE|SCHEMA|TABLE)\}$/.test(p)),
      'knows the placeholders {SOURCE_DATABASE}, {SOURCE_SCHEMA} and {SOURCE_TABLE} only',
    );

/** A table of a mirror. What of its target's name is said here wins over the naming rules of the task. */
export const MirrorTable = TableRef.extend({
  target: z
    .strictObject({
      schema: z.string().min(1).max(256).optional(),
      table: z.string().min(1).max(256).optional(),
    })
    .refine(({ schema, table }) => schema !== undefined || table !== undefined, {
      error: 'needs a schema or a table',
    })
    .optional(),
});
export type MirrorTable = z.infer<typeof MirrorTable>;

export const commonFields = {
  /** 1 full load and incremental, 2 incremental only. */
  syncMode: z.union([z.literal(1), z.literal(2)]).default(1),
  vcluster: z.string().min(1).default('default_sync'),
  /** parameters.ts */
  parameters: z.record(z.string(), z.string()).default({}),
};

export const mirrorFields = {
  database: z.string().min(1).max(128),
  /** Empty: every schema but the system's. */
  schemas: z.array(z.string().min(1).max(128)).max(10_000).default([]),
  /** Pipeline type 1: the tables. Type 3 takes none. */
  tables: z
    .array(MirrorTable)
    .max(100_000)
    .refine(
      (tables) => {
        const targets = new Map<string, string>();
        return tables.every((one) => {
          const [name, target] = [
            JSON.stringify([one.schema, one.table]),
            JSON.stringify(one.target ?? null),
          ];
          const known = targets.get(name);
          targets.set(name, target);
          return known === undefined || known === target;
        });
      },
      { error: 'gives one table two targets' },
    )
    .default([]),
  /** 1 multi-table mirror, 3 full-database mirror. */
  pipelineType: z.union([z.literal(1), z.literal(3)]).default(3),
  targetSchema: naming('{SOURCE_SCHEMA}'),
  targetTable: naming('{SOURCE_TABLE}'),
  ...commonFields,
};

export const tablesFit = (spec: { pipelineType: 1 | 3; tables: readonly unknown[] }) =>
  spec.pipelineType === 1 ? spec.tables.length > 0 : spec.tables.length === 0;
export const tablesFitMessage = {
  path: ['tables'],
  error: 'pipeline type 1 needs at least one table, and type 3 takes none (it mirrors all of its schemas)',
};

export const pipelineTypes = {
  error: 'is 1 (multi-table mirror), 2 (sharded-table merge) or 3 (full-database mirror)',
};

/** What a mirror syncs, as it is saved and as a run reads it. */
export const MirrorSpec = z
  .strictObject({ dataSource: Id, ...mirrorFields })
  .refine(tablesFit, tablesFitMessage);
export type MirrorSpec = z.infer<typeof MirrorSpec>;

/** What a sharded-table merge syncs (merge.ts). */
export const MergeSpec = z.strictObject({ ...mergeFields, ...commonFields });
export type MergeSpec = z.infer<typeof MergeSpec>;

export const TaskSpec = z.discriminatedUnion('pipelineType', [MirrorSpec, MergeSpec], pipelineTypes);
export type TaskSpec = z.infer<typeof TaskSpec>;

/** The data sources (ids) that a task reads. */
export function dataSourcesOf(spec: TaskSpec): readonly number[] {
  return spec.pipelineType === 2 ? spec.sources.map(({ dataSource }) => dataSource) : [spec.dataSource];
}

export const MirrorSpecInput = z
  .strictObject({ dataSource: z.union([Id, z.string().min(1)]), ...mirrorFields })
  .refine(tablesFit, tablesFitMessage);

export const MergeSpecInput = z.strictObject({ ...mergeInputFields, ...commonFields });
export type MergeSpecInput = z.input<typeof MergeSpecInput>;

/** The same as a caller sends it: data sources by id or by name, virtual tables as a file. */
export const TaskSpecInput = z.discriminatedUnion(
  'pipelineType',
  [MirrorSpecInput, MergeSpecInput],
  pipelineTypes,
);
export type TaskSpecInput = z.input<typeof TaskSpecInput>;

/** What tables are given a name of their own, list by list: a task may have 100,000, and each is asked for. */
const givenTargets = new WeakMap<readonly MirrorTable[], ReadonlyMap<string, MirrorTable['target']>>();

function givenTarget(tables: readonly MirrorTable[], { schema, table }: TableRef): MirrorTable['target'] {
  let given = givenTargets.get(tables);
  if (given === undefined) {
    const named = tables.filter(({ target }) => target !== undefined);
    given = new Map(named.map((one) => [JSON.stringify([one.schema, one.table]), one.target]));
    givenTargets.set(tables, given);
  }
  return given.get(JSON.stringify([schema, table]));
}

/** The target's name of a source table: as the table says itself, else by the spec's naming rules. */
export function targetName(
  spec: Pick<MirrorSpec, 'database' | 'targetSchema' | 'targetTable'> & {
    readonly tables?: readonly MirrorTable[];
  },
  source: TableRef,
): TableRef {
  const fill = (rule: string) =>
    rule.replace(/\{SOURCE_(DATABASE|SCHEMA|TABLE)\}/g, (_, part: string) =>
      part === 'DATABASE' ? spec.database : part === 'SCHEMA' ? source.schema : source.table,
    );
  const given = spec.tables === undefined ? undefined : givenTarget(spec.tables, source);
  return { schema: given?.schema ?? fill(spec.targetSchema), table: given?.table ?? fill(spec.targetTable) };
}

export const Folder = z.object({ id: Id, name: z.string(), tasks: z.int(), createdAt: Time });
export type Folder = z.infer<typeof Folder>;
export const CreateFolder = z.strictObject({ name: Name });
export type CreateFolder = z.infer<typeof CreateFolder>;

export const VCluster = z.object({ id: Id, name: z.string(), type: z.string() });
export type VCluster = z.infer<typeof VCluster>;

export const CreateTask = z.strictObject({
  name: Name,
  folder: z.union([Id, z.string().min(1)]),
  taskType: z.literal(281, 'only 281 (multi-table real-time sync) can be made in this version').default(281),
  spec: TaskSpecInput.optional().describe('the draft; without it, the task is configured later'),
});
export type CreateTask = z.input<typeof CreateTask>;

/**
 * draft: never published, or undeployed · stopped: published, not running · starting … failed: the state of its
 * newest run
 */
export const TASK_STATES = [
  'draft',
  'stopped',
  'starting',
  'running',
  'backing_off',
  'stopping',
  'failed',
] as const;

export const Task = z.object({
  id: Id,
  name: z.string(),
  folder: z.object({ id: Id, name: z.string() }),
  taskType: z.int(),
  type: z.string(),
  state: z.enum(TASK_STATES),
  publishedVersion: z.int().nullable(),
  draft: TaskSpec.nullable().describe('null: not configured yet'),
  createdAt: Time,
  updatedAt: Time,
});
export type Task = z.infer<typeof Task>;

export const TaskVersion = z.object({ version: z.int(), spec: TaskSpec, publishedAt: Time });
export type TaskVersion = z.infer<typeof TaskVersion>;

/** What publishing comes to. */
export const PublishedVersion = TaskVersion.extend({
  takesEffect: z
    .enum(['now', 'at the next start'])
    .describe('now: the run that is under way takes it over, without a restart'),
  waits: z
    .array(z.string())
    .describe('the changes for which a run that is under way goes on with its own version, all of it'),
});
export type PublishedVersion = z.infer<typeof PublishedVersion>;

export const StartTask = z
  .strictObject({
    /** stateless: everything anew · resume: from the saved position (anew where there is none) · custom: from `position` or `time` */
    from: z.enum(['stateless', 'resume', 'custom']).default('resume'),
    /** A GTID set can be long. */
    position: z.string().min(1).max(65_536).optional(),
    time: z.iso
      .datetime({ offset: true })
      .optional()
      .describe(
        'with its zone, such as 2026-07-01T09:30:00Z: from the first transaction at or after it (MySQL, MariaDB)',
      ),
  })
  .refine((start) => start.from === 'custom' || (start.position ?? start.time) === undefined, {
    path: ['position'],
    error: 'and time are given with from=custom, and only then',
  })
  .refine(
    (start) => start.from !== 'custom' || (start.position === undefined) !== (start.time === undefined),
    {
      path: ['position'],
      error: 'or time, one of them, is given with from=custom',
    },
  );
export type StartTask = z.input<typeof StartTask>;

/** What is destroyed is destroyed only when this is true; without it the answer says what would be. */
export const Confirmation = z.strictObject({ confirm: z.boolean().default(false) });

export const UndeployTask = Confirmation.extend({
  force: z
    .boolean()
    .default(false)
    .describe('go on where the source cannot be reached; what it keeps for the task is named in the answer'),
});

export const UndeployResult = z.object({
  /** What was done, sentence by sentence. */
  done: z.array(z.string()),
  keptTables: z.array(TableRef),
});
export type UndeployResult = z.infer<typeof UndeployResult>;

export const TaskStatus = z.object({
  id: Id,
  name: z.string(),
  state: z.enum(TASK_STATES),
  publishedVersion: z.int().nullable(),
  /** The newest run. */
  run: Run.nullable(),
  phase: z.string().nullable().describe('initialization, full_load, incremental'),
  position: z.string().nullable().describe('up to here everything is durable'),
  committedAt: Time.nullable(),
  rowsRead: z.int(),
  rowsWritten: z.int(),
  tables: z.object({
    total: z.int(),
    live: z.int(),
    blocklisted: z.int(),
  }),
  /** The largest latency of the live tables' last commits. */
  latencyMs: z.int().nullable(),
  error: Problem.nullable(),
});
export type TaskStatus = z.infer<typeof TaskStatus>;

/** A table of a task. */
export const TaskTable = z.object({
  id: Id,
  source: SourceTable,
  target: TableRef,
  state: z.string(),
  since: Time.describe('in this state'),
  phase: z
    .string()
    .describe('initialization, full_load, backfill, incremental, paused, stopped, blocklisted, dropped'),
  rowsEstimated: z
    .int()
    .nullable()
    .describe("by the source's statistics, when the full load began; null: it has none"),
  rowsLoaded: z.int(),
  rowsApplied: z.int(),
  /** Of the full load's chunks, from 0 to 1; null before it is planned. */
  loadProgress: z.number().nullable(),
  loadRowsPerSecond: z
    .int()
    .nullable()
    .describe('of the full load under way, lately; null: not known, or none'),
  loadSecondsLeft: z
    .int()
    .nullable()
    .describe('of the full load under way, about; null: not known (or more rows came than were estimated)'),
  readPosition: z.string().nullable().describe('end of the last transaction that is visible in the target'),
  updatedAt: Time.nullable(),
  latencyMs: z.int().nullable(),
  nulledValues: z.int(),
  error: Problem.nullable(),
});
export type TaskTable = z.infer<typeof TaskTable>;

/** How long the commits that changed a table took to become visible. */
export const TableLatency = z.object({
  commits: z.int().describe('of the last hour that were heard of since the server began'),
  p50Ms: z.int().nullable().describe('from the commit at the source until visible, about; null: no commit'),
  p95Ms: z.int().nullable(),
  p99Ms: z.int().nullable(),
  buckets: z.array(
    z.object({
      uptoMs: z.int().nullable().describe('and above that of the bucket before; null: no bound'),
      commits: z.int(),
    }),
  ),
});
export type TableLatency = z.infer<typeof TableLatency>;

export const WaitTask = z.strictObject({
  for: z.enum(['incremental', 'caught-up']),
  timeout: z.coerce.number().min(0).max(3600).default(60).describe('seconds'),
});
export type WaitTask = z.input<typeof WaitTask>;

/** `position`: for caught-up, the source's position of the moment of the call. */
export const WaitResult = z.object({
  reached: z.boolean(),
  position: z.string().nullable(),
  status: TaskStatus,
});
export type WaitResult = z.infer<typeof WaitResult>;
