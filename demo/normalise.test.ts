import { describe, expect, it } from 'vitest';
import { kindOf, normaliseSource } from './comparison-postgres.ts';
import { normaliseLake } from './normalise.ts';

describe('normalised values', () => {
  it('tells kinds by PostgreSQL type names', () => {
    expect(
      [
        'integer[]',
        'timestamp(3) with time zone',
        'bit(1)',
        'bit(8)',
        'double precision',
        'numeric(10,2)',
        'date',
      ].map(kindOf),
    ).toEqual(['array', 'instant', 'boolean', 'text', 'double', 'text', 'date']);
  });

  it('counts microseconds exactly, before 1970, before Christ and far away', () => {
    expect(normaliseSource('2024-02-29 12:00:00.5+00', 'instant')).toBe('1709208000500000');
    expect(normaliseSource('1969-12-31 23:59:59.999999', 'instant')).toBe('-1');
    expect(normaliseSource('0001-01-01 00:00:00 BC', 'instant')).toBe('-62167219200000000');
    expect(normaliseSource('0099-01-01 00:00:00', 'instant')).toBe('-59042995200000000');
    expect(normaliseSource('294276-12-31 23:59:59.999999+00', 'instant')).toBe('9224318015999999999');
    expect(normaliseSource('infinity', 'instant')).toBeNull();
    expect(() => normaliseSource('2024-02-29 12:00:00+02', 'instant')).toThrow(/UTC/);
  });

  it('keeps apart what is nearly the same', () => {
    expect(normaliseSource('', 'text')).not.toBe(normaliseSource(null, 'text'));
    expect(normaliseSource('-0', 'double')).not.toBe(normaliseLake('0.0', 'double'));
    expect(normaliseSource('1.10', 'text')).not.toBe(normaliseLake('1.1', 'text'));
    expect(normaliseSource('0.1', 'double')).not.toBe(normaliseLake('0.10000000149011612', 'double'));
    expect(normaliseSource('["1"]', 'array')).not.toBe(normaliseLake('[1]', 'array'));
  });

  it('joins what is the same in two writings', () => {
    expect(normaliseSource('t', 'boolean')).toBe(normaliseLake('true', 'boolean'));
    expect(normaliseSource('0', 'boolean')).toBe(normaliseLake('false', 'boolean'));
    expect(normaliseSource('Infinity', 'double')).toBe(normaliseLake('inf', 'double'));
    expect(normaliseSource('-Infinity', 'real')).toBe(normaliseLake('-inf', 'real'));
    expect(normaliseSource('NaN', 'double')).toBe(normaliseLake('nan', 'double'));
    expect(normaliseSource('1e+20', 'double')).toBe(normaliseLake('100000000000000000000', 'double'));
    expect(normaliseSource('0.1', 'real')).toBe(normaliseLake('0.10000000149011612', 'real'));
    expect(normaliseSource('\\x00ff', 'bytes')).toBe(normaliseLake('00ff', 'bytes'));
    expect(normaliseSource('["a", null]', 'array')).toBe(normaliseLake('["a",null]', 'array'));
  });
});
