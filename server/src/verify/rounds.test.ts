import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeLook } from './rounds.ts';

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
