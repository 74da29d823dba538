import { SluiceError } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { id, onlyTable, parameters, reference, splitList, tableName, wholeNumber } from './arguments.ts';

describe('arguments', () => {
  it('splits lists outside of quotes', () => {
    expect(splitList('a, b.c,"x,y"."z ""1"""')).toEqual(['a', 'b.c', '"x,y"."z ""1"""']);
    expect(splitList('')).toEqual([]);
  });

  it('reads table names with and without schema', () => {
    expect(tableName('Orders')).toEqual({ schema: null, table: 'Orders' });
    expect(tableName('"odd.schema"."a ""b"""')).toEqual({ schema: 'odd.schema', table: 'a "b"' });
    expect(() => tableName('a.b.c')).toThrow(/no table's name/);
  });

  it('finds the only table of a name, and never guesses between two', () => {
    const known = [
      { schema: 'a', table: 't' },
      { schema: 'b', table: 't' },
      { schema: 'a', table: 'u' },
    ];
    expect(onlyTable({ schema: null, table: 'u' }, known)).toEqual({ schema: 'a', table: 'u' });
    expect(onlyTable({ schema: 'x', table: 't' }, [])).toEqual({ schema: 'x', table: 't' });
    expect(() => onlyTable({ schema: null, table: 't' }, known)).toThrow(/Several schemas.*a, b/);
    expect(() => onlyTable({ schema: null, table: 'v' }, known)).toThrow(/There is no table/);
  });

  it('keeps what stands behind the first equals sign', () => {
    expect(parameters(['commit_interval=500ms', 'publication=a=b', 'commit_interval=1s'])).toEqual({
      commit_interval: '1s',
      publication: 'a=b',
    });
    expect(() => parameters(['x'])).toThrow(SluiceError);
    expect(() => parameters(['=x'])).toThrow(SluiceError);
  });

  it('takes digits as ids, and whole numbers within bounds only', () => {
    expect(reference('12')).toBe(12);
    expect(reference('12a')).toBe('12a');
    expect(() => id('a', 'a run')).toThrow(/no id of a run/);
    expect(wholeNumber('--limit', '0', 0, 10)).toBe(0);
    for (const bad of ['11', '-1', '1.5', '', '0x1'])
      expect(() => wholeNumber('--limit', bad, 0, 10)).toThrow(/--limit/);
  });
});
