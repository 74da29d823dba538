import { describe, expect, it } from 'vitest';
import { MANY_SEGMENTS, mergeable } from './segment-merge.ts';
import type { SegmentRow } from './segment-rows.ts';

function segments(
  ...runs: readonly (readonly [count: number, version: number, rows: number])[]
): SegmentRow[] {
  let id = 0;
  return runs.flatMap(([count, schemaVersion, rows]) =>
    Array.from({ length: count }, () => {
      id++;
      return { id, schemaVersion, rows, path: `${id}`, firstOrd: id, lastOrd: id, endPosition: `${id}` };
    }),
  );
}

const ids = (some: readonly SegmentRow[]): readonly (number | undefined)[] => [
  some[0]?.id,
  some.at(-1)?.id,
  some.length,
];

describe('segments that can be put together', () => {
  it.each([
    ['none of few', segments([MANY_SEGMENTS - 1, 1, 10]), [undefined, undefined, 0]],
    ['all of many', segments([200, 1, 10]), [1, 200, 200]],
    ['not across a change of the schema', segments([100, 1, 10], [150, 2, 10]), [101, 250, 150]],
    ['no more than a file is to hold', segments([200, 1, 12_000]), [1, 166, 166]],
    ['not again what was put together', segments([1, 1, 1_990_000], [150, 1, 1000]), [12, 151, 140]],
  ] as const)('%s', (_, all, expected) => {
    expect(ids(mergeable(all))).toEqual(expected);
  });
});
