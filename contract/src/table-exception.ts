import { z } from 'zod';
import { Id, Problem, SourceTable, TableRef, Time } from './primitives.ts';

/**
 * How a column of the source differs from the target's. A length, a default or an order that the lake does not have is
 * no difference.
 */
export const COLUMN_DIFFERENCES = ['added', 'dropped', 'renamed', 'widened', 'retyped', 'key'] as const;
export type ColumnDifference = (typeof COLUMN_DIFFERENCES)[number];

const Side = z.object({
  name: z.string(),
  type: z.string().describe("the source's own: numeric(10,2); the lake's: decimal(10, 2)"),
  nullable: z.boolean(),
  inKey: z.boolean(),
});

/** A column of a table at its source and in its target, side by side; null: that side does not have it. */
export const ColumnSides = z.object({
  source: Side.nullable(),
  target: Side.nullable(),
  differs: z.array(z.enum(COLUMN_DIFFERENCES)).describe('empty: nothing'),
});
export type ColumnSides = z.infer<typeof ColumnSides>;

/** A table that something is wrong with: on the blocklist, or with an error of another kind. */
export const TableException = z.object({
  id: Id,
  source: SourceTable,
  target: TableRef,
  state: z.string(),
  blocklisted: z.boolean(),
  since: Time.describe('when it came into this state'),
  error: Problem,
  waiting: z
    .object({ changes: z.int(), bytes: z.int() })
    .nullable()
    .describe('changes of it that are kept and not applied; null: none are kept'),
  startsWith: z
    .enum(['changes', 'load'])
    .nullable()
    .describe(
      'what `start-table` does after the mend: applies the changes that were kept, or loads the table anew; null: it cannot be started',
    ),
  differs: z.boolean().describe('whether any column differs'),
  columns: z.array(ColumnSides).describe('of both sides, as they were known last'),
});
export type TableException = z.infer<typeof TableException>;
