import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../tests/support/seed.ts';
import type { LogicalType } from '../logical-type.ts';
import { followShards, type ShardsFollowed } from './follow-shards.ts';
import { mergeShards } from './merge-shards.ts';
import type { MergedTable, MergeRules, ShardSchema } from './merged-table.ts';
import { type Shard, shardKey } from './shard.ts';
import { type ExactValue, holds } from './testing/exact-values.ts';
import { type Row, ShardSource } from './testing/shard-source.ts';

const INT: LogicalType = { kind: 'int' };
const LONG: LogicalType = { kind: 'long' };
const TEXT: LogicalType = { kind: 'string' };
const RULES: MergeRules = { extendedFields: [{ part: 'table', name: '_t' }], extendedKey: true };

/** The target as a reader sees it: the merged schema and, by shard, its rows. */
class Target {
  table: MergedTable;
  #shards: readonly ShardSchema[];
  readonly rows = new Map<string, Row[]>();

  constructor(sources: readonly ShardSource[]) {
    this.#shards = sources.map(({ schema }) => schema);
    const merge = mergeShards(this.#shards, RULES);
    if (merge.kind === 'refused') throw new Error('the shards do not merge');
    this.table = merge.table;
    for (const source of sources) this.#load(source);
  }

  #load({ shard, rows }: ShardSource): void {
    const names = this.table.columns.map(({ name }) => name);
    this.rows.set(
      shardKey(shard),
      rows.map((row) => new Map(names.map((name) => [name, row.get(name) ?? null]))),
    );
  }

