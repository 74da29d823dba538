import { expect, it } from 'vitest';
import { CatalogLooks } from './catalog-looks.ts';
import type { Lane } from './lane.ts';

it('a look is answered when what it has shown is committed, and not before', () => {
  const asked = [1, 2];
  const answered: number[] = [];
  const looks = new CatalogLooks(asked, (look) => answered.push(look));
  const [a, b] = [{} as Lane, {} as Lane];
  expect(looks.areAsked).toBe(true);
  const first = looks.take();
  expect(looks.areAsked).toBe(false);
  asked.push(3);
  // Commit 4 had begun by then; a mark of `a` is on its way.
  looks.shown({ looks: first, from: 5, lanes: new Set([a]) });
  looks.committed(4, new Set());
  expect(answered).toEqual([]);
  looks.shown({ looks: looks.take(), from: 5, lanes: new Set() });
  looks.committed(5, new Set([a, b]));
  expect(answered).toEqual([3]);
  looks.committed(6, new Set([b]));
  expect(answered).toEqual([3, 1, 2]);
  looks.committed(7, new Set());
  expect(answered).toHaveLength(3);
});

it('a look that is not answered when the run ends is asked of the next one', () => {
  const asked = [1, 2];
  const answered: number[] = [];
  const looks = new CatalogLooks(asked, (look) => answered.push(look));
  looks.shown({ looks: looks.take(), from: 1, lanes: new Set() });
  looks.committed(1, new Set());
  asked.push(3);
  looks.take();
  looks.giveBack();
  expect(answered).toEqual([1, 2]);
  expect(asked).toEqual([3]);
});
