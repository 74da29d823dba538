import { SluiceError } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import type { SchemaPolicy } from '../model/schema-policy.ts';
import type { Column, TableSchema } from '../model/table.ts';
import type { DiscoveredTable, LogRelation, TableEvent } from '../sources/source.ts';
import type { Lane } from './lane.ts';
import { keptOf } from './schema-follow.ts';
import { type LaneEventOf, outcomeOf, renameOf, TableEvents } from './table-events.ts';

const column = (sourceId: number, name: string, native = 'int'): Column => ({
  name,
  sourceId,
  type: { kind: native === 'bigint' ? 'long' : native === 'int' ? 'int' : 'string' },
  text: { form: 'plain' },
  nullable: true,
  native,
});
const schema = (...columns: Column[]): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns,
  identity: { kind: 'key', columns: [0] },
});
const table = (of: TableSchema, filledColumns: readonly number[] = []): DiscoveredTable => ({
  schema: of,
  objectId: 't',
  logColumns: [],
  storage: '',
  columnVersions: {},
  pieces: [],
  filledColumns,
  estimatedRows: null,
  refused: null,
});
const relation = (of: TableSchema, filled: readonly number[] = []): LogRelation => ({
  objectId: 't',
  name: of.name,
  identity: 'default',
  columns: of.columns.map(({ name }, index) => ({ name, typeId: 0, typeModifier: 0, inKey: index === 0 })),
  table: table(of, filled),
});
const becomes = (of: TableSchema, filled: readonly number[] = []): TableEvent => ({
  kind: 'schema',
  relation: relation(of, filled),
});

const BEFORE = schema(column(1, 'id'), column(2, 'a'));
const lane = (more: Partial<Lane> = {}): Lane =>
  ({
    id: 7,
    source: BEFORE.name,
    state: 'live',
    generation: 0,
    armedAt: null,
    cascadesFrom: 0,
    anew: null,
    load: null,
    kept: keptOf(table(BEFORE), null),
    ...more,
  }) as Lane;

const compare = (a: string, b: string): number => Number(a) - Number(b);
const GAP: TableEvent = { kind: 'gap', objectId: 't', reason: 'lost' };

function events(keepsValues: (before: Column, after: Column) => boolean = () => true): TableEvents {
  return new TableEvents(keepsValues);
}

