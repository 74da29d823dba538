import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Column } from '../../model/table.ts';
import { withSql } from './sql.ts';
import { Bench, column } from './testing/change-batches.ts';
import type { ReadingRules } from './text-expression.ts';
import { findValueTrouble } from './value-trouble.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const COLUMNS: readonly Column[] = [
  column(1, 'infinite', { kind: 'date' }, { form: 'era' }),
  column(2, 'zero', { kind: 'timestamp' }, { form: 'zero' }),
  column(3, 'name'),
  column(4, 't', { kind: 'time' }),
  column(5, 'n', { kind: 'int' }),
];
const LENIENT: ReadingRules = { infiniteDates: 'null', zeroDates: 'null', outOfRange: 'error' };

async function trouble(values: readonly string[], ...rules: readonly ReadingRules[]): Promise<string | null> {
  const select = values.map((value, index) => `'${value}' AS f${index}`).join(', ');
  const columns = COLUMNS.map((one, index) => ({
    column: one,
    text: `f${index}`,
    rules: rules[index] ?? rules[0] ?? LENIENT,
  }));
  const found = await withSql(bench.engine, AbortSignal.timeout(60_000), (sql) =>
    findValueTrouble(sql, { schema: 's', table: 't' }, [{ from: `(SELECT ${select})`, columns }]),
  );
  return found?.message ?? null;
}

it('names the column that cannot hold its value, not one whose dates become null', async () => {
  expect(await trouble(['infinity', '0000-00-00 00:00:00', 'x', '25:00:00', '1'])).toBe(
    'The column "t" of s.t holds "25:00:00" (in one row), which time cannot hold exactly.',
  );
  expect(await trouble(['2024-01-01', '2024-05-00 00:00:00', 'x', '24:59:60', '99999999999'])).toMatch(
    /column "t"/,
  );
});

it('names such a date where it is to be an error', async () => {
  const strict: ReadingRules = { ...LENIENT, zeroDates: 'error' };
  expect(await trouble(['infinity', '2024-05-00 00:00:00', 'x', '01:00:00', '1'], strict)).toMatch(
    /column "zero" .* holds "2024-05-00/,
  );
});

it('passes over columns whose values become null where they do not fit', async () => {
  const nulled: ReadingRules = { ...LENIENT, outOfRange: 'null' };
  const rules = [nulled, nulled, nulled, nulled, LENIENT];
  expect(await trouble(['x', 'x', 'x', 'x', '99999999999'], ...rules)).toMatch(/column "n"/);
  expect(await trouble(['x', 'x', 'x', 'x', '7'], ...rules)).toBe(null);
});
