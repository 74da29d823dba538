import { describe, expect, it } from 'vitest';
import type { LogicalType } from '../model/logical-type.ts';
import type { Column, TypeParts } from '../model/table.ts';
import { evolve, type ObservedTable, sameShape } from './evolution.ts';

const INT: LogicalType = { kind: 'int' };
const column = (
  sourceId: number,
  name: string,
  type: LogicalType = INT,
  native: string = type.kind,
): Column => ({
  name,
  sourceId,
  type,
  text: { form: 'plain' },
  nullable: true,
  native,
});

function table(
  columns: readonly Column[],
  more: Partial<ObservedTable> & { readonly key?: readonly number[] } = {},
): ObservedTable {
  const { key = [0], ...rest } = more;
  return {
    schema: {
      name: { schema: 's', table: 't' },
      columns,
      identity: key.length === 0 ? { kind: 'row' } : { kind: 'key', columns: key },
    },
    storage: '1',
    filledColumns: [],
    columnVersions: Object.fromEntries(columns.map((one) => [one.sourceId, '10'])),
    pieces: [],
    ...rest,
  };
}

const ID = column(1, 'id');
const BEFORE = table([ID, column(2, 'a')]);
const labelled = (parts: TypeParts): Column => ({ ...column(2, 'a'), parts });
const decimal = (precision: number, scale: number): LogicalType => ({ kind: 'decimal', precision, scale });