  /** Follows what the sources are now. A shard that is new, or whose values another type gave, is loaded. */
  follow(sources: readonly ShardSource[], loaded: ReadonlySet<ShardSource> = new Set()): ShardsFollowed {
    const after = sources.map(({ schema }) => schema);
    const followed = followShards({ table: this.table, shards: this.#shards }, after, RULES);
    if (followed.kind === 'refused') return followed;
    for (const edit of followed.edits) this.#edit(edit, 'before');
    const byShard = (shard: Shard) =>
      followed.rows.filter((edit) => shardKey(edit.shard) === shardKey(shard));
    for (const { shard } of sources)
      for (const row of this.rows.get(shardKey(shard)) ?? []) {
        const old = new Map(row);
        for (const edit of byShard(shard)) if (edit.kind === 'clear') row.set(edit.column, null);
        for (const edit of byShard(shard))
          if (edit.kind === 'move') row.set(edit.to, old.get(edit.from) ?? null);
      }
    for (const edit of followed.edits) this.#edit(edit, 'behind');
    this.table = followed.table;
    this.#shards = after;
    for (const source of sources)
      if (followed.anew !== null || loaded.has(source) || !this.rows.has(shardKey(source.shard)))
        this.#load(source);
    return followed;
  }

  #edit(edit: (ShardsFollowed & { kind: 'followed' })['edits'][number], when: 'before' | 'behind'): void {
    if ((edit.kind === 'drop') !== (when === 'behind')) return;
    for (const row of [...this.rows.values()].flat())
      if (edit.kind === 'rename') {
        row.set(edit.to, row.get(edit.from) ?? null);
        row.delete(edit.from);
      } else if (edit.kind === 'drop') row.delete(edit.column);
      else if (edit.kind === 'add') row.set(edit.column.name, null);
  }

  /** As SELECT … FROM each shard UNION ALL BY NAME would have it. */
  expectUnion(sources: readonly ShardSource[]): void {
    const names = new Set(sources.flatMap(({ columns }) => columns.map(({ name }) => name)));
    expect(new Set(this.table.columns.map(({ name }) => name))).toEqual(names);
    for (const { shard, rows } of sources) {
      const here = this.rows.get(shardKey(shard))!;
      expect(here).toHaveLength(rows.length);
      for (const [index, row] of rows.entries()) {
        expect(Object.fromEntries(here[index]!)).toEqual(
          Object.fromEntries([...names].map((name) => [name, row.get(name) ?? null])),
        );
        for (const { name, type, nullable } of this.table.columns) {
          const value: ExactValue | null = here[index]!.get(name) ?? null;
          expect(value === null ? nullable : holds(type, value)).toBe(true);
        }
      }
    }
  }
}

const three = (): [ShardSource, ShardSource, ShardSource] => {
  const make = (name: string): ShardSource =>
    new ShardSource(name, [
      ['id', INT],
      ['a', INT],
    ]);
  return [make('t0'), make('t1'), make('t2')];
};
const edits = (followed: ShardsFollowed): string[] =>
  followed.kind === 'refused'
    ? followed.refusals.map(({ kind }) => kind)
    : [
        ...followed.edits.map((edit) =>
          edit.kind === 'rename'
            ? `rename ${edit.from} ${edit.to}`
            : `${edit.kind} ${edit.kind === 'add' ? edit.column.name : edit.column}`,
        ),
        ...followed.rows.map((edit) =>
          edit.kind === 'move'
            ? `${edit.shard.table}: ${edit.from} → ${edit.to}`
            : `${edit.shard.table}: clear ${edit.column}`,
        ),
        ...(followed.anew === null ? [] : [`anew: ${followed.anew}`]),
      ];

describe('DDL that reaches the shards one after another', () => {
  it('ADD: the first adds the column, the others fill it', () => {
    const shards = three();
    const target = new Target(shards);
    shards[0].add('n', TEXT);
    expect(edits(target.follow(shards))).toEqual(['add n']);
    shards[1].add('n', TEXT);
    expect(edits(target.follow(shards))).toEqual([]);
    target.expectUnion(shards);
  });

  it('DROP: null for those that have dropped it, gone with the last', () => {
    const shards = three();
    const target = new Target(shards);
    const said = shards.map((shard) => {
      shard.drop('a');
      const followed = edits(target.follow(shards));
      target.expectUnion(shards);
      return followed;
    });
    expect(said).toEqual([['t0: clear a'], ['t1: clear a'], ['drop a']]);
  });

  it('RENAME: values move shard by shard; the old name goes with the last', () => {
    const shards = three();
    const target = new Target(shards);
    const said = shards.map((shard) => {
      shard.rename('a', 'b');
      const followed = edits(target.follow(shards));
      target.expectUnion(shards);
      return followed;
    });
    expect(said).toEqual([
      ['add b', 't0: a → b', 't0: clear a'],
      ['t1: a → b', 't1: clear a'],
      ['drop a', 't2: a → b'],
    ]);
  });

  it('RENAME of all at once, or of a column that one shard alone has, renames the column', () => {
    const shards = three();
    const target = new Target(shards);
    for (const shard of shards) shard.rename('a', 'b');
    expect(edits(target.follow(shards))).toEqual(['rename a b']);
    target.expectUnion(shards);
    shards[1].add('own', TEXT);
    target.follow(shards);
    shards[1].rename('own', 'mine');
    expect(edits(target.follow(shards))).toEqual(['rename own mine']);
    target.expectUnion(shards);
  });

  it('a wider type: in place where the lake can, otherwise all is loaded anew; never narrower', () => {
    const shards = three();
    const target = new Target(shards);
    shards[0].retype('a', LONG);
    expect(edits(target.follow(shards, new Set([shards[0]])))).toEqual(['widen a']);
    shards[0].retype('a', INT);
    expect(edits(target.follow(shards, new Set([shards[0]])))).toEqual([]);
    shards[1].retype('a', { kind: 'decimal', precision: 5, scale: 2 });
    expect(edits(target.follow(shards, new Set([shards[1]])))).toEqual(['retype a', 'anew: retype']);
    target.expectUnion(shards);
    shards[2].retype('a', TEXT);
    expect(edits(target.follow(shards))).toEqual(['invalid modify column']);
  });

  it('a type that is another one in all of them by now is followed, with all loaded anew', () => {
    const shards = three();
    const target = new Target(shards);
    for (const shard of shards) shard.retype('a', TEXT);
    expect(edits(target.follow(shards))).toEqual(['retype a', 'anew: retype']);
    target.expectUnion(shards);
  });

  it('another key: refused shard by shard, followed when all have it', () => {
    const shards = three();
    const target = new Target(shards);
    const before = { table: target.table, shards: shards.map(({ schema }) => schema) };
    const keyed = ({ schema }: ShardSource): ShardSchema => ({
      ...schema,
      schema: { ...schema.schema, identity: { kind: 'key', columns: [0, 1] } },
    });
    const some = [keyed(shards[0]), shards[1].schema, shards[2].schema];
    expect(edits(followShards(before, some, RULES))).toEqual(['pk column different', 'pk column different']);
    expect(edits(followShards(before, shards.map(keyed), RULES))).toEqual(['anew: key']);
  });

  it('a shard that comes later brings its columns; one that was dropped and made again is another column', () => {
    const shards = three();
    const target = new Target(shards.slice(0, 2));
    shards[2].add('late', TEXT);
    expect(edits(target.follow(shards))).toEqual(['add late']);
    target.expectUnion(shards);
    shards[0].drop('a');
    shards[0].add('a', INT);
    expect(edits(target.follow(shards))).toEqual(['t0: clear a']);
    target.expectUnion(shards);
  });

  const seed = freshSeed();
  const type = fc.constantFrom<LogicalType>(
    INT,
    LONG,
    TEXT,
    { kind: 'decimal', precision: 6, scale: 2 },
    { kind: 'double' },
  );
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const statement = fc.record({
    shard: fc.nat(2),
    kind: fc.constantFrom('add', 'drop', 'rename', 'swap', 'retype', 'remake'),
    name,
    to: name,
    type,
  });

  it(`is the union of the shards after every statement (seed ${seed})`, () => {
    let followed = 0;
    let refusals = 0;
    fc.assert(
      fc.property(
        fc.array(fc.array(statement, { minLength: 1, maxLength: 3 }), { maxLength: 12 }),
        (script) => {
          let shards: readonly ShardSource[] = three();
          const target = new Target(shards);
          for (const statements of script) {
            const after = shards.map((shard) => shard.copy());
            const loaded = new Set<ShardSource>();
            for (const one of statements)
              if (run(after[one.shard]!, one) === 'loads') loaded.add(after[one.shard]!);
            // What is refused stops a shard in the product; here it never happened.
            if (target.follow(after, loaded).kind === 'refused') refusals++;
            else {
              shards = after;
              followed++;
            }
            target.expectUnion(shards);
          }
        },
      ),
      { seed, numRuns: 1000 },
    );
    expect(followed).toBeGreaterThan(refusals);
  });

  function run(
    shard: ShardSource,
    { kind, name: a, to: b, type: now }: { kind: string; name: string; to: string; type: LogicalType },
  ): 'loads' | 'followed' {
    if (kind === 'add' && !shard.has(a)) shard.add(a, now);
    if (kind === 'drop' && shard.has(a)) shard.drop(a);
    if (kind === 'rename' && shard.has(a) && !shard.has(b)) shard.rename(a, b);
    if (kind === 'swap' && a !== b && shard.has(a) && shard.has(b)) shard.swap(a, b);
    if (kind === 'remake' && shard.has(a)) {
      shard.drop(a);
      shard.add(a, now);
    }
    if (kind !== 'retype' || !shard.has(a)) return 'followed';
    shard.retype(a, now);
    return 'loads';
  }
});
