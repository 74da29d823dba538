import { describe, expect, it } from 'vitest';
import type { Column, TableSchema } from '../../model/table.ts';
import type { ColumnEffects } from './ddl/classify.ts';
import { discoveredTable, schemaAfter } from './schema-at.ts';

const column = (name: string, sourceId: number, native = 'int'): Column => ({
  name,
  sourceId,
  native,
  nullable: true,
  type: { kind: 'int' },
  text: { form: 'plain' },
});

const table = (...columns: Column[]): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns,
  identity: { kind: 'key', columns: [0] },
});

const catalog = (...names: string[]) =>
  discoveredTable('x', table(...names.map((name, index) => column(name, index + 1))), []);

function effects(some: Partial<ColumnEffects>): ColumnEffects {
  return {
    renamed: [],
    dropped: [],
    added: [],
    modified: [],
    reordered: false,
    key: false,
    foreignKeys: false,
    ...some,
  };
}

function ids(before: TableSchema, some: Partial<ColumnEffects>, ...now: string[]): string {
  let next = 100;
  const after = schemaAfter(before, effects(some), catalog(...now), () => next++);
  if (after.kind === 'gap') return 'gap';
  const columns = after.schema.columns.map(({ name, sourceId }) => `${name}=${sourceId}`);
  return [...columns, ...after.filled.map((id) => `filled ${id}`)].join(' ');
}

describe('the schema behind an ALTER', () => {
  const before = table(column('a', 1), column('b', 2), column('c', 3));

  it('keeps what was renamed, also crosswise', () => {
    const swap = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'a' },
    ];
    expect(ids(before, { renamed: swap }, 'b', 'a', 'c')).toBe('b=1 a=2 c=3');
    expect(ids(before, { renamed: [{ from: 'C', to: 'd' }] }, 'a', 'b', 'd')).toBe('a=1 b=2 d=3');
  });

  it('gives what is new another number, and says what was filled', () => {
    const added = [
      { name: 'd', filled: true },
      { name: 'e', filled: false },
    ];
    expect(ids(before, { added }, 'e', 'a', 'b', 'c', 'd')).toBe('e=101 a=1 b=2 c=3 d=100 filled 100');
  });

  it('knows that a column of the same name is another one', () => {
    const added = [{ name: 'b', filled: false }];
    expect(ids(before, { dropped: ['b'], added }, 'a', 'c', 'b')).toBe('a=1 c=3 b=100');
  });

  it('leaves out a column that IF NOT EXISTS found, or IF EXISTS did not', () => {
    expect(ids(before, { added: [{ name: 'B', filled: true }], dropped: ['nosuch'] }, 'a', 'b', 'c')).toBe(
      'a=1 b=2 c=3',
    );
  });

  it('is unknown where the catalog has other columns', () => {
    expect(ids(before, {}, 'a', 'b')).toBe('gap');
    expect(ids(before, {}, 'a', 'b', 'd')).toBe('gap');
    expect(ids(before, { renamed: [{ from: 'x', to: 'y' }] }, 'a', 'b', 'c')).toBe('gap');
  });
});
