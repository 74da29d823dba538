import { describe, expect, it } from 'vitest';
import { mentioned, namespaceOf } from './known-names.ts';

const tables = ['orders', 'order', 'Odd name', 'users'].map((table) => ({ schema: 'shop', table }));
const names = (text: string) => mentioned(text, tables).map(({ table }) => table);

describe('the names that a statement may use', () => {
  it('are those of the tables that stand in it as words', () => {
    expect(names('select * from shop.orders where users_id = 1')).toEqual(['orders']);
    expect(names('FROM SHOP.Order o, shop."Odd name"')).toEqual(['order', 'Odd name']);
    expect(names('')).toEqual([]);
    const many = Array.from({ length: 50 }, () => ({ schema: 's', table: 't' }));
    expect(mentioned('t', many)).toHaveLength(12);
  });

  it('are schemas, tables and the columns that are known', () => {
    expect(namespaceOf(tables.slice(0, 2), new Map([['shop.orders', ['id']]]))).toEqual({
      shop: { orders: ['id'], order: [] },
    });
  });
});
