import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lineDifferences } from './line-differences.ts';

it('says what went and what came', () => {
  const shown = lineDifferences('a\nb\nc', 'a\nx\nc\nd').map(({ side, text }) => `${side} ${text}`);
  expect(shown).toEqual(['both a', 'left b', 'right x', 'both c', 'right d']);
});

it('holds both texts, whatever they are', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', '')).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = lineDifferences(before, after);
      const of = (side: string) => lines.filter((line) => line.side === 'both' || line.side === side);
      const joined = (side: string) =>
        of(side)
          .map((line) => line.text)
          .join('\n');
      expect([joined('left'), joined('right')]).toEqual([before, after]);
    }),
  );
});
