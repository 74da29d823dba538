import { describe, expect, it } from 'vitest';
import type { LogicalType } from './logical-type.ts';
import { sideBySide } from './schema-difference.ts';
import type { Column, TableSchema } from './table.ts';

const column = (sourceId: number, name: string, type: LogicalType = { kind: 'string' }): Column => ({
  name,
  sourceId,
  type,
  text: { form: 'plain' },
  nullable: true,
  native: type.kind,
});
const table = (columns: readonly Column[], key: readonly number[] = [0]): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns,
  identity: key.length === 0 ? { kind: 'row' } : { kind: 'key', columns: key },
});
const differences = (target: TableSchema, source: TableSchema) =>
  sideBySide(target, source).map(({ target: left, source: right, differs }) => [
    left?.name ?? null,
    right?.name ?? null,
    ...differs,
  ]);

describe('the columns of a target beside those of its source', () => {
  const target = table([column(1, 'id', { kind: 'int' }), column(2, 'a'), column(3, 'n', { kind: 'int' })]);

  it('are the same', () => {
    expect(differences(target, target)).toEqual([
      ['id', 'id'],
      ['a', 'a'],
      ['n', 'n'],
    ]);
  });

  it('were added, dropped, renamed, widened and retyped, whatever their order', () => {
    const source = table(
      [column(9, 'new'), column(3, 'n', { kind: 'long' }), column(1, 'nr', { kind: 'string' })],
      [2],
    );
    expect(differences(target, source)).toEqual([
      ['id', 'nr', 'renamed', 'retyped'],
      ['a', null, 'dropped'],
      ['n', 'n', 'widened'],
      [null, 'new', 'added'],
    ]);
  });

  it('are of another key: more columns, another order, none', () => {
    const { columns } = target;
    expect(differences(target, table(columns, [0, 1]))).toEqual([
      ['id', 'id'],
      ['a', 'a', 'key'],
      ['n', 'n'],
    ]);
    expect(differences(table(columns, [0, 1]), table(columns, [1, 0]))).toEqual([
      ['id', 'id', 'key'],
      ['a', 'a', 'key'],
      ['n', 'n'],
    ]);
    expect(differences(target, table(columns, []))).toContainEqual(['id', 'id', 'key']);
  });

  it('have another length or nullability, which the lake does not see', () => {
    const longer = { ...column(2, 'a'), native: 'varchar(20)', nullable: false };
    expect(differences(target, table([target.columns[0]!, longer, target.columns[2]!]))).toContainEqual([
      'a',
      'a',
    ]);
  });
});
