import { expect, it } from 'vitest';
import { loadedText } from './load-text.ts';

it.each<[Parameters<typeof loadedText>[0], string]>([
  [{ phase: 'full_load', rowsLoaded: 1_234_567, rowsEstimated: 2_000_000 }, '1,234,567 of about 2,000,000'],
  [{ phase: 'full_load', rowsLoaded: 1000, rowsEstimated: 1000 }, '1,000 of about 1,000'],
  [{ phase: 'full_load', rowsLoaded: 1001, rowsEstimated: 1000 }, '1,001, more than estimated (1,000)'],
  [{ phase: 'full_load', rowsLoaded: 5, rowsEstimated: null }, '5'],
  [{ phase: 'incremental', rowsLoaded: 1001, rowsEstimated: 1000 }, '1,001'],
])('%o is %s', (table, text) => {
  expect(loadedText(table)).toBe(text);
});
