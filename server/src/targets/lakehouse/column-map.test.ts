import { describe, expect, it } from 'vitest';
import { currentSchema } from '../../lakehouse/table-metadata.ts';
import type { Column, TableSchema } from '../../model/table.ts';
import { columnMapOf, followSchema, newTable } from './column-map.ts';
import { column } from './testing/change-batches.ts';

const schema = (columns: readonly Column[], key: readonly number[] = [0]): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns,
  identity: key.length === 0 ? { kind: 'row' } : { kind: 'key', columns: key },
});
const ID = column(1, 'id', { kind: 'int' });
const A = column(2, 'a');
const B = column(3, 'b');
const made = (columns: readonly Column[], key?: readonly number[]) =>
  newTable(schema(columns, key), 'file:///w/s/t', 1);
const follow = (
  table: ReturnType<typeof made>,
  columns: readonly Column[],
  options = { replace: false, key: [0] as readonly number[] },
) => followSchema(table, schema(columns, options.key), 2, { replace: options.replace });
const fields = (table: ReturnType<typeof made>) =>
  currentSchema(table).fields.map(({ id, name, type }) => [id, name, type]);
const key = (table: ReturnType<typeof made>) => currentSchema(table)['identifier-field-ids'] ?? [];

describe('newTable', () => {
  it('has the columns, then ours; the key are the identifier fields, and required', () => {
    const table = made([ID, A]);
    expect(fields(table)).toEqual([
      [1, 'id', 'int'],
      [2, 'a', 'string'],
      [3, '_op', 'string'],
      [4, '_source_ts', 'timestamptz'],
    ]);
    expect(key(table)).toEqual([1]);
    expect(currentSchema(table).fields.map(({ required }) => required)).toEqual([true, false, false, false]);
    expect(columnMapOf(table)).toEqual({
      columns: new Map([
        [1, 1],
        [2, 2],
      ]),
      op: 3,
      sourceTs: 4,
    });
  });

  it('ours give way to columns of the source with their names', () => {
    const table = made([ID, column(2, '_op'), column(3, '__op'), column(4, '_source_ts')]);
    expect(fields(table).map(([, name]) => name)).toEqual([
      'id',
      '_op',
      '__op',
      '_source_ts',
      '___op',
      '__source_ts',
    ]);
  });

  it.each([['float'], ['double']] as const)('a key of %s is no identifier in Iceberg', (kind) => {
    expect(key(made([column(1, 'k', { kind })]))).toEqual([]);
  });
});

describe('followSchema', () => {
  it('renames by the source’s id, and swaps names', () => {
    const table = made([ID, A, B]);
    const swapped = follow(table, [ID, { ...A, name: 'b' }, { ...B, name: 'a' }]);
    expect(fields(swapped).slice(0, 3)).toEqual([
      [1, 'id', 'int'],
      [2, 'b', 'string'],
      [3, 'a', 'string'],
    ]);
    expect(columnMapOf(swapped)?.columns).toEqual(
      new Map([
        [1, 1],
        [2, 2],
        [3, 3],
      ]),
    );
  });

  it('a column that was dropped and one added under its name are two fields', () => {
    const table = follow(made([ID, A]), [ID, column(9, 'a', { kind: 'int' })]);
    const [, added] = fields(table);
    expect(added).toEqual([expect.any(Number), 'a', 'int']);
    expect(added![0]).toBeGreaterThan(4);
    expect(columnMapOf(table)?.columns.get(9)).toBe(added![0]);
  });

  it('widens in place and keeps ours last', () => {
    const table = follow(made([ID, A]), [
      { ...ID, type: { kind: 'long' } },
      A,
      column(7, 'new', { kind: 'double' }),
    ]);
    expect(fields(table).map(([, name, type]) => [name, type])).toEqual([
      ['id', 'long'],
      ['a', 'string'],
      ['new', 'double'],
      ['_op', 'string'],
      ['_source_ts', 'timestamptz'],
    ]);
    expect(key(table)).toEqual([1]);
  });

  it('ours step aside when the source gets a column of their name, and come back', () => {
    const table = follow(made([ID]), [ID, column(5, '_op')]);
    expect(fields(table).map(([, name]) => name)).toEqual(['id', '_op', '__op', '_source_ts']);
    expect(columnMapOf(table)?.op).toBe(columnMapOf(made([ID]))?.op);
    expect(fields(follow(table, [ID])).map(([, name]) => name)).toEqual(['id', '_op', '_source_ts']);
  });

  it('a change of type that rows cannot follow is refused, and a new field where there are none', () => {
    const table = made([ID, A]);
    const other = [ID, { ...A, type: { kind: 'int' }, native: 'integer' } as Column];
    expect(() => follow(table, other)).toThrow(/a of s.t became integer/);
    const replaced = follow(table, other, { replace: true, key: [0] });
    expect(fields(replaced).slice(0, 2)).toEqual([
      [1, 'id', 'int'],
      [5, 'a', 'int'],
    ]);
  });

  it('the key follows as far as Iceberg allows', () => {
    const table = made([ID, A]);
    expect(key(follow(table, [{ ...ID, name: 'key' }, A]))).toEqual([1]);
    expect(key(follow(table, [ID, A], { replace: false, key: [] }))).toEqual([]);
    // `a` was optional, and rows without it may be there.
    expect(key(follow(table, [ID, A], { replace: false, key: [0, 1] }))).toEqual([]);
  });
});
