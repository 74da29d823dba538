import { expect, it } from 'vitest';
import { comparisonText } from './comparison-text.ts';
import type { TableVerdict } from './verification.ts';

it.each([
  ['No table differs', ['equal', 'equal']],
  ['No table differs; 1 was not compared', ['equal', 'skipped']],
  [
    'No table differs; 1 has rows that did not settle; 2 were not compared',
    ['skipped', 'unsettled', 'skipped'],
  ],
  ['1 table differs; 1 was not compared', ['different', 'skipped', 'equal']],
  ['2 tables differ; 2 have rows that did not settle', ['different', 'different', 'unsettled', 'unsettled']],
  ['No table was compared', ['skipped', 'skipped']],
  ['No table was compared', []],
] as const)('%s', (text, verdicts) => {
  expect(
    comparisonText((verdicts as readonly TableVerdict['verdict'][]).map((verdict) => ({ verdict }))),
  ).toBe(text);
});
