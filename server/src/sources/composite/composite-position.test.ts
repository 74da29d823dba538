import { describe, expect, it } from 'vitest';
import { comparePositions, joinPositions, splitPositions } from './composite-position.ts';
import { memberLabel, memberOf } from './member-label.ts';

const of = (positions: Record<string, string>): string => joinPositions(new Map(Object.entries(positions)));
const compare = (a: Record<string, string>, b: Record<string, string>): number =>
  comparePositions(of(a), of(b), (x, y) => Number(x) - Number(y));

describe('the position of several logs', () => {
  it('is the same text whatever order it was made in', () => {
    expect(of({ b: '2', a: '1' })).toBe(of({ a: '1', b: '2' }));
    expect([...splitPositions(of({ b: '2', a: '1' }))]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect(() => splitPositions('0/16B374D8')).toThrow(/is no position of a sharded-table merge/);
  });

  it('is behind another as long as one of its logs is', () => {
    expect(compare({ a: '5', b: '5' }, { a: '5', b: '5' })).toBe(0);
    expect(compare({ a: '6', b: '5' }, { a: '5', b: '5' })).toBe(1);
    expect(compare({ a: '6', b: '4' }, { a: '5', b: '5' })).toBe(-1);
    // A log that joined since has nothing that is waited for.
    expect(compare({ a: '5', c: '1' }, { a: '5' })).toBe(0);
    expect(compare({ a: '4' }, { a: '5', c: '1' })).toBe(-1);
  });
});

it('a member’s label tells server and database apart, whatever they are called', () => {
  for (const member of [
    { server: 'eu', database: null },
    { server: 'eu/1%2F', database: 'shop/1' },
    { server: '中', database: '' },
  ])
    expect(memberOf(memberLabel(member))).toEqual(member);
});
