import { expect, it } from 'vitest';
import type { Column, TableSchema } from '../model/table.ts';
import { schemaChanges } from './schema-changes.ts';

const column = (sourceId: number, name: string, native: string, nullable = true): Column => ({
  name,
  sourceId,
  type: { kind: 'string' },
  text: { form: 'plain' },
  nullable,
  native,
});
const schema = (columns: readonly Column[], key: readonly number[] = [0]): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns,
  identity: key.length === 0 ? { kind: 'row' } : { kind: 'key', columns: key },
});

it('says what became of each column and of the key', () => {
  const before = schema([column(1, 'id', 'int', false), column(2, 'a', 'int'), column(3, 'gone', 'text')]);
  const after = schema(
    [column(1, 'id', 'bigint', false), column(2, 'b', 'int', false), column(4, 'new', 'date')],
    [0, 1],
  );
  expect(schemaChanges(before, after)).toEqual([
    'id: int → bigint',
    'renamed a to b',
    'b: is never null',
    'added new date',
    'dropped gone',
    'key: id → id, b',
  ]);
  expect(schemaChanges(before, before)).toEqual([]);
  expect(schemaChanges(before, schema(before.columns, []))).toEqual(['key: id → none']);
});
