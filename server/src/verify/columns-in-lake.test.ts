import { describe, expect, it } from 'vitest';
import type { Column, TableSchema } from '../model/table.ts';
import { mergedColumns, mirroredColumns } from './columns-in-lake.ts';

const column = (sourceId: number, name: string): Column => ({
  ...{ name, sourceId, type: { kind: 'int' }, text: { form: 'plain' }, nullable: true, native: 'int' },
});
const table = (columns: readonly Column[], key: readonly number[] = [0]): TableSchema => ({
  name: { schema: 'd', table: 't', shard: 's' },
  columns,
  identity: key.length === 0 ? { kind: 'row' } : { kind: 'key', columns: key },
});
const numbered = ({ columns }: TableSchema) => columns.map(({ name, sourceId }) => [name, sourceId]);

describe('a mirrored table', () => {
  // As a catalog numbers them that knows their order only.
  const found = table([column(1, 'new'), column(2, 'id'), column(3, 'moved')], [1]);

  it('has the numbers that the run knows its columns by', () => {
    const known = { schema: table([column(9, 'new'), column(1, 'id'), column(2, 'moved')], [1]) };
    expect(mirroredColumns(found, known)).toMatchObject({ asked: found });
    const compared = mirroredColumns(found, known);
    if (typeof compared === 'string') throw new Error(compared);
    expect(numbered(compared.schema)).toEqual([
      ['new', 9],
      ['id', 1],
      ['moved', 2],
    ]);
    expect(compared.schema.identity).toEqual({ kind: 'key', columns: [1] });
  });

  it('lacks the columns that the lake leaves out, at the source too', () => {
    const schema = table([column(9, 'new'), column(1, 'id'), column(2, 'moved')], [1]);
    const compared = mirroredColumns(found, { schema, target: table([column(1, 'id'), column(2, 'was')]) });
    if (typeof compared === 'string') throw new Error(compared);
    expect(numbered(compared.asked)).toEqual([
      ['id', 2],
      ['moved', 3],
    ]);
    expect(numbered(compared.schema)).toEqual([
      ['id', 1],
      ['moved', 2],
    ]);
    expect(compared.asked.identity).toEqual({ kind: 'key', columns: [0] });
  });

  it('cannot be compared while a column is not followed, or without its key', () => {
    expect(mirroredColumns(found, { schema: table([column(1, 'id'), column(2, 'moved')]) })).toMatch(/new/);
    const schema = table([column(9, 'new'), column(1, 'id'), column(2, 'moved')], [1]);
    expect(mirroredColumns(found, { schema, target: table([column(9, 'new')], []) })).toMatch(/key/);
  });
});

describe('a shard', () => {
  const found = table([column(4, 'id'), column(7, 'n')]);
  const ids = { ids: new Map([...(['n', 'id', 'of'] as const)].map((name, at) => [name, at + 1])), last: 3 };
  const merged = { columns: [], extended: [{ part: 'server', name: 'of' }], key: ['id'] } as const;

  it("has the merged table's numbers, and the extended fields' values", () => {
    const compared = mergedColumns(found, { table: merged, ids, shown: true });
    if (typeof compared === 'string') throw new Error(compared);
    expect(compared.asked).toBe(found);
    expect(numbered(compared.schema)).toEqual([
      ['id', 2],
      ['n', 1],
    ]);
    expect([...compared.constants]).toEqual([[3, 's']]);
  });

  it('cannot be compared before it is shown, or while a column is not followed', () => {
    expect(mergedColumns(found, { table: merged, ids, shown: false })).toMatch(/appears/);
    expect(mergedColumns(found, { table: null, ids, shown: true })).toMatch(/appears/);
    const more = table([column(4, 'id'), column(8, 'more')]);
    expect(mergedColumns(more, { table: merged, ids, shown: true })).toMatch(/more/);
  });
});
