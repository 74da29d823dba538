import { badRequest } from './answer.ts';

export interface PageQuery {
  readonly pageToken?: string;
  readonly pageSize?: string;
}

export interface Page {
  readonly names: readonly string[];
  readonly next: string | null;
}

/** A page of names; the token is the last name of the page before, so names that come or go meanwhile do no harm. */
export function pageOf(names: readonly string[], query: PageQuery): Page {
  const sorted = [...names].sort((a, b) => (a < b ? -1 : 1));
  const last = query.pageToken ? Buffer.from(query.pageToken, 'base64url').toString() : null;
  const rest = last === null ? sorted : sorted.filter((name) => name > last);
  if (query.pageSize === undefined) return { names: rest, next: null };
  const size = Number(query.pageSize);
  if (!Number.isInteger(size) || size < 1) throw badRequest('pageSize must be a whole number of 1 or more.');
  const page = rest.slice(0, size);
  const more = rest.length > size;
  return { names: page, next: more ? Buffer.from(page.at(-1) ?? '').toString('base64url') : null };
}
