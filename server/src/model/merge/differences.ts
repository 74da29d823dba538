import { sameType } from '../logical-type.ts';
import type { Column } from '../table.ts';
import { columnOf, type ShardSchema } from './merged-table.ts';
import type { Shard } from './shard.ts';

/** A column that not every shard has, or not every shard defines alike. */
export interface Difference {
  readonly column: string;
  readonly definitions: readonly {
    readonly column: Pick<Column, 'native' | 'type' | 'nullable'>;
    readonly shards: readonly Shard[];
  }[];
  readonly missingIn: readonly Shard[];
}

/** In the order of the columns as they appear, shard by shard. */
export function differences(shards: readonly ShardSchema[]): readonly Difference[] {
  const names = new Set(shards.flatMap(({ schema }) => schema.columns.map(({ name }) => name)));
  return [...names].flatMap((name) => {
    const definitions: { column: Column; shards: Shard[] }[] = [];
    const missingIn: Shard[] = [];
    for (const shard of shards) {
      const column = columnOf(shard, name);
      if (column === undefined) missingIn.push(shard.shard);
      else {
        const alike = definitions.find((one) => definedAlike(one.column, column));
        if (alike === undefined) definitions.push({ column, shards: [shard.shard] });
        else alike.shards.push(shard.shard);
      }
    }
    return definitions.length > 1 || missingIn.length > 0 ? [{ column: name, definitions, missingIn }] : [];
  });
}

const definedAlike = (a: Column, b: Column): boolean =>
  a.native === b.native && a.nullable === b.nullable && sameType(a.type, b.type);
