import { describe, expect, it } from 'vitest';
import type { LogicalType } from '../logical-type.ts';
import { mergeShards } from './merge-shards.ts';
import type { MergedTable, MergeRules, ShardSchema } from './merged-table.ts';
import { NO_IDS, numbered, shardColumns, targetSchema } from './target-schema.ts';
import { shardSchema } from './testing/shard-source.ts';

const INT: LogicalType = { kind: 'int' };
const LONG: LogicalType = { kind: 'long' };
const RULES: MergeRules = { extendedFields: [{ part: 'table', name: '_table' }], extendedKey: true };
const NAME = { schema: 'lake', table: 't' };

function merged(shards: readonly ShardSchema[], rules = RULES): MergedTable {
  const merge = mergeShards(shards, rules);
  if (merge.kind === 'refused') throw new Error('the shards do not merge');
  return merge.table;
}

describe('the schema of a merged table', () => {
  // Each shard gives the same numbers to other columns.
  const shards = [
    shardSchema('t0', [
      ['id', INT],
      ['a', INT],
    ]),
    shardSchema('t1', [
      ['b', LONG],
      ['a', LONG],
      ['id', INT],
    ]),
  ];

  it('numbers the columns by itself; shards’ columns and rows’ keys are found by these numbers', () => {
    const table = merged(shards);
    const ids = numbered(NO_IDS, table);
    const schema = targetSchema(NAME, table, ids, shards);
    expect(schema.columns.map(({ name, sourceId, type }) => [name, sourceId, type.kind])).toEqual([
      ['id', 1, 'int'],
      ['a', 2, 'long'],
      ['b', 3, 'long'],
      ['_table', 4, 'string'],
    ]);
    expect(schema.identity).toEqual({ kind: 'key', columns: [0, 3] });
    expect(shardColumns(shards[1]!, ids).map(({ name, sourceId }) => [name, sourceId])).toEqual([
      ['b', 3],
      ['a', 2],
      ['id', 1],
    ]);
    // A shard's lines keep its own type.
    expect(shardColumns(shards[0]!, ids)[1]!.type).toEqual(INT);
  });

  it('without a key has none, whatever is added to rows', () => {
    const keyless = shards.map(({ shard, schema }) => ({
      shard,
      schema: { ...schema, identity: { kind: 'row' as const } },
    }));
    const table = merged(keyless);
    expect(targetSchema(NAME, table, numbered(NO_IDS, table), keyless).identity).toEqual({ kind: 'row' });
  });

  it('never gives a number again; a rename takes it along', () => {
    const first = numbered(NO_IDS, merged(shards));
    const only = [shardSchema('t0', [['id', INT]])];
    const dropped = numbered(first, merged(only));
    expect([...dropped.ids]).toEqual([
      ['id', 1],
      ['_table', 4],
    ]);
    const again = numbered(dropped, merged(shards));
    expect([again.ids.get('a'), again.ids.get('b'), again.last]).toEqual([5, 6, 6]);
    const renamed = numbered(
      first,
      merged([
        shardSchema('t0', [
          ['id', INT],
          ['c', INT],
          ['b', LONG],
        ]),
      ]),
      new Map([['a', 'c']]),
    );
    expect([renamed.ids.get('c'), renamed.ids.get('b'), renamed.last]).toEqual([2, 3, 4]);
  });

  it('names that objects have by themselves are names like others', () => {
    const odd = [
      shardSchema('t0', [
        ['id', INT],
        ['__proto__', INT],
        ['constructor', INT],
      ]),
    ];
    const table = merged(odd, { extendedFields: [], extendedKey: false });
    const ids = numbered(NO_IDS, table);
    expect(shardColumns(odd[0]!, ids).map(({ sourceId }) => sourceId)).toEqual([1, 2, 3]);
  });
});
