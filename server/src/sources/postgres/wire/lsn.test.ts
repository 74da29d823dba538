import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareLsn, formatLsn, parseLsn } from './lsn.ts';

describe('lsn', () => {
  it('reads and writes what the server writes', () => {
    expect(parseLsn('16/B374D848')).toBe(0x16b374d848n);
    expect(formatLsn(0x16b374d848n)).toBe('16/B374D848');
    expect(formatLsn(0n)).toBe('0/0');
  });

  it.each(['', '16', '16/', '/1', '16/G', '123456789/0', '1/2/3', ' 1/2'])('refuses %j', (text) => {
    expect(parseLsn(text)).toBeNull();
  });

  it('orders as numbers, not as text', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (a, b) => {
        expect(parseLsn(formatLsn(a))).toBe(a);
        expect(compareLsn(a, b)).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });
});
