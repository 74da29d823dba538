import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { type LogicalType, typeText } from '../logical-type.ts';
import { differences } from './differences.ts';
import { mergeShards } from './merge-shards.ts';
import type { Merge, MergeRules } from './merged-table.ts';
import { refusalText } from './refusal-text.ts';
import { edgesOf, holds } from './testing/exact-values.ts';
import { anyType } from './testing/random-types.ts';
import { shardSchema } from './testing/shard-source.ts';

const INT: LogicalType = { kind: 'int' };
const LONG: LogicalType = { kind: 'long' };
const TEXT: LogicalType = { kind: 'string' };
const PLAIN: MergeRules = { extendedFields: [], extendedKey: false };

const columnsOf = ({ table }: Merge): string[] =>
  table.columns.map(({ name, type, nullable }) => `${name} ${typeText(type)}${nullable ? '' : ' not null'}`);
const refused = (merge: Merge): string[] =>
  merge.kind === 'merged' ? [] : merge.refusals.map((refusal) => refusalText(refusal).message);

describe('the merged schema', () => {
  it('has the columns of the first shard in its order, then those of the others', () => {
    const merge = mergeShards(
      [
        shardSchema('t0', [
          ['b', TEXT],
          ['id', INT],
        ]),
        shardSchema('t1', [
          ['id', LONG],
          ['c', INT],
          ['b', TEXT],
        ]),
        shardSchema('t2', [
          ['d', INT],
          ['c', INT],
          ['id', INT],
          ['b', TEXT],
        ]),
      ],
      PLAIN,
    );
    expect(merge.kind).toBe('merged');
    expect(columnsOf(merge)).toEqual(['b string', 'id long not null', 'c int', 'd int']);
    expect(merge.table.key).toEqual(['id']);
  });

  it('has the extended fields in the key where they are to be, unless there is none', () => {
    const extendedFields = [{ part: 'table' as const, name: '_t' }];
    const shards = [shardSchema('t0', [['id', INT]]), shardSchema('t1', [['id', INT]])];
    expect(mergeShards(shards, { extendedFields, extendedKey: true }).table.key).toEqual(['id', '_t']);
    expect(mergeShards(shards, { extendedFields, extendedKey: false }).table.key).toEqual(['id']);
    const keyless = shards.map(({ shard }) => shardSchema(shard.table, [['id', INT]], []));
    expect(mergeShards(keyless, { extendedFields, extendedKey: true })).toMatchObject({
      kind: 'merged',
      table: { key: [], extended: extendedFields },
    });
  });

  it('takes one key in any order of its columns, and refuses each shard that has another', () => {
    const columns = [
      ['a', INT],
      ['b', INT],
      ['c', INT],
    ] as const;
    const shards = [
      shardSchema('t0', columns, ['a', 'b']),
      shardSchema('t1', columns, ['b', 'a']),
      shardSchema('t2', columns, ['a']),
      shardSchema('t3', columns, []),
    ];
    expect(mergeShards(shards.slice(0, 2), PLAIN)).toMatchObject({
      kind: 'merged',
      table: { key: ['a', 'b'] },
    });
    expect(refused(mergeShards(shards, PLAIN))).toEqual([
      'pk column different: s/d.t0 has the key a, b, s/d.t2 has the key a.',
      'pk column different: s/d.t0 has the key a, b, s/d.t3 has no key.',
    ]);
  });

  it('refuses types without a common one, and names two shards and what they have', () => {
    const merge = mergeShards(
      [
        shardSchema('t0', [
          ['id', INT],
          ['x', INT],
        ]),
        shardSchema('t1', [
          ['id', INT],
          ['x', LONG],
        ]),
        shardSchema('t2', [
          ['id', TEXT],
          ['x', { kind: 'double' }],
        ]),
      ],
      PLAIN,
    );
    expect(merge.kind === 'refused' && merge.refusals.map(({ kind, column }) => `${kind} ${column}`)).toEqual(
      ['pk column type mismatch id', 'invalid modify column x'],
    );
    expect(refused(merge)[1]).toMatch(
      /^invalid modify column: x is .*\(long\) in s\/d\.t1 and .*\(double\) in s\/d\.t2/,
    );
    expect(columnsOf(merge)).toEqual([]);
  });

  it('refuses names that differ only in case, unless one shard has both, and names that extended fields have', () => {
    const one = shardSchema('t0', [
      ['id', INT],
      ['Note', TEXT],
    ]);
    const other = shardSchema('t1', [
      ['id', INT],
      ['note', TEXT],
    ]);
    const both = shardSchema('t2', [
      ['id', INT],
      ['note', TEXT],
      ['Note', TEXT],
    ]);
    expect(refused(mergeShards([one, other], PLAIN))).toEqual([
      'column name case: the column is called Note in s/d.t0 and note in s/d.t1; query engines take these for one.',
    ]);
    expect(mergeShards([one, other, both], PLAIN).kind).toBe('merged');
    const rules: MergeRules = { extendedFields: [{ part: 'table', name: 'NOTE' }], extendedKey: false };
    expect(refused(mergeShards([one], rules))[0]).toContain(
      'the extended field NOTE (table) has the name of the column Note',
    );
  });

  it('tells where columns differ', () => {
    const [note] = differences([
      shardSchema('t0', [
        ['id', INT],
        ['note', TEXT],
      ]),
      shardSchema('t1', [['id', INT]]),
      shardSchema('t2', [
        ['id', INT],
        ['note', INT],
      ]),
      shardSchema('t3', [
        ['note', TEXT],
        ['id', INT],
      ]),
    ]);
    expect(note).toMatchObject({
      column: 'note',
      definitions: [{ shards: [{ table: 't0' }, { table: 't3' }] }, { shards: [{ table: 't2' }] }],
      missingIn: [{ table: 't1' }],
    });
  });

  const seed = freshSeed();
  const columns = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), anyType), {
    selector: ([name]) => name,
    maxLength: 4,
  });
  const shards = fc
    .array(columns, { minLength: 1, maxLength: 5 })
    .map((all) => all.map((some, n) => shardSchema(`t${n}`, [['id', INT], ...some])));
  const asSet = (merge: Merge): unknown => [
    merge.kind,
    [...columnsOf(merge)].sort(),
    [...merge.table.key].sort(),
    merge.kind === 'refused' ? merge.refusals.map(({ column }) => column).sort() : [],
  ];

  it(`does not depend on the order of the shards but for the order of columns, and stays as it is (seed ${seed})`, () => {
    fc.assert(
      fc.property(shards, fc.nat(), (some, turn) => {
        const merge = mergeShards(some, PLAIN);
        const at = turn % some.length;
        expect(asSet(mergeShards([...some.slice(at), ...some.slice(0, at)].reverse(), PLAIN))).toEqual(
          asSet(merge),
        );
        expect(mergeShards([...some, ...some], PLAIN)).toEqual(merge);
        if (merge.kind === 'merged') expect(mergeShards(some, PLAIN, merge.table)).toEqual(merge);
      }),
      { seed, numRuns: 5000 },
    );
  });

  it(`holds every value of every shard, or is refused with two types that have nothing in common (seed ${seed})`, () => {
    fc.assert(
      fc.property(shards, (some) => {
        const merge = mergeShards(some, PLAIN);
        const odd = new Set(merge.kind === 'refused' ? merge.refusals.map(({ column }) => column) : []);
        for (const { schema } of some)
          for (const { name, type, nullable } of schema.columns) {
            const merged = merge.table.columns.find((one) => one.name === name);
            expect(merged === undefined).toBe(odd.has(name));
            if (merged === undefined) continue;
            for (const value of edgesOf(type)) expect(holds(merged.type, value)).toBe(true);
            expect(merged.nullable || !nullable).toBe(true);
          }
        for (const { name, nullable } of merge.table.columns)
          if (!nullable)
            expect(some.every(({ schema }) => schema.columns.some((one) => one.name === name))).toBe(true);
      }),
      { seed, numRuns: 5000 },
    );
  });
});
