import { z } from 'zod';

/** Ids are numbers in the answers, and what a person says is a name: a tool takes both. */
const reference = (what: string) =>
  z.union([z.int().positive(), z.string().min(1).max(256)]).describe(`id or name of ${what}`);

export const DATA_SOURCE = reference('the data source');
export const FOLDER = reference('the folder');
export const TASK = reference('the task');
export const TABLES = z
  .array(z.union([z.int().positive(), z.string().min(1).max(300)]))
  .min(1)
  .max(10_000)
  .describe('names as at the source (`schema.table`), or ids as list_task_tables has them');
/** Clients give up after a minute, most of them. */
export const WAIT_SECONDS = z.int().min(0).max(300).default(45);
