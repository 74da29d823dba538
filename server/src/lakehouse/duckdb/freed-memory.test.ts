import { expect, it } from 'vitest';
import { FreedMemory } from './freed-memory.ts';

const MIB = 2 ** 20;

it('is due above the limit, and then when so much came that it is worth it', () => {
  let rss = 300 * MIB;
  const freed = new FreedMemory(() => rss);
  const dueAt = (size: number): boolean => {
    rss = size * MIB;
    return freed.isDue(358 * MIB);
  };
  expect(dueAt(350)).toBe(false);
  expect(dueAt(400)).toBe(true);
  // What is in use cannot be given back, and is not asked for again and again.
  rss = 380 * MIB;
  freed.wasGivenBack();
  expect(dueAt(470)).toBe(false);
  expect(dueAt(477)).toBe(true);
  expect(dueAt(320)).toBe(false);
  expect(dueAt(417)).toBe(true);
});
