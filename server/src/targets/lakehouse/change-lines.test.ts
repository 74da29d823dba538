import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TableSchema } from '../../model/table.ts';
import { isVisible } from '../../sources/postgres/visibility.ts';
import { Bench, column } from './testing/change-batches.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const A = column(1, 'a');
const B = column(2, 'b');
const schema = (columns: TableSchema['columns']): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns,
  identity: { kind: 'row' },
});

const E = 2n ** 32n;
it.each([
  ['no wrap', 1000n, [990n, 995n], 980n],
  ['just after a wrap', 5n * E + 3n, [5n * E - 2n], 5n * E - 10n],
  ['just before a wrap', 5n * E - 3n, [5n * E - 20n, 5n * E - 7n], 5n * E - 30n],
  ['at the wrap', 7n * E, [], 7n * E - 1n],
  ['young server', 760n, [750n], 745n],
] as const)(
  'lines that a snapshot holds are left out, as the source itself would say: %s',
  async (_name, xmax, xip, xmin) => {
    const around = Array.from({ length: 61 }, (_, n) => xmax - 30n + BigInt(n)).filter((xid) => xid > 2n);
    const far = [xmax - 2n ** 31n + 5n, xmax + 2n ** 31n - 5n].filter((xid) => xid > 2n);
    const ids = [...around, ...far];
    const visibility = { kind: 'xid' as const, xmin: String(xmin), xmax: String(xmax), xip: xip.map(String) };
    const lines = ids.map((xid, ord) => ({
      ord,
      op: 'I',
      values: [String(xid)],
      xid: Number(BigInt.asUintN(32, xid)),
    }));
    const part = await bench.part([A], [...lines, { ord: 10_000, op: 'I', values: ['no id'] }]);
    const kept = await bench.withLines(
      bench.batch(schema([A]), [part], { alreadyVisible: visibility }),
      (sql) => sql.rows('SELECT c0 FROM chg ORDER BY ord'),
    );
    const expected = ids.filter(
      (xid) => !(xid < xmin || (xid < xmax && !(xip as readonly bigint[]).includes(xid))),
    );
    expect(kept.map(([value]) => value)).toEqual([...expected.map(String), 'no id']);
    // The source's own rule for the same question.
    expect(ids.filter((xid) => !isVisible(visibility, Number(BigInt.asUintN(32, xid))))).toEqual(expected);
  },
);

it('lines of several schemas come under the last one: by the column’s id, with the mask in its order', async () => {
  const renamed = { ...B, name: 'c' };
  const added = column(3, 'b', { kind: 'int' });
  const old = await bench.part(
    [A, B],
    [
      { ord: 1, op: 'I', values: ['a1', 'b1'] },
      { ord: 2, op: 'U', values: ['a2', null], mask: '01' },
    ],
  );
  const now = await bench.part([renamed, added], [{ ord: 3, op: 'I', values: ['c3', '7'] }]);
  const batch = bench.batch(schema([added, renamed]), [old, now]);
  const rows = await bench.withLines(batch, (sql) =>
    sql.rows('SELECT ord, op, mask, c0, c1 FROM chg ORDER BY ord'),
  );
  expect(rows).toEqual([
    [1n, 'I', null, null, 'b1'],
    [2n, 'U', '01', null, null],
    [3n, 'I', null, 7, 'c3'],
  ]);
});