describe('DDL between reading and commit', () => {
  it('the schema of the place that is read is ahead of what the lane keeps', () => {
    const one = lane();
    const read = events();
    const wider = schema(column(1, 'id'), column(2, 'a'), column(99, 'b'));
    read.add(one, becomes(wider));
    expect(read.takes(one)).toBe(true);
    expect(read.schemaOf(one).schema).toEqual(wider);
    expect(one.kept.schema).toEqual(BEFORE);
    // The next load begins from the catalog.
    one.generation++;
    expect(read.schemaOf(one).schema).toEqual(BEFORE);
  });

  it('what a policy refuses is kept where changes could bring it some day, and ends the lines where only a load could', () => {
    const wider = becomes(schema(column(1, 'id'), column(2, 'a'), column(3, 'b')));
    const other = becomes(schema(column(1, 'id'), column(2, 'a', 'varchar(3)')));
    const under = (policy: SchemaPolicy) =>
      new TableEvents(
        () => true,
        () => policy,
      );
    const [stop, ignore] = [under('stop'), under('ignore')];
    const one = lane();
    stop.add(one, wider);
    expect(stop.takes(one)).toBe(true);
    expect(stop.schemaOf(one)).toMatchObject({ target: BEFORE, schema: { columns: { length: 3 } } });
    expect(stop.schemaOf(one).targetLacks).toBe(undefined);
    // Back to what it was: nothing is left to refuse.
    stop.add(one, becomes(BEFORE));
    expect(stop.schemaOf(one).target).toBe(undefined);
    stop.add(one, other);
    expect(stop.takes(one)).toBe(false);
    stop.commit('10');
    expect(outcomeOf(stop.seal().get(one) ?? [], one, compare)).toMatchObject({
      kind: 'refused',
      error: { code: 'TABLE_SCHEMA_CHANGED' },
    });
    ignore.add(one, wider);
    expect(ignore.schemaOf(one)).toMatchObject({ target: BEFORE, targetLacks: true });
    ignore.add(one, other);
    expect(ignore.takes(one)).toBe(false);
  });

  it.each([
    [
      'a default that filled older rows',
      becomes(schema(column(1, 'id'), column(2, 'a'), column(3, 'b')), [3]),
    ],
    ['a type that holds less', becomes(schema(column(1, 'id'), column(2, 'a', 'varchar(3)')))],
    ['another key', { kind: 'schema', relation: relation({ ...BEFORE, identity: { kind: 'row' } }) }],
    ['a gap', GAP],
    ['a drop', { kind: 'dropped', objectId: 't' }],
    ['a trouble', { kind: 'trouble', objectId: 't', error: new SluiceError('TABLE_NO_IDENTITY', 'no') }],
  ] as const)('%s: no line is taken until a commit has carried it', (_, event) => {
    const one = lane();
    const read = events();
    read.add(one, event);
    expect(read.takes(one)).toBe(false);
    expect(read.unsettled).toBe(true);
    read.commit('10');
    expect(read.isEmpty).toBe(false);
    const sealed = read.seal();
    expect(read.isEmpty).toBe(true);
    expect(read.takes(one)).toBe(false);
    // Another one while the first is being committed.
    read.add(one, GAP);
    read.settled(sealed);
    expect(read.takes(one)).toBe(false);
    read.commit('11');
    read.settled(read.seal());
    expect(read.takes(one)).toBe(true);
    expect(read.unsettled).toBe(false);
  });

  it('each step is judged: there and back again is not nothing', () => {
    const one = lane({ kept: keptOf(table(schema(column(1, 'id'), column(2, 'a', 'varchar(9)'))), null) });
    const read = events((_, after) => after.native === 'varchar(9)');
    read.add(one, becomes(schema(column(1, 'id'), column(2, 'a', 'varchar(3)'))));
    read.add(one, becomes(schema(column(1, 'id'), column(2, 'a', 'varchar(9)'))));
    read.commit('10');
    expect(outcomeOf(read.seal().get(one)!, one, compare)).toMatchObject({ kind: 'gap' });
  });

  it('a table that is being loaded is loaded anew', () => {
    const one = lane({ state: 'loading' });
    const read = events();
    read.add(one, becomes(schema(column(1, 'id'), column(2, 'a'), column(3, 'b'))));
    expect(read.takes(one)).toBe(false);
  });

  it('events of a transaction that is still read are not sealed', () => {
    const one = lane();
    const read = events();
    read.add(one, GAP);
    expect(read.seal().size).toBe(0);
    read.commit('1');
    expect(read.seal().get(one)).toHaveLength(1);
  });
});

describe('what events come to', () => {
  const at = (end: string, event: TableEvent): LaneEventOf => ({ event, end });
  const first = becomes(schema(column(1, 'id'), column(2, 'a'), column(3, 'b')));
  const second = becomes(schema(column(1, 'id'), column(2, 'a'), column(3, 'b'), column(4, 'c')));

  it('the last schema, unless something closes the table', () => {
    expect(outcomeOf([], lane(), compare)).toEqual({ kind: 'nothing' });
    expect(outcomeOf([at('1', first), at('2', second)], lane(), compare)).toMatchObject({
      kind: 'schema',
      table: { schema: { columns: { length: 4 } } },
    });
    expect(outcomeOf([at('1', first), at('2', GAP)], lane(), compare)).toEqual({
      kind: 'gap',
      reason: 'lost',
    });
    expect(outcomeOf([at('1', { kind: 'dropped', objectId: 't' }), at('2', GAP)], lane(), compare)).toEqual({
      kind: 'dropped',
    });
  });

  it('a schema from before the end of the load means that some chunks have it and some have not', () => {
    const loaded = lane({ state: 'catching_up', load: { consistentFrom: '20' } as Lane['load'] });
    expect(outcomeOf([at('20', first)], loaded, compare)).toMatchObject({ kind: 'gap' });
    expect(outcomeOf([at('21', first)], loaded, compare)).toMatchObject({ kind: 'schema' });
  });

  it('the last name counts', () => {
    const renamed = (to: string): TableEvent => ({
      kind: 'renamed',
      objectId: 't',
      to,
      name: { schema: 's', table: to },
    });
    expect(renameOf([at('1', renamed('a')), at('1', renamed('b'))])).toMatchObject({ to: 'b' });
    expect(renameOf([at('1', first)])).toBeNull();
  });
});
