import { isDeepStrictEqual } from 'node:util';
import type { SpecChange } from '@sluice/contract';

type Fields = Readonly<Record<string, unknown>>;

/** By what an element of a list is the same one before and after; elements that have none of these, by all of them. */
const IDENTITY: readonly (readonly string[])[] = [['schema', 'table'], ['name'], ['dataSource'], ['part']];

/**
 * What differs between two specs (or documents), place by place. Nothing where they are the same; the order of a
 * list is told where nothing else of it differs.
 */
export function differences(before: Fields, after: Fields): SpecChange[] {
  return ofFields('', before, after);
}

function ofFields(at: string, before: Fields, after: Fields): SpecChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => ofValues(at === '' ? name : `${at}.${name}`, before[name], after[name]));
}

function ofValues(at: string, before: unknown, after: unknown): SpecChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return ofLists(at, before, after);
  if (isFields(before) && isFields(after)) return ofFields(at, before, after);
  return [{ at, before: shown(before), after: shown(after) }];
}

function ofLists(at: string, before: readonly unknown[], after: readonly unknown[]): SpecChange[] {
  const [old, now] = [keyed(before), keyed(after)];
  const gone = [...old].filter(([key]) => !now.has(key));
  const come = [...now].filter(([key]) => !old.has(key));
  const stayed = [...now].filter(([key]) => old.has(key));
  const changes = [
    ...gone.map(([, element]) => ({ at, before: shown(element), after: null })),
    ...come.map(([, element]) => ({ at, before: null, after: shown(element) })),
    ...stayed.flatMap(([key, element]) => ofValues(`${at}[${label(element)}]`, old.get(key), element)),
  ];
  return changes.length > 0 ? changes : [{ at, before: 'in another order', after: 'in this order' }];
}

/** A list that holds one thing twice keeps both: the second is another one. */
function keyed(list: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const element of list) {
    const key = identityOf(element);
    let free = key;
    for (let again = 2; found.has(free); again++) free = `${key} ${again}`;
    found.set(free, element);
  }
  return found;
}

function identityOf(element: unknown): string {
  const names = isFields(element) ? naming(element) : undefined;
  return JSON.stringify(names === undefined ? element : names.map((name) => (element as Fields)[name]));
}

function label(element: unknown): string {
  const names = isFields(element) ? naming(element) : undefined;
  return names === undefined
    ? (shown(element) ?? '')
    : names.map((name) => String((element as Fields)[name])).join('.');
}

/** A shard is a server's and a database's too: it is compared as a whole. */
const naming = (element: Fields): readonly string[] | undefined =>
  'server' in element && 'table' in element
    ? undefined
    : IDENTITY.find((names) => names.every((name) => name in element));

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown): string | null =>
  value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);
