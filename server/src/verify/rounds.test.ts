import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeLook, looksAgain, Suspicions } from './rounds.ts';

describe('a look at a key', () => {
  it.each([
    ['a', 'a', 'a', 'equal'],
    [null, null, null, 'equal'],
    ['a', 'a', 'b', 'equal'],
    ['a', 'b', 'b', 'equal'],
    [null, 'b', 'b', 'equal'],
    ['a', null, null, 'equal'],
    ['a', 'x', 'b', 'unsettled'],
    ['a', 'x', null, 'unsettled'],
    ['a', null, 'a', 'missing'],
    [null, 'a', null, 'extra'],
    ['a', 'b', 'a', 'changed'],
  ] as const)('%s, lake %s, %s: %s', (before, lake, after, verdict) => {
    expect(judgeLook({ before, lake, after })).toBe(verdict);
  });

  it('never blames a lake that shows a moment between the looks, of a row that no value comes back to', () => {
    const history = fc.uniqueArray(fc.option(fc.string(), { nil: null }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(history, fc.nat(9), fc.nat(9), fc.nat(9), (states, a, b, c) => {
        const [first = 0, middle = 0, last = 0] = [a, b, c]
          .map((at) => at % states.length)
          .sort((x, y) => x - y);
        const look = { before: states[first]!, lake: states[middle]!, after: states[last]! };
        expect(['equal', 'unsettled']).toContain(judgeLook(look));
      }),
    );
  });
});

describe('several looks at a key', () => {
  const weighed = (looks: readonly (readonly [string | null, string | null, string | null])[]) => {
    const suspicions = new Suspicions();
    return looks.map(([before, lake, after]) => suspicions.weigh(['1'], { before, lake, after }));
  };
  const MISSING = ['a', null, 'a'] as const;

  it('name a difference that three of them see', () => {
    expect(weighed([MISSING, MISSING, MISSING])).toEqual(['unsettled', 'unsettled', 'missing']);
    // Its values may be others at each.
    const stale = [['b', 'a', 'b'] as const, ['c', 'a', 'c'] as const, ['d', 'a', 'd'] as const];
    expect(weighed(stale)).toEqual(['unsettled', 'unsettled', 'changed']);
  });

  it('begin to count anew where one sees another difference, a row that moves, or the row as it is', () => {
    const other = [null, 'a', null] as const;
    expect(weighed([MISSING, MISSING, other, MISSING, MISSING, MISSING])).toEqual([
      ...['unsettled', 'unsettled', 'unsettled', 'unsettled', 'unsettled', 'missing'],
    ]);
    const moving = ['a', null, 'b'] as const;
    expect(weighed([MISSING, MISSING, moving, MISSING, MISSING])).not.toContain('missing');
    expect(weighed([MISSING, MISSING, ['a', 'a', 'a']]).at(-1)).toBe('equal');
  });

  it('tell keys apart', () => {
    const suspicions = new Suspicions();
    const look = { before: 'a', lake: null, after: 'a' };
    for (const key of [['1', '2'], ['1,2'], ['1', '2'], ['2', '1']])
      expect(suspicions.weigh(key, look)).toBe('unsettled');
    expect(suspicions.weigh(['1', '2'], look)).toBe('missing');
  });
});

describe('another look', () => {
  it.each([
    ['nothing is open', [0], false],
    ['there was none yet', [5], true],
    ['keys settle', [5000, 40, 3], true],
    ['all are settled', [5000, 40, 0], false],
    ['the same are open after three looks', [5000, 7, 7, 7, 7], true],
    ['four looks in a row settled none', [5000, 7, 7, 7, 7, 7], false],
    ['the first four settled none', [7, 7, 7, 7, 7], false],
    ['the ninth settled one', [20, 19, 18, 17, 16, 15, 14, 13, 12, 11], true],
    ['there were ten', [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10], false],
  ])('where %s', (_what, open, again) => {
    expect(looksAgain(open)).toBe(again);
  });
});
