import { describe, expect, it } from 'vitest';
import { isMeant } from './name-filter.ts';

describe('a filter of names', () => {
  it('lets everything through where it is empty', () => {
    expect(isMeant([], ['x'])).toBe(true);
    expect(isMeant([], [])).toBe(true);
  });

  it.each([
    ['shop', 'shop', true],
    ['shop', 'SHOP', true],
    ['shop', 'shop2', false],
    ['shop*', 'shop', true],
    ['shop*', 'shopping', true],
    ['*.orders', 'public.orders', true],
    ['*.orders', 'public.orders2', false],
    ['a*b*c', 'a--b--c', true],
    ['a*b*c', 'a--c', false],
    ['a*a', 'a', false],
    ['a*b*b', 'ab', false],
    ['*', '', true],
    ['a.c', 'abc', false],
    ['(', '(', true],
  ])('takes %s for %s: %s', (pattern, name, meant) => {
    expect(isMeant([pattern], [name])).toBe(meant);
  });

  it('is quick for patterns that an expression would be slow for', () => {
    const began = performance.now();
    expect(isMeant([`${'*a'.repeat(100)}b`], ['a'.repeat(5000)])).toBe(false);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
