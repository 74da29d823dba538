import { describe, expect, it } from 'vitest';
import { found } from './places.ts';

const places = [
  { name: 'Data sources', to: '/data-sources', kind: 'page' },
  { name: 'shop-mirror', to: '/tasks/shop-mirror', kind: 'task' },
  { name: 'shop', to: '/data-sources/shop', kind: 'data source' },
  { name: 'public.shop', to: '/lakehouse/public/shop', kind: 'table' },
];
const names = (text: string) => found(places, text).map(({ to }) => to);

describe('places by name', () => {
  it('are those that have every word, in their name or kind; what begins with it comes first', () => {
    expect(names('')).toHaveLength(4);
    expect(names('SHOP')).toEqual(['/tasks/shop-mirror', '/data-sources/shop', '/lakehouse/public/shop']);
    expect(names('shop source')).toEqual(['/data-sources/shop']);
    expect(names('nothing')).toEqual([]);
  });
});
