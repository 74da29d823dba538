import type { TaskTable } from '@sluice/contract';
import { expect, it } from 'vitest';
import { chosenTables, nameOf } from './table-filter.ts';

const table = (id: number, name: string, state: string, latencyMs: number | null = null): TaskTable =>
  ({
    id,
    state,
    latencyMs,
    rowsLoaded: id,
    rowsApplied: 0,
    source: { schema: 'shop', table: name },
    target: { schema: 'lake', table: name },
  }) as TaskTable;
const tables = [
  table(1, 'b', 'live', 5),
  table(2, 'a', 'blocked'),
  table(3, 'c', 'loading'),
  table(4, 'd', 'live', 50),
];
const names = (text: string, show: string, sort: 'name' | 'state' | 'latency' | 'rows') =>
  chosenTables(tables, { text, show, sort }).map(({ source }) => nameOf(source));

it('finds by the names of source and target, in any case', () => {
  expect(names('SHOP.A', '', 'name')).toEqual(['shop.a']);
  expect(names('lake.', '', 'name')).toHaveLength(4);
});

it('shows what a person asks for, trouble first', () => {
  expect(names('', '', 'state')).toEqual(['shop.a', 'shop.c', 'shop.b', 'shop.d']);
  expect(names('', 'live', 'latency')).toEqual(['shop.d', 'shop.b']);
  expect(names('', 'trouble', 'name')).toEqual(['shop.a']);
  expect(names('', '', 'rows')).toEqual(['shop.d', 'shop.c', 'shop.a', 'shop.b']);
});
