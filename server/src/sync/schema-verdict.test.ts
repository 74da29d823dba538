import { describe, expect, it } from 'vitest';
import type { LogicalType } from '../model/logical-type.ts';
import type { Column, TableSchema } from '../model/table.ts';
import type { ObservedTable } from './evolution.ts';
import { byName, judge } from './schema-verdict.ts';

const INT: LogicalType = { kind: 'int' };
const column = (sourceId: number, name: string, type: LogicalType = INT): Column => ({
  name,
  sourceId,
  type,
  text: { form: 'plain' },
  nullable: true,
  native: type.kind,
});
const schema = (...columns: Column[]): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns,
  identity: { kind: 'key', columns: [0] },
});
const table = (of: TableSchema, more: Partial<ObservedTable> = {}): ObservedTable => ({
  schema: of,
  storage: '1',
  filledColumns: [],
  columnVersions: {},
  pieces: [],
  ...more,
});
const ID = column(1, 'id');
const ONE = schema(ID, column(2, 'a'));
const MORE = schema(ID, column(2, 'a'), column(3, 'b'));
const yes = (): boolean => true;

describe('a change of a schema under a policy', () => {
  it('is followed, or needs a load, as without one, where the policy allows it', () => {
    expect(judge('widen', table(ONE), table(MORE), yes)).toEqual({ kind: 'follow' });
    expect(judge('widen', table(ONE), table(MORE, { filledColumns: [3] }), yes)).toMatchObject({
      kind: 'reload',
    });
    expect(judge('stop', table(ONE), table(ONE, { storage: '2' }), yes)).toEqual({ kind: 'same' });
  });

  it('says of a refused one whether changes that are kept could be applied some day', () => {
    expect(judge('stop', table(ONE), table(MORE), yes)).toMatchObject({ kind: 'refused', loads: false });
    expect(judge('stop', table(ONE), table(MORE, { filledColumns: [3] }), yes)).toMatchObject({
      kind: 'refused',
      loads: true,
    });
    const retyped = schema(ID, column(2, 'a', { kind: 'string' }));
    expect(judge('ignore', table(ONE), table(retyped), yes)).toMatchObject({ kind: 'refused', loads: true });
  });

  it('is measured by what the target has, not by what the source had last', () => {
    const held = { ...table(MORE), target: ONE };
    expect(judge('stop', held, table(ONE), yes)).toEqual({ kind: 'follow' });
    expect(judge('stop', held, table(MORE), yes)).toMatchObject({ kind: 'refused' });
  });

  it('needs no load for a column that is ignored, and one for what else became of the rows', () => {
    const filled = table(MORE, { filledColumns: [3], storage: '2', columnVersions: { 3: '9' } });
    expect(judge('ignore', table(ONE), filled, yes)).toEqual({ kind: 'held' });
    const split = table(MORE, { pieces: [{ id: 'p', storage: '1', born: false }] });
    expect(judge('ignore', table(ONE), split, yes)).toMatchObject({ kind: 'reload' });
  });

  it('brings what was left out by a load, once nothing is ignored any more', () => {
    const lacking = { ...table(MORE), target: ONE, targetLacks: true } as const;
    expect(judge('ignore', lacking, table(MORE), yes)).toEqual({ kind: 'held' });
    expect(judge('follow', lacking, table(MORE), yes)).toMatchObject({ kind: 'reload' });
    expect(judge('stop', lacking, table(MORE), yes)).toMatchObject({ kind: 'refused', loads: true });
    // The source dropped it again: the two have the same columns.
    expect(judge('ignore', lacking, table(ONE), yes)).toEqual({ kind: 'same' });
    expect(judge('follow', lacking, table(ONE), yes)).toEqual({ kind: 'follow' });
  });
});

it('columns of another numbering are the same by their names', () => {
  const other = schema(column(7, 'id'), column(8, 'b'));
  expect(byName(MORE, other).columns.map(({ name, sourceId }) => [name, sourceId])).toEqual([
    ['id', 7],
    ['a', -2],
    ['b', 8],
  ]);
});
