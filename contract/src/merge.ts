import { z } from 'zod';
import { Id, Name, TableRef } from './primitives.ts';

/**
 * The configuration of a sharded-table merge (pipeline type 2): which source tables, of which servers, become which
 * target table. A *shard* is one source table; a *virtual table* is the named set of shards behind one target.
 */

/** The parts of a shard's name. MySQL has no schemas of its own: there the schema is the database. */
export const SHARD_PARTS = ['server', 'database', 'schema', 'table'] as const;
export const ShardPart = z.enum(SHARD_PARTS);
export type ShardPart = z.infer<typeof ShardPart>;

/** As data sources hold them; longer than any server allows. */
const PartName = z.string().min(1).max(256);

const Pattern = z
  .string()
  .min(1)
  .max(1000)
  .describe('regular expression (RE2) that the whole name must match; case counts');

/** Parts without a pattern match any name. */
export const ShardRule = z
  .strictObject({
    server: Pattern.optional(),
    database: Pattern.optional(),
    schema: Pattern.optional(),
    table: Pattern.optional(),
  })
  .refine((rule) => Object.values(rule).some((pattern) => pattern !== undefined), {
    error: 'needs a pattern for at least one of server, database, schema and table',
  });
export type ShardRule = z.infer<typeof ShardRule>;

/** One source table. Without a schema: the database's own name (MySQL, MariaDB); PostgreSQL needs it. */
export const ShardName = z.strictObject({
  server: PartName,
  database: PartName,
  schema: PartName.optional(),
  table: PartName,
});
export type ShardName = z.infer<typeof ShardName>;

/** A column of the target that says where a row came from. */
export const ExtendedField = z.strictObject({
  part: ShardPart,
  name: PartName.refine((name) => !['_op', '_source_ts'].includes(name.toLowerCase()), {
    error: 'is a column that every target has',
  }),
});
export type ExtendedField = z.infer<typeof ExtendedField>;

const extendedFieldsOf = z
  .array(ExtendedField)
  .max(SHARD_PARTS.length)
  .refine((fields) => allDiffer(fields.map(({ part }) => part)), {
    error: 'names a part of the source twice',
  })
  .refine((fields) => allDiffer(fields.map(({ name }) => name.toLowerCase())), {
    error: 'gives two columns one name; names that differ only in case are one to query engines',
  });

export const VirtualTable = z
  .strictObject({
    name: Name,
    target: TableRef,
    /** Which source tables belong to it: those that any of the rules matches, later ones too; or those named. */
    shards: z.discriminatedUnion('by', [
      z.strictObject({ by: z.literal('rules'), rules: z.array(ShardRule).min(1).max(1000) }),
      z.strictObject({ by: z.literal('tables'), tables: z.array(ShardName).min(1).max(100_000) }),
    ]),
    extendedFields: extendedFieldsOf.default([]),
    /** Whether the extended fields are part of the primary key: rows of equal keys in two shards are two rows. */
    extendedKey: z.boolean().default(false),
  })
  .refine((table) => !table.extendedKey || table.extendedFields.length > 0, {
    path: ['extendedKey'],
    error: 'needs at least one extended field',
  });
export type VirtualTable = z.infer<typeof VirtualTable>;

const databases = z
  .array(PartName)
  .max(10_000)
  .default([])
  .describe('only these are looked at; none: each one of the server that a rule can match');

/** A data source of a merge. `server` is what rules and extended fields call it, and stays when it is renamed. */
export const MergeSource = z.strictObject({ dataSource: Id, server: PartName, databases });
export type MergeSource = z.infer<typeof MergeSource>;

/** The same as a caller sends it: by id or name; `server` is the data source's name where it is left out. */
export const MergeSourceInput = z.strictObject({
  dataSource: z.union([Id, z.string().min(1)]),
  server: PartName.optional(),
  databases,
});

/** A file of virtual tables, as it was uploaded. What it does not say of extended fields is taken from here. */
export const VirtualTableFile = z.strictObject({
  format: z.enum(['csv', 'yaml']),
  text: z.string().min(1).max(8_000_000),
  extendedFields: extendedFieldsOf.optional(),
  extendedKey: z.boolean().optional(),
});
export type VirtualTableFile = z.infer<typeof VirtualTableFile>;

/** What of a merge is saved; the rest of its spec is common to all tasks (task.ts). */
export const mergeFields = {
  pipelineType: z.literal(2),
  sources: z
    .array(MergeSource)
    .min(1)
    .max(1000)
    .refine((sources) => allDiffer(sources.map(({ server }) => server)), {
      error: 'calls two data sources by one name; give one of them another with `server`',
    }),
  virtualTables: z
    .array(VirtualTable)
    .min(1, 'needs at least one virtual table')
    .max(10_000)
    .refine((tables) => allDiffer(tables.map(({ name }) => name)), {
      error: 'names two virtual tables alike',
    })
    .refine((tables) => allDiffer(tables.map(({ target }) => blind(target))), {
      error:
        'leads two virtual tables to one target; names that differ only in case are one to query engines',
    }),
};

export const mergeInputFields = {
  pipelineType: z.literal(2),
  sources: z.array(MergeSourceInput).min(1).max(1000),
  virtualTables: z.array(VirtualTable).max(10_000).default([]),
  virtualTableFile: VirtualTableFile.optional(),
};

function allDiffer(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}

const blind = ({ schema, table }: TableRef): string => JSON.stringify([schema, table]).toLowerCase();