describe('evolve', () => {
  const cases: readonly (readonly [string, ObservedTable, ObservedTable, 'same' | 'follow' | RegExp])[] = [
    ['nothing', BEFORE, BEFORE, 'same'],
    ['other storage alone: VACUUM FULL', BEFORE, table([ID, column(2, 'a')], { storage: '2' }), 'same'],
    [
      'a column defined anew, same storage: SET DEFAULT',
      BEFORE,
      table([ID, column(2, 'a')], { columnVersions: { 1: '10', 2: '11' } }),
      'same',
    ],
    [
      'both: USING',
      BEFORE,
      table([ID, column(2, 'a')], { storage: '2', columnVersions: { 1: '10', 2: '11' } }),
      /rewritten, and the column a/,
    ],
    ['a new column', BEFORE, table([ID, column(2, 'a'), column(3, 'b')]), 'follow'],
    [
      'a new column, filled',
      BEFORE,
      table([ID, column(2, 'a'), column(3, 'b')], { filledColumns: [3] }),
      /default in older rows/,
    ],
    ['an old column filled long ago', BEFORE, table([ID, column(2, 'a')], { filledColumns: [2] }), 'same'],
    [
      'a new column, rewritten',
      BEFORE,
      table([ID, column(2, 'a'), column(3, 'b')], { storage: '2' }),
      /rewritten when the column b/,
    ],
    ['a column less', BEFORE, table([ID]), 'follow'],
    ['renamed', BEFORE, table([ID, column(2, 'b')]), 'follow'],
    ['another column under an old name', BEFORE, table([ID, column(3, 'a')]), 'follow'],
    [
      'names swapped',
      table([ID, column(2, 'a'), column(3, 'b')]),
      table([ID, column(2, 'b'), column(3, 'a')]),
      'follow',
    ],
    [
      'int to long, rewritten',
      BEFORE,
      table([ID, column(2, 'a', { kind: 'long' })], { storage: '2' }),
      /became long/,
    ],
    [
      'a domain dropped: int to long, not rewritten',
      BEFORE,
      table([ID, column(2, 'a', { kind: 'long' })]),
      'follow',
    ],
    [
      'wider decimal',
      table([ID, column(2, 'a', decimal(10, 2))]),
      table([ID, column(2, 'a', decimal(12, 2))]),
      'follow',
    ],
    [
      'decimal with another scale',
      table([ID, column(2, 'a', decimal(10, 2))]),
      table([ID, column(2, 'a', decimal(12, 3))]),
      /became decimal/,
    ],
    [
      'text to int',
      table([ID, column(2, 'a', { kind: 'string' })]),
      table([ID, column(2, 'a')]),
      /became int/,
    ],
    [
      'varchar(10) to text',
      table([ID, column(2, 'a', { kind: 'string' }, 'varchar(10)')]),
      table([ID, column(2, 'a', { kind: 'string' }, 'text')]),
      'same',
    ],
    ['of a type nothing was known yet', BEFORE, table([ID, labelled({ 1: 'x' })]), 'follow'],
    ['a label more', table([ID, labelled({ 1: 'x' })]), table([ID, labelled({ 1: 'x', 2: 'y' })]), 'follow'],
    ['the same labels', table([ID, labelled({ 1: 'x' })]), table([ID, labelled({ 1: 'x' })]), 'same'],
    [
      'a label renamed',
      table([ID, labelled({ 1: 'x' })]),
      table([ID, labelled({ 1: 'z' })]),
      /type of the column a/,
    ],
    ['a label gone', table([ID, labelled({ 1: 'x' })]), table([ID, column(2, 'a')]), /type of the column a/],
    ['another key', BEFORE, table([ID, column(2, 'a')], { key: [1] }), /key/],
    ['the key longer', BEFORE, table([ID, column(2, 'a')], { key: [0, 1] }), /key/],
    ['the key gone', BEFORE, table([ID, column(2, 'a')], { key: [] }), /key/],
    [
      'the key renamed and moved',
      table([column(5, 'x'), ID], { key: [1] }),
      table([column(1, 'number'), column(5, 'x')], { key: [0] }),
      'follow',
    ],
  ];
  it.each(cases)('%s', (_name, before, after, expected) => {
    const found = evolve(before, after, () => true);
    if (typeof expected === 'string') expect(found).toEqual({ kind: expected });
    else expect(found).toEqual({ kind: 'reload', reason: expect.stringMatching(expected) });
  });

  const piece = (id: string, storage = id, born = true) => ({ id, storage, born });
  const pieces: readonly (readonly [string, readonly ReturnType<typeof piece>[], 'same' | RegExp])[] = [
    ['a part made as such', [piece('1'), piece('2'), piece('3')], 'same'],
    ['a part attached', [piece('1'), piece('2'), piece('3', '3', false)], /attached/],
    ['one that was attached before', [piece('1', '1', false), piece('2')], 'same'],
    ['a part emptied or rewritten', [piece('1', '9'), piece('2')], /rewritten or emptied/],
    ['a part gone', [piece('2')], /detached or dropped/],
  ];
  it.each(pieces)('%s', (_name, now, expected) => {
    const found = evolve(
      { ...BEFORE, pieces: [piece('1'), piece('2')] },
      { ...BEFORE, pieces: now },
      () => true,
    );
    if (expected === 'same') expect(found.kind).toBe('same');
    else expect(found).toEqual({ kind: 'reload', reason: expect.stringMatching(expected) });
  });
});

describe('sameShape', () => {
  it('does not look at NOT NULL, but at names, types, ids and the key', () => {
    const { schema } = BEFORE;
    const but = (more: Partial<Column>) => ({
      ...schema,
      columns: [schema.columns[0]!, { ...schema.columns[1]!, ...more }],
    });
    expect(sameShape(schema, but({ nullable: false }))).toBe(true);
    expect(sameShape(schema, but({ parts: { 1: 'x' } }))).toBe(true);
    expect(sameShape(schema, but({ name: 'b' }))).toBe(false);
    expect(sameShape(schema, but({ sourceId: 9 }))).toBe(false);
    expect(sameShape(schema, but({ native: 'int8' }))).toBe(false);
    expect(sameShape(schema, but({ text: { form: 'era' } }))).toBe(false);
    expect(sameShape(schema, { ...schema, identity: { kind: 'row' } })).toBe(false);
  });
});
