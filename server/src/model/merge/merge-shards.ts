import { type LogicalType, sameType, typeText } from '../logical-type.ts';
import type { Column } from '../table.ts';
import {
  type Contrast,
  columnOf,
  keyOf,
  type Merge,
  type MergedColumn,
  type MergedTable,
  type MergeRules,
  type Refusal,
  type ShardSchema,
} from './merged-table.ts';
import { widestType } from './widest-type.ts';

/**
 * The schema that holds every row of all shards: the union of their columns, by name, each of the widest type
 * (widestType), null where a shard has no such column. Columns stand in the first shard's order, then what the others
 * have besides, in the order of the shards. The same columns have to be the key everywhere; their order is the first
 * shard's.
 *
 * `before` is what the target has already. Its rows stay, so its columns keep their places and never become narrower
 * or required while some shard has them; one that no shard has any more is left out. Shards that are gone at the
 * source and whose rows stay are to be given too.
 */
export function mergeShards(
  shards: readonly ShardSchema[],
  rules: MergeRules,
  before: MergedTable | null = null,
): Merge {
  const holders = holdersOf(shards, before);
  const kept = new Map(before?.columns.map((column) => [column.name, column]));
  const refusals: Refusal[] = [...keysThatDiffer(shards)];
  const columns: MergedColumn[] = [];
  for (const [name, having] of holders) {
    const type = typeOf(having, kept.get(name) ?? null);
    if (type === null) {
      const refusal = typesThatDiffer(name, having, shards);
      if (refusal !== null) refusals.push(refusal);
      continue;
    }
    const everywhere = having.length === shards.length;
    const nullable =
      !everywhere || kept.get(name)?.nullable === true || having.some(({ column }) => column.nullable);
    columns.push({ name, type, nullable });
  }
  refusals.push(...namesThatDiffer(holders, shards), ...collisions(rules, holders));
  const own = shards[0] === undefined ? (before?.key ?? []) : keyOf(shards[0]);
  const extended = rules.extendedFields;
  const withFields = rules.extendedKey && own.length > 0 && shards.length > 0;
  const table: MergedTable = {
    columns,
    extended,
    key: withFields ? [...own, ...extended.map(({ name }) => name)] : own,
  };
  return refusals.length === 0 ? { kind: 'merged', table } : { kind: 'refused', refusals, table };
}

interface Holder {
  readonly of: ShardSchema;
  readonly column: Column;
}

/** Who has which column, in the merged order. */
function holdersOf(
  shards: readonly ShardSchema[],
  before: MergedTable | null,
): ReadonlyMap<string, readonly Holder[]> {
  const holders = new Map<string, Holder[]>(before?.columns.map(({ name }) => [name, []]));
  for (const of of shards)
    for (const column of of.schema.columns) {
      const having = holders.get(column.name);
      if (having === undefined) holders.set(column.name, [{ of, column }]);
      else having.push({ of, column });
    }
  for (const [name, having] of holders) if (having.length === 0) holders.delete(name);
  return holders;
}

/** null where the shards' types have no widest one; what the target had counts only where it goes together with them. */
function typeOf(having: readonly Holder[], before: MergedColumn | null): LogicalType | null {
  let widest: LogicalType | null = having[0]!.column.type;
  for (const { column } of having) {
    widest = widestType(widest, column.type);
    if (widest === null) return null;
  }
  return before === null ? widest : (widestType(before.type, widest) ?? widest);
}

/** Two of the shards whose types have no widest one; where several types have none, two of them have none. */
function typesThatDiffer(
  name: string,
  having: readonly Holder[],
  shards: readonly ShardSchema[],
): Refusal | null {
  const distinct: Holder[] = [];
  for (const holder of having)
    if (!distinct.some(({ column }) => sameType(column.type, holder.column.type))) distinct.push(holder);
  for (const [index, one] of distinct.entries())
    for (const other of distinct.slice(index + 1)) {
      if (widestType(one.column.type, other.column.type) !== null) continue;
      const inKey = shards.some((shard) => keyOf(shard).includes(name));
      return {
        kind: inKey ? 'pk column type mismatch' : 'invalid modify column',
        column: name,
        one: contrast(one),
        other: contrast(other),
      };
    }
  return null;
}

const contrast = ({ of, column }: Holder): Contrast => ({
  shard: of.shard,
  has: `${column.native} (${typeText(column.type)})`,
});

/** Every shard whose key is made of other columns than the first one's. */
function keysThatDiffer(shards: readonly ShardSchema[]): readonly Refusal[] {
  const [first, ...others] = shards;
  if (first === undefined) return [];
  const own = keyOf(first);
  const text = (key: readonly string[]): string =>
    key.length === 0 ? 'no key' : `the key ${key.join(', ')}`;
  return others.flatMap((shard) => {
    const key = keyOf(shard);
    const odd = [...own.filter((name) => !key.includes(name)), ...key.filter((name) => !own.includes(name))];
    if (odd.length === 0) return [];
    return [
      {
        kind: 'pk column different' as const,
        column: odd.join(', '),
        one: { shard: first.shard, has: text(own) },
        other: { shard: shard.shard, has: text(key) },
      },
    ];
  });
}

/** Names that differ only in case are one to most query engines, and two columns here; unless one shard has both. */
function namesThatDiffer(
  holders: ReadonlyMap<string, readonly Holder[]>,
  shards: readonly ShardSchema[],
): readonly Refusal[] {
  const spellings = new Map<string, string[]>();
  for (const name of holders.keys()) {
    const blind = name.toLowerCase();
    spellings.set(blind, [...(spellings.get(blind) ?? []), name]);
  }
  return [...spellings.values()].flatMap((names) => {
    const [one, other] = names;
    if (one === undefined || other === undefined) return [];
    if (shards.some((shard) => names.every((name) => columnOf(shard, name) !== undefined))) return [];
    const has = (name: string): Contrast => ({ shard: holders.get(name)![0]!.of.shard, has: name });
    return [{ kind: 'column name case' as const, column: one, one: has(one), other: has(other) }];
  });
}

function collisions(
  { extendedFields }: MergeRules,
  holders: ReadonlyMap<string, readonly Holder[]>,
): readonly Refusal[] {
  return extendedFields.flatMap((field) =>
    [...holders]
      .filter(([name]) => name.toLowerCase() === field.name.toLowerCase())
      .map(([name, having]) => ({
        kind: 'extended field collision' as const,
        column: name,
        field,
        one: contrast(having[0]!),
      })),
  );
}
