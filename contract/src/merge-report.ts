import { z } from 'zod';
import { ShardPart } from './merge.ts';
import { Id, Problem, TableRef } from './primitives.ts';

/** Shards in messages and reports; more are counted. */
export const NAMED_SHARDS = 5;

/** Shards that have something in common: how many, and the first of them by name. */
const Shards = z.object({ count: z.int(), names: z.array(z.string()) });

/** A database that was looked at. */
const ReportedDatabase = z.object({
  name: z.string(),
  tables: z.int().describe('tables that it has'),
  matched: z.int().describe('those of them that belong to a virtual table'),
  error: Problem.nullable().describe('why it could not be read'),
});

const ReportedShard = z.object({
  server: z.string(),
  database: z.string(),
  schema: z.string(),
  table: z.string(),
  estimatedRows: z.number().nullable(),
  problem: Problem.nullable().describe('why it cannot be merged as it is'),
});

const MergedColumn = z.object({
  name: z.string(),
  type: z.string(),
  nullable: z.boolean(),
  inKey: z.boolean(),
  extended: ShardPart.nullable().describe('the part of the source that it holds'),
});

/** A column that not every shard has alike. */
const ColumnDifference = z.object({
  column: z.string(),
  /** null where the shards' types have no common one. */
  merged: z.object({ type: z.string(), nullable: z.boolean() }).nullable(),
  definitions: z.array(
    z.object({ native: z.string(), type: z.string(), nullable: z.boolean(), shards: Shards }),
  ),
  missingIn: Shards,
});

export const MERGE_REFUSALS = [
  'pk column different',
  'pk column type mismatch',
  'invalid modify column',
  'column name case',
  'extended field collision',
  'shard shared',
  'shard not readable',
  'nothing matched',
  'shard missing',
] as const;
export type MergeRefusalKind = (typeof MERGE_REFUSALS)[number];

const Refusal = z.object({ kind: z.enum(MERGE_REFUSALS), message: z.string(), remedy: z.string() });

const ReportedVirtualTable = z.object({
  name: z.string(),
  target: TableRef,
  shards: z.array(ReportedShard),
  /** The merged schema; where something is refused, as far as it can be told. */
  columns: z.array(MergedColumn),
  differences: z.array(ColumnDifference),
  refusals: z.array(Refusal),
});

/** What a merge would come to, before anything is read or written. `passed`: nothing is refused. */
export const MergeReport = z.object({
  passed: z.boolean(),
  sources: z.array(
    z.object({
      server: z.string(),
      dataSource: z.object({ id: Id, name: z.string() }),
      databases: z.array(ReportedDatabase),
      error: Problem.nullable(),
    }),
  ),
  virtualTables: z.array(ReportedVirtualTable),
});
export type MergeReport = z.infer<typeof MergeReport>;
export type ReportedVirtualTable = z.infer<typeof ReportedVirtualTable>;
export type ReportedDatabase = z.infer<typeof ReportedDatabase>;
