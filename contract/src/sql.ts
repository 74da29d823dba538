import { z } from 'zod';

export const SqlRequest = z.strictObject({
  sql: z.string().min(1).max(1_000_000),
  /** Rows; 0 for all. */
  limit: z.int().min(0).max(10_000_000).default(1000),
});
export type SqlRequest = z.input<typeof SqlRequest>;

/** A value as JSON; what a JSON number cannot hold exactly (long, decimal) is a string. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

export const SqlResult = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.array(z.json())),
  /** There were more rows than the limit. */
  truncated: z.boolean(),
});
export type SqlResult = z.infer<typeof SqlResult>;
