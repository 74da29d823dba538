import { z } from 'zod';
import { TableRef } from './primitives.ts';
import { MirrorTable } from './task.ts';

/** The tables of a mirror as a file, as it was uploaded. */
export const TableFile = z.strictObject({
  format: z.enum(['csv', 'yaml']),
  text: z.string().min(1).max(8_000_000),
});
export type TableFile = z.infer<typeof TableFile>;

/** What a file of tables says: what a spec's `tables` takes, and the lines whose table the source does not have. */
export const TableFileContent = z.object({
  tables: z.array(MirrorTable),
  missing: z.array(TableRef.extend({ line: z.int() })),
});
export type TableFileContent = z.infer<typeof TableFileContent>;
