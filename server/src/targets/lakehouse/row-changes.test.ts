import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshSeed } from '../../../../tests/support/seed.ts';
import type { TableSchema } from '../../model/table.ts';
import { foldRows } from './row-changes.ts';
import { Bench, column, type Line } from './testing/change-batches.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const COLUMNS = [column(1, 'd', { kind: 'double' }), column(2, 't')];
const SCHEMA: TableSchema = {
  name: { schema: 's', table: 't' },
  columns: COLUMNS,
  identity: { kind: 'row' },
};

const double = fc.constantFrom('0', '-0', 'NaN', 'Infinity', '1.5', null);
const word = fc.constantFrom('', 'a', 'NULL', null);
const change = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constantFrom('I', 'D'), values: fc.tuple(double, word) }) },
  { weight: 1, arbitrary: fc.constant({ op: 'T', values: [null, null] as const }) },
);
const seed = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());

it(`copies of whole rows are counted (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 40 }), async (changes) => {
      const net = new Map<string, number>();
      let truncated = false;
      const lines = changes.map((one, at): Line => ({ ord: at + 1, op: one.op, values: one.values }));
      for (const { op, values } of lines) {
        if (op === 'T') {
          net.clear();
          truncated = true;
          continue;
        }
        const key = JSON.stringify(values);
        net.set(key, (net.get(key) ?? 0) + (op === 'I' ? 1 : -1));
      }
      const batch = bench.batch(SCHEMA, [await bench.part(COLUMNS, lines)]);
      const found = await bench.withLines(batch, async (sql) => {
        const fold = await foldRows(sql, batch);
        const counts = new Map<string, number>();
        const key = ([d, t]: readonly unknown[]): string =>
          JSON.stringify([d === null ? null : (NAMES[String(d)] ?? String(d)), t]);
        for (const row of await sql.rows(`SELECT CAST(c0 AS VARCHAR), c1, op FROM (${fold.inserts})`))
          counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
        for (const row of await sql.rows(`SELECT CAST(c0 AS VARCHAR), c1, copies FROM (${fold.removals})`))
          counts.set(key(row), -Number(row[2]));
        return { counts, truncated: fold.truncated, removed: fold.removed };
      });
      const expected = [...net].filter(([, copies]) => copies !== 0);
      expect([...found.counts].sort()).toEqual(expected.sort());
      expect(found.truncated).toBe(truncated);
      expect(found.removed).toBe(expected.reduce((sum, [, copies]) => sum + Math.max(0, -copies), 0));
    }),
    { seed, numRuns: 100 },
  );
}, 120_000);

/** How DuckDB writes what PostgreSQL wrote. */
const NAMES: Readonly<Record<string, string>> = { '0.0': '0', '-0.0': '-0', nan: 'NaN', inf: 'Infinity' };
