import { z } from 'zod';

/** Lists can be longer than what a model should read at once. */
export const PAGE_FIELDS = {
  limit: z.int().min(1).max(1000).default(100).describe('entries at most'),
  offset: z
    .int()
    .min(0)
    .default(0)
    .describe('entries to leave out at the front: nextOffset of the page before'),
};

export interface Page {
  readonly items: readonly unknown[];
  readonly total: number;
  readonly nextOffset: number | null;
}

export function pageOf(
  list: readonly unknown[],
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Page {
  const end = offset + limit;
  return { items: list.slice(offset, end), total: list.length, nextOffset: end < list.length ? end : null };
}
