import { describe, expect, it } from 'vitest';
import { PositionLag } from './position-lag.ts';

const byNumber = (a: string, b: string): number => Number(a) - Number(b);

describe('the lag of the reader in time', () => {
  it('is not known before the end of the log was looked at', () => {
    expect(new PositionLag(byNumber).behind('5', 1000)).toBeNull();
  });

  it('is nothing where the reader has reached the last end', () => {
    const lag = new PositionLag(byNumber);
    lag.seen(1000, '10');
    expect(lag.behind('10', 9000)).toBe(0);
    expect(lag.behind('11', 10_000)).toBe(0);
  });

  it('is the age of the first end that was not reached', () => {
    const lag = new PositionLag(byNumber);
    lag.seen(1000, '10');
    lag.seen(2000, '20');
    lag.seen(3000, '30');
    expect(lag.behind('5', 3500)).toBe(2500);
    expect(lag.behind('10', 3500)).toBe(1500);
    expect(lag.behind('29', 3500)).toBe(500);
    expect(lag.behind('30', 3500)).toBe(0);
    lag.seen(4000, '40');
    expect(lag.behind('30', 4500)).toBe(500);
  });

  it('keeps the oldest end of a reader that stands still, and a bounded number of others', () => {
    const lag = new PositionLag(byNumber);
    for (let at = 0; at < 100_000; at++) lag.seen(at, String(at + 1));
    expect(lag.behind('0', 100_000)).toBe(100_000);
  });
});
