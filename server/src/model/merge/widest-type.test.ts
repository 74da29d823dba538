import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { type LogicalType, type PrimitiveType, typeText } from '../logical-type.ts';
import { edgesOf, holds } from './testing/exact-values.ts';
import { anyType } from './testing/random-types.ts';
import { holdsAll, widestType } from './widest-type.ts';

const decimal = (precision: number, scale: number): PrimitiveType => ({ kind: 'decimal', precision, scale });
const kind = (name: Exclude<PrimitiveType['kind'], 'decimal'>): PrimitiveType => ({ kind: name });
const text = (type: LogicalType | null): string => (type === null ? 'none' : typeText(type));

describe('widestType', () => {
  it.each([
    [kind('int'), kind('long'), 'long'],
    [kind('int'), decimal(5, 2), 'decimal(12, 2)'],
    [kind('int'), decimal(20, 0), 'decimal(20, 0)'],
    [kind('long'), decimal(20, 0), 'decimal(20, 0)'],
    [kind('long'), decimal(10, 4), 'decimal(23, 4)'],
    [decimal(10, 2), decimal(12, 2), 'decimal(12, 2)'],
    [decimal(10, 2), decimal(10, 4), 'decimal(12, 4)'],
    [decimal(38, 0), decimal(38, 38), 'none'],
    [decimal(38, 30), kind('int'), 'none'],
    [kind('float'), kind('double'), 'double'],
    [kind('int'), kind('double'), 'double'],
    [kind('int'), kind('float'), 'double'],
    [kind('long'), kind('double'), 'none'],
    [decimal(5, 2), kind('double'), 'none'],
    [kind('boolean'), kind('int'), 'none'],
    [kind('date'), kind('timestamp'), 'none'],
    [kind('timestamp'), kind('timestamptz'), 'none'],
    [kind('string'), kind('int'), 'none'],
    [kind('string'), kind('uuid'), 'none'],
    [kind('binary'), kind('string'), 'none'],
  ] as const)('of %j and %j is %s', (a, b, expected) => {
    expect(text(widestType(a, b))).toBe(expected);
    expect(text(widestType(b, a))).toBe(expected);
  });

  it('of lists is the list of that of their elements', () => {
    const list = (element: PrimitiveType): LogicalType => ({ kind: 'list', element });
    expect(text(widestType(list(kind('int')), list(kind('long'))))).toBe('list<long>');
    expect(widestType(list(kind('int')), kind('int'))).toBeNull();
    expect(widestType(list(kind('int')), list(kind('string')))).toBeNull();
  });

  const seed = freshSeed();
  it(`holds each value of both, whatever the order (seed ${seed})`, () => {
    fc.assert(
      fc.property(anyType, anyType, (a, b) => {
        const widest = widestType(a, b);
        expect(widestType(b, a)).toEqual(widest);
        expect(widestType(a, a)).toEqual(a);
        if (widest === null) return;
        expect(widestType(widest, a)).toEqual(widest);
        expect(holdsAll(widest, a)).toBe(true);
        if (holdsAll(b, a)) for (const value of edgesOf(a)) expect(holds(b, value)).toBe(true);
        for (const value of [...edgesOf(a), ...edgesOf(b)]) expect(holds(widest, value)).toBe(true);
      }),
      { seed, numRuns: 20_000 },
    );
  });

  it(`comes to the same in every order of several, and where there is none two of them have none (seed ${seed})`, () => {
    const fold = (types: readonly LogicalType[]): LogicalType | null =>
      types.reduce<LogicalType | null>(
        (one, other) => (one === null ? null : widestType(one, other)),
        types[0]!,
      );
    fc.assert(
      fc.property(fc.array(anyType, { minLength: 3, maxLength: 5 }), fc.nat(), (types, turn) => {
        const at = turn % types.length;
        const turned = [...types.slice(at), ...types.slice(0, at)];
        expect(fold(turned)).toEqual(fold(types));
        expect(fold([...types].reverse())).toEqual(fold(types));
        const two = types.some((a) => types.some((b) => widestType(a, b) === null));
        expect(fold(types) === null).toBe(two);
      }),
      { seed, numRuns: 20_000 },
    );
  });
});
