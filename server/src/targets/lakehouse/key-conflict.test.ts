import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import { type LineChange, type LineNow, lineConflicts } from './key-conflict.ts';

/** Lines as the sets of their keys: what is decided here knows no more of them. */
const keysOf = (line: unknown): ReadonlySet<number> => line as ReadonlySet<number>;
const lineOf = (keys: Iterable<number>): TableMetadata => new Set(keys) as unknown as TableMetadata;

async function find(
  { before, after }: LineChange,
  others: readonly LineNow[],
): Promise<{ shard: string; key: string } | null> {
  const known = keysOf(before ?? new Set());
  for (const key of keysOf(after))
    if (!known.has(key))
      for (const { shard, metadata } of others)
        if (keysOf(metadata).has(key)) return { shard, key: String(key) };
  return null;
}

/** Of each key the line that has it before, and the lines that have it after. */
const changes = fc.array(
  fc.record({ before: fc.option(fc.nat(4)), after: fc.uniqueArray(fc.nat(4), { maxLength: 2 }) }),
  { maxLength: 8 },
);

it('lets no key be in two lines, and refuses nothing where none would be', async () => {
  await fc.assert(
    fc.asyncProperty(changes, fc.uniqueArray(fc.nat(4)), async (keys, there) => {
      const lines = (has: (key: (typeof keys)[number], line: number) => boolean, which: readonly number[]) =>
        new Map(
          which.map((line) => [
            String(line),
            lineOf(keys.flatMap((key, index) => (has(key, line) ? [index] : []))),
          ]),
        );
      const moved = [
        ...new Set(keys.flatMap(({ before, after }) => [...(before === null ? [] : [before]), ...after])),
      ];
      const before = lines((key, line) => key.before === line, [...new Set([...there, ...moved])]);
      const after = lines((key, line) => key.after.includes(line), moved);
      const conflicts = await lineConflicts(before, after, find);
      const owners = new Map<number, string>();
      for (const [shard, line] of new Map([...before, ...after]))
        for (const key of keysOf(conflicts.has(shard) ? before.get(shard) : line)) {
          expect(owners.get(key)).toBeUndefined();
          owners.set(key, shard);
        }
      if (keys.every((key) => key.after.length < 2)) expect([...conflicts]).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});
