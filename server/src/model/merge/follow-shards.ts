import { type LogicalType, sameType, widens } from '../logical-type.ts';
import { mergeShards } from './merge-shards.ts';
import {
  columnOf,
  type MergedColumn,
  type MergedTable,
  type MergeRules,
  type Refusal,
  type ShardSchema,
} from './merged-table.ts';
import { type Shard, shardKey } from './shard.ts';

/** What the target's schema does, in this order; rows are edited before columns are dropped. */
export type SchemaEdit =
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'widen'; readonly column: string; readonly to: LogicalType }
  /** To a type that rows which are there do not become by themselves. */
  | { readonly kind: 'retype'; readonly column: string; readonly to: LogicalType }
  | { readonly kind: 'optional'; readonly column: string }
  | { readonly kind: 'add'; readonly column: MergedColumn }
  | { readonly kind: 'drop'; readonly column: string };

/** What becomes of rows of one shard that are in the target, all at once; loading the shard anew does the same. */
export type RowEdit =
  /** Its values under one name are values of another one now. */
  | { readonly kind: 'move'; readonly shard: Shard; readonly from: string; readonly to: string }
  /** It has no such column any more, or another one of that name that is still empty. */
  | { readonly kind: 'clear'; readonly shard: Shard; readonly column: string };

export type ShardsFollowed =
  | {
      readonly kind: 'followed';
      readonly table: MergedTable;
      readonly edits: readonly SchemaEdit[];
      readonly rows: readonly RowEdit[];
      /** Why the rows of all shards have to be loaded anew; null: they need not. */
      readonly anew: 'retype' | 'key' | null;
    }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] };

/**
 * How a merged table goes on when its shards do: one more, or one whose columns are others now. DDL reaches shards one
 * after another, and each step leaves the target as the union of the shards by column name, of that moment:
 *
 *   ADD      the first shard's adds the column, null for the others
 *   DROP     the column is null for the shard, and gone with the last shard that has it
 *   RENAME   the shard's values move to the new name; the old one is gone with the last shard that has it. Where only
 *            this shard had it, the column itself is renamed
 *   type     the widest one; never narrower than it was while some shard has the column
 *
 * `before.shards` and `after` list the shards that have rows in the target, those that are gone at the source included;
 * of a shard that is in both, a column's sourceId tells whether it is the same column (model/table.ts).
 */
export function followShards(
  before: { readonly table: MergedTable; readonly shards: readonly ShardSchema[] },
  after: readonly ShardSchema[],
  rules: MergeRules,
): ShardsFollowed {
  const renamed = wholeRenames(before, after);
  const kept = { ...before.table, columns: before.table.columns.map((one) => withName(one, renamed)) };
  const merge = mergeShards(after, rules, kept);
  if (merge.kind === 'refused') return { kind: 'refused', refusals: merge.refusals };
  const { table } = merge;
  const edits: SchemaEdit[] = [...renamed].map(([from, to]) => ({ kind: 'rename', from, to }));
  const now = new Map(table.columns.map((column) => [column.name, column]));
  const was = new Set(kept.columns.map(({ name }) => name));
  let retyped = false;
  for (const old of kept.columns) {
    const column = now.get(old.name);
    if (column !== undefined) {
      if (!sameType(old.type, column.type)) {
        const inPlace = widens(old.type, column.type);
        retyped ||= !inPlace;
        edits.push({ kind: inPlace ? 'widen' : 'retype', column: old.name, to: column.type });
      }
      if (column.nullable && !old.nullable) edits.push({ kind: 'optional', column: old.name });
    }
  }
  for (const column of table.columns) if (!was.has(column.name)) edits.push({ kind: 'add', column });
  for (const { name } of kept.columns) if (!now.has(name)) edits.push({ kind: 'drop', column: name });
  return {
    kind: 'followed',
    table,
    edits,
    rows: rowEdits(before.shards, after, renamed, now),
    anew: sameKey(
      kept.key.map((name) => renamed.get(name) ?? name),
      table.key,
    )
      ? retyped
        ? 'retype'
        : null
      : 'key',
  };
}

const withName = (column: MergedColumn, renamed: ReadonlyMap<string, string>): MergedColumn => ({
  ...column,
  name: renamed.get(column.name) ?? column.name,
});

const sameKey = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name) => b.includes(name));

/** A shard as it was and as it is. */
function pairs(
  before: readonly ShardSchema[],
  after: readonly ShardSchema[],
): readonly { readonly old: ShardSchema; readonly now: ShardSchema }[] {
  const olds = new Map(before.map((shard) => [shardKey(shard.shard), shard]));
  return after.flatMap((now) => {
    const old = olds.get(shardKey(now.shard));
    return old === undefined ? [] : [{ old, now }];
  });
}

/**
 * Columns that every shard which had them calls by one other name now, which no column had: the target's column can
 * take the name too, with all its values.
 */
function wholeRenames(
  before: { readonly table: MergedTable; readonly shards: readonly ShardSchema[] },
  after: readonly ShardSchema[],
): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>();
  const taken = new Set(before.table.columns.map(({ name }) => name));
  const both = pairs(before.shards, after);
  for (const { name } of before.table.columns) {
    if (after.some((shard) => columnOf(shard, name) !== undefined)) continue;
    const names = new Set<string | undefined>();
    for (const { old, now } of both) {
      const column = columnOf(old, name);
      if (column === undefined) continue;
      names.add(now.schema.columns.find(({ sourceId }) => sourceId === column.sourceId)?.name);
    }
    const [to, ...others] = names;
    if (to === undefined || others.length > 0 || taken.has(to)) continue;
    // A shard of which nothing is known from before may have a column of that name that is another one.
    if (after.some((shard) => columnOf(shard, to) !== undefined && !movedTo(both, shard, name, to))) continue;
    renamed.set(name, to);
    taken.add(to);
  }
  return renamed;
}

function movedTo(both: ReturnType<typeof pairs>, shard: ShardSchema, from: string, to: string): boolean {
  const pair = both.find(({ now }) => now === shard);
  if (pair === undefined) return false;
  return columnOf(pair.old, from)?.sourceId === columnOf(pair.now, to)?.sourceId;
}

/** Of each shard, values that stand under a name which is no longer theirs. */
function rowEdits(
  before: readonly ShardSchema[],
  after: readonly ShardSchema[],
  renamed: ReadonlyMap<string, string>,
  merged: ReadonlyMap<string, MergedColumn>,
): readonly RowEdit[] {
  return pairs(before, after).flatMap(({ old, now }) => {
    const edits: RowEdit[] = [];
    const filled = new Set<string>();
    for (const column of now.schema.columns) {
      const former = old.schema.columns.find(({ sourceId }) => sourceId === column.sourceId);
      if (former === undefined) continue;
      filled.add(column.name);
      const stands = renamed.get(former.name) ?? former.name;
      if (stands !== column.name)
        edits.push({ kind: 'move', shard: now.shard, from: stands, to: column.name });
    }
    for (const column of old.schema.columns) {
      const stands = renamed.get(column.name) ?? column.name;
      if (!filled.has(stands) && merged.has(stands))
        edits.push({ kind: 'clear', shard: now.shard, column: stands });
    }
    return edits;
  });
}
