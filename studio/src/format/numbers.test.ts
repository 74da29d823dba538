import { describe, expect, it } from 'vitest';
import { bytes, compact, counted, duration, percent, period } from './numbers.ts';

describe('numbers for people', () => {
  it('have their unit, and as many digits as matter', () => {
    expect([0, 512, 1023, 1024, 1_048_576, 5e9].map(bytes)).toEqual([
      '0 B',
      '512 B',
      '1023 B',
      '1.00 KiB',
      '1.00 MiB',
      '4.66 GiB',
    ]);
    expect([0, 950, 999.96, 12_345, 4_560_000].map(compact)).toEqual([
      '0',
      '950',
      '1.00 k',
      '12.3 k',
      '4.56 M',
    ]);
    expect([0, 850, 2400, 9999, 200_000, 7_500_000, 273_600_000].map(duration)).toEqual([
      '0 ms',
      '850 ms',
      '2.4 s',
      '10 s',
      '3 min 20 s',
      '2 h 5 min',
      '3 d 4 h',
    ]);
    expect([0.5, 60, 3600, 5400, 86_400].map(period)).toEqual([
      '500 ms',
      '1 min',
      '1 h',
      '1 h 30 min',
      '1 d',
    ]);
    expect([1, 2].map((value) => counted(value, 'table'))).toEqual(['1 table', '2 tables']);
  });

  it('do not call something complete that is not', () => {
    expect([0, 0.5, 0.99999, 1].map(percent)).toEqual(['0 %', '50.0 %', '99.9 %', '100 %']);
  });
});
