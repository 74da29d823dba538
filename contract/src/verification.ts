import { z } from 'zod';
import type { Route } from './api.ts';
import { Id, Problem, Reference, SourceTable, TableRef, Time } from './primitives.ts';

export const StartVerification = z.strictObject({
  tables: z
    .array(z.string().min(1).max(300))
    .max(10_000)
    .default([])
    .describe(
      '`schema.table` of the source, or `table`; of a merge also `server/database.table`; none: all that are live',
    ),
});
export type StartVerification = z.input<typeof StartVerification>;

/**
 * missing   the source has the row, the lake has not
 * extra     the lake has it, the source has not
 * changed   both have it, with different values
 */
export const DIFFERENCES = ['missing', 'extra', 'changed'] as const;
export type Difference = (typeof DIFFERENCES)[number];

export const ColumnFigures = z.object({
  column: z.string(),
  sourceType: z.string().describe('as the source writes it'),
  lakeType: z.string().nullable(),
  mapping: z
    .enum(['exact', 'wider', 'other', 'missing'])
    .describe(
      'exact: the type that the mapping gives; wider: one that holds all of it; other: values that do not fit differ; missing: no such column',
    ),
  sourceNulls: z.int(),
  lakeNulls: z.int(),
});
export type ColumnFigures = z.infer<typeof ColumnFigures>;

export const FollowedChange = z.object({
  committedAt: Time.describe('at the source, by its clock'),
  visibleAt: Time.describe('in the lake'),
  ms: z.number(),
});
export type FollowedChange = z.infer<typeof FollowedChange>;

export const TableVerdict = z.object({
  source: SourceTable,
  target: TableRef,
  verdict: z
    .enum(['equal', 'different', 'unsettled', 'skipped'])
    .describe('unsettled: some rows changed at the source at every look, and no other differs'),
  reason: z.string().nullable().describe('why it was skipped'),
  sourceRows: z.int(),
  lakeRows: z.int(),
  missing: z.int(),
  extra: z.int(),
  changed: z.int(),
  unsettled: z.int(),
  /** The first of the differing keys, as text by column. */
  examples: z.array(
    z.object({ difference: z.enum(DIFFERENCES), key: z.record(z.string(), z.string().nullable()) }),
  ),
  repair: z
    .array(z.string())
    .nullable()
    .describe('conditions for backfills that bring just the differing rows over again; null: there are none'),
  looks: z.int().describe('how often keys that differed were looked at again'),
  freshnessMs: z.number().nullable().describe('the longest time from the end of the log to its visibility'),
  followed: FollowedChange.nullable().describe(
    'a change that arrived meanwhile, the oldest of its commit; null: none did',
  ),
  columns: z.array(ColumnFigures).describe('types and nulls by column, of all rows as they were first read'),
  ops: z
    .record(z.string(), z.int())
    .describe('the rows of the lake by _op: what last made them (I insert or full load, U update)'),
  seconds: z.number(),
});
export type TableVerdict = z.infer<typeof TableVerdict>;

export const Verification = z.object({
  id: Id,
  taskId: Id,
  by: z.string().describe('who asked for it; schedule: verify_interval'),
  state: z.enum(['running', 'done', 'failed']),
  startedAt: Time,
  endedAt: Time.nullable(),
  equal: z.boolean().nullable().describe('whether no table differs; null while it runs'),
  error: Problem.nullable(),
  tables: z.array(TableVerdict),
});
export type Verification = z.infer<typeof Verification>;

const ByRef = z.strictObject({ ref: Reference });

/** Whether the lake holds what the source holds. */
export const VERIFICATION_API = {
  startVerification: {
    method: 'POST',
    path: '/tasks/:ref/verifications',
    summary: 'Compare the tables of a running task with the source, row by row, while it goes on',
    params: ByRef,
    body: StartVerification,
    response: Verification,
  },
  listVerifications: {
    method: 'GET',
    path: '/tasks/:ref/verifications',
    summary: 'The last 50 comparisons of a task, newest first',
    params: ByRef,
    response: z.array(Verification),
  },
  getVerification: {
    method: 'GET',
    path: '/verifications/:id',
    summary: 'A comparison; answers when it has ended, or after the timeout',
    params: z.strictObject({ id: z.coerce.number().int().positive() }),
    query: z.strictObject({ timeout: z.coerce.number().min(0).max(3600).default(0).describe('seconds') }),
    response: Verification,
  },
} as const satisfies Record<string, Route>;
