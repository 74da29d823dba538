import type { Column } from '../../model/table.ts';

/** Types that write the same bytes as the same text. */
const WRITTEN_ALIKE: readonly (readonly string[])[] = [
  ['text', 'character varying', 'character', 'bpchar', 'citext'],
  ['bit', '"bit"', 'bit varying'],
];

/**
 * Whether a column whose rows PostgreSQL has not rewritten has each value as it was. The bytes are the same, but another
 * type may write them otherwise: cidr as inet, xml as text, int as oid. A modifier (a length, a precision) is not
 * looked at when a value is written.
 */
export function keepsValues(before: Column, after: Column): boolean {
  if (before.native === after.native) return true;
  const [was, now] = [typeName(before.native), typeName(after.native)];
  if (was === now) return true;
  const [wasElement, nowElement] = [elementName(was), elementName(now)];
  return (
    was.endsWith('[]') === now.endsWith('[]') &&
    WRITTEN_ALIKE.some((family) => family.includes(wasElement) && family.includes(nowElement))
  );
}

/** Without the modifier, which stands anywhere in the name but not in its quotes: timestamp(3) without time zone. */
function typeName(native: string): string {
  const bare = native.replace(/"(?:[^"]|"")*"|\([^)]*\)/g, (part) => (part.startsWith('"') ? part : ''));
  // The fields of an interval are its modifier too.
  return bare.replace(/^interval [a-z ]+/, 'interval');
}

/** An extension's type is in whatever schema it was made in. */
function elementName(name: string): string {
  return name.replace(/\[\]$/, '').replace(/^.*\.(?=citext$)/, '');
}
