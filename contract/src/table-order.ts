import { z } from 'zod';
import { Id, SourceTable } from './primitives.ts';

/** What can be ordered for single tables of a task, while its other tables flow (`sluice task cdc …`). */
export const TABLE_ORDERS = [
  'prioritize',
  'cancel',
  'pause',
  'recover',
  'resync',
  'backfill',
  'stop',
  'start',
] as const;
export type TableOrder = (typeof TABLE_ORDERS)[number];

/** What each order is for, and whether the server asks first: it then drops changes or reads tables again. */
export const TABLE_ORDER_RULES: Readonly<
  Record<TableOrder, { readonly summary: string; readonly asks: boolean }>
> = {
  prioritize: { summary: 'Load these tables before the others that wait', asks: false },
  cancel: { summary: 'Give up the full load or the backfill of these tables', asks: true },
  pause: { summary: 'Keep the changes of these tables and apply none', asks: false },
  recover: { summary: 'Resume paused tables where they were paused', asks: false },
  resync: { summary: 'Load these tables anew beside what is visible, then swap', asks: true },
  backfill: { summary: 'Read the rows that a filter matches again, deletes included', asks: true },
  stop: { summary: 'Drop the changes of these tables; what is visible stays', asks: true },
  start: { summary: 'Start tables that were stopped or are on the blocklist', asks: true },
};

export const OrderTables = z
  .strictObject({
    order: z.enum(TABLE_ORDERS),
    /** Ids as the list of tables has them, or names: `schema.table` of the source, `table` where it is the only one. */
    tables: z
      .array(z.union([Id, z.string().min(1).max(300)]))
      .min(1)
      .max(10_000),
    where: z.string().max(10_100).optional().describe('backfill only: which rows'),
    /** Orders that drop changes or read tables again are carried out only when this is true. */
    confirm: z.boolean().default(false),
  })
  .refine((body) => (body.order === 'backfill') === (body.where !== undefined), {
    path: ['where'],
    error: 'is given with the order backfill, and only then',
  });
export type OrderTables = z.input<typeof OrderTables>;

export const TableOrderResult = z.object({
  id: Id,
  source: SourceTable,
  order: z.enum(TABLE_ORDERS),
  outcome: z
    .enum(['done', 'refused', 'waiting'])
    .describe(
      'waiting: the run carries it out as soon as it can; a task that does not run, when it is started',
    ),
  reason: z.string().nullable().describe('why it was refused'),
  state: z.string().describe("the table's state after it"),
});
export type TableOrderResult = z.infer<typeof TableOrderResult>;
