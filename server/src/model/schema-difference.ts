import { sameType, widens } from './logical-type.ts';
import type { Column, TableSchema } from './table.ts';

/**
 * How a column of the source differs from the target's, seen as a reader of the target sees it: a length, a default
 * or an order that the lake does not have is no difference.
 *   added, dropped   one of the two does not have it
 *   renamed          the same column under another name
 *   widened          its type at the source holds more than the target's, which can follow
 *   retyped          its type at the source is one that the target's cannot become
 *   key              it is part of the key on one side only, or at another place of it
 */
export type ColumnDifference = 'added' | 'dropped' | 'renamed' | 'widened' | 'retyped' | 'key';

/** A column on both sides. At least one of the two is there. */
export interface ColumnPair {
  readonly source: Column | null;
  readonly target: Column | null;
  /** Whether it is part of the key; in the target the key that it was made with. */
  readonly inSourceKey: boolean;
  readonly inTargetKey: boolean;
  readonly differs: readonly ColumnDifference[];
}

/** The columns of a target beside those of its source, in the target's order; what it lacks comes last. */
export function sideBySide(target: TableSchema, source: TableSchema): readonly ColumnPair[] {
  const keys = { source: keyOf(source), target: keyOf(target) };
  const left = new Map(source.columns.map((column) => [column.sourceId, column]));
  const pairs: ColumnPair[] = [];
  for (const column of target.columns) {
    const now = left.get(column.sourceId) ?? null;
    left.delete(column.sourceId);
    pairs.push(pairOf(column, now, keys));
  }
  for (const column of left.values()) pairs.push(pairOf(null, column, keys));
  return pairs;
}

function pairOf(
  target: Column | null,
  source: Column | null,
  keys: { readonly source: readonly number[]; readonly target: readonly number[] },
): ColumnPair {
  const places = {
    source: source === null ? -1 : keys.source.indexOf(source.sourceId),
    target: target === null ? -1 : keys.target.indexOf(target.sourceId),
  };
  const differs: ColumnDifference[] = [];
  if (target === null) differs.push('added');
  else if (source === null) differs.push('dropped');
  else {
    if (target.name !== source.name) differs.push('renamed');
    if (!sameType(target.type, source.type))
      differs.push(widens(target.type, source.type) ? 'widened' : 'retyped');
  }
  if (places.source !== places.target) differs.push('key');
  return { source, target, inSourceKey: places.source >= 0, inTargetKey: places.target >= 0, differs };
}

function keyOf({ identity, columns }: TableSchema): readonly number[] {
  return identity.kind === 'row' ? [] : identity.columns.map((index) => columns[index]!.sourceId);
}
