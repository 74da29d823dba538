import { z } from 'zod';
import { MergeSourceInput, mergeFields } from './merge.ts';
import { Name } from './primitives.ts';
import {
  commonFields,
  mirrorFields,
  PublishedVersion,
  pipelineTypes,
  tablesFit,
  tablesFitMessage,
} from './task.ts';

/**
 * A task as a file holds it: its name and folder, and its spec with data sources by name. Ids say nothing to another
 * server, and what a data source holds (its password above all) stays with it.
 */
const documentFields = { name: Name, folder: Name };
/** Names are never digits only, so that none is taken for an id. */
const DataSourceName = Name;

export const MirrorDocument = z
  .strictObject({ ...documentFields, dataSource: DataSourceName, ...mirrorFields })
  .refine(tablesFit, tablesFitMessage);

export const MergeDocument = z.strictObject({
  ...documentFields,
  ...mergeFields,
  sources: z
    .array(MergeSourceInput.extend({ dataSource: DataSourceName }))
    .min(1)
    .max(1000),
  ...commonFields,
});

export const TaskDocument = z.discriminatedUnion(
  'pipelineType',
  [MirrorDocument, MergeDocument],
  pipelineTypes,
);
export type TaskDocument = z.output<typeof TaskDocument>;

/** Without a version: the draft. */
export const ExportQuery = z.strictObject({ version: z.coerce.number().int().positive().optional() });
export const ExportedTask = z.object({ yaml: z.string() });

export const ApplyTasks = z.strictObject({
  yaml: z.string().min(1).max(8_000_000).describe('documents of tasks, as export writes them'),
  publish: z
    .boolean()
    .default(false)
    .describe('check every draft against its source and publish those that are not the published version'),
  dryRun: z.boolean().default(false).describe('answer what would be done, and do nothing'),
});
export type ApplyTasks = z.output<typeof ApplyTasks>;

/** What differs at one place of a spec. `before` null: was not there; `after` null: is not there any more. */
export const SpecChange = z.object({
  at: z.string().describe('such as parameters.commit_interval, or tables'),
  before: z.string().nullable(),
  after: z.string().nullable(),
});
export type SpecChange = z.infer<typeof SpecChange>;

export const AppliedTask = z.object({
  name: z.string(),
  /** Of the draft. */
  action: z.enum(['created', 'changed', 'unchanged']),
  changes: z.array(SpecChange),
  /** The version that this made; null where none was to be made. A dry run knows neither number nor effect. */
  published: z
    .object({
      version: z.int().nullable(),
      ...PublishedVersion.partial().pick({ takesEffect: true, waits: true }).shape,
    })
    .nullable(),
});
export type AppliedTask = z.infer<typeof AppliedTask>;

export const AppliedTasks = z.object({
  dryRun: z.boolean(),
  /** Folders that did not exist. */
  foldersMade: z.array(z.string()),
  tasks: z.array(AppliedTask),
});
export type AppliedTasks = z.infer<typeof AppliedTasks>;

/** A version's number, or the draft. */
const VersionOrDraft = z.union([z.literal('draft'), z.coerce.number().int().positive()]);
export const DiffQuery = z.strictObject({
  from: VersionOrDraft.optional().describe('the published version where it is left out'),
  to: VersionOrDraft.default('draft'),
});
export const SpecDifference = z.object({
  from: z.union([z.literal('draft'), z.int()]),
  to: z.union([z.literal('draft'), z.int()]),
  changes: z.array(SpecChange),
});
export type SpecDifference = z.infer<typeof SpecDifference>;
