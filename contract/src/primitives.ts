import { z } from 'zod';

/** The id, or the name, of a thing: what the command line takes. A text of digits only is an id. */
export const Reference = z.string().min(1).max(256).describe('id or name');

export const Id = z.int().positive();

/** What people call a thing. Never only digits: those are ids. */
export const Name = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => name.trim() === name, 'must not begin or end with a space')
  .refine((name) => !/^\d+$/.test(name), 'must not be digits only: those are ids')
  .refine((name) => !/\p{Cc}/u.test(name), 'must not hold control characters');

/** ISO 8601, UTC. */
export const Time = z.string();

/** A table's name: its parts as they are, case, spaces and quotes included. */
export const TableRef = z.strictObject({
  schema: z.string().min(1).max(256),
  table: z.string().min(1).max(256),
});
export type TableRef = z.infer<typeof TableRef>;

/** A table of a task's source. */
export const SourceTable = TableRef.extend({
  shard: z
    .string()
    .optional()
    .describe('of a sharded-table merge: the server, or server/database, that it is in'),
});
export type SourceTable = z.infer<typeof SourceTable>;

/** An error as it is kept and shown. */
export const Problem = z.object({ code: z.string(), message: z.string(), remedy: z.string() });
export type Problem = z.infer<typeof Problem>;

/**
 * The name of a table as people type it: `orders`, `shop.orders`, `"odd.schema"."a ""b"""`. Without quotes a part is
 * taken as it is, upper case included, up to the dot.
 * @returns null where the text is no such name; `schema` null where only the table is named
 */
export function parseTableName(text: string): { schema: string | null; table: string } | null {
  const part = '(?:"((?:[^"]|"")+)"|([^".]+))';
  const match = new RegExp(`^(?:${part}\\.)?${part}$`, 's').exec(text);
  if (match === null) return null;
  const read = (quoted: string | undefined, bare: string | undefined) =>
    quoted !== undefined ? quoted.replaceAll('""', '"') : bare;
  const table = read(match[3], match[4]);
  return table === undefined ? null : { schema: read(match[1], match[2]) ?? null, table };
}
