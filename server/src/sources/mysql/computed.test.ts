import { expect, it } from 'vitest';
import type { Column } from '../../model/table.ts';
import { computedFrom } from './computed.ts';

const column = (name: string, native: string): Column => ({
  name,
  sourceId: 1,
  type: { kind: 'int' },
  text: { form: 'plain' },
  nullable: true,
  native,
});

it('finds what is computed from a column', () => {
  const columns = [
    column('a', 'int'),
    column('b`b', "enum('`a`')"),
    column('c', 'int as (length(`a`)) virtual'),
    column('d', "varchar(9) character set utf8mb4 as (concat(`B``b`,'x')) stored"),
  ];
  expect(computedFrom(columns, ['A'])).toBe('c');
  expect(computedFrom(columns, ['nosuch', 'b`b'])).toBe('d');
  expect(computedFrom(columns, ['c', 'd', 'length'])).toBe(null);
  expect(computedFrom(columns, [])).toBe(null);
});
