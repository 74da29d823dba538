import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TableSchema, TextForm } from '../../model/table.ts';
import { isVisible } from '../../sources/postgres/visibility.ts';
import type { ChangePart } from '../target.ts';
import { nulledCount } from './change-lines.ts';
import { Bench, column } from './testing/change-batches.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const A = column(1, 'a');
const B = column(2, 'b');
const LIST: TextForm = { form: 'list', delimiter: ',', element: { form: 'plain' } };
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

it('text is read by the type and the form it was written under, and becomes the batch’s type from there', async () => {
  const decimal = { kind: 'decimal', precision: 12, scale: 2 } as const;
  const written = [
    column(1, 'number', { kind: 'float' }),
    column(2, 'amount', { kind: 'int' }),
    column(3, 'flag', { kind: 'boolean' }),
    column(4, 'day', { kind: 'date' }, { form: 'zero' }),
    column(5, 'many', { kind: 'list', element: { kind: 'int' } }, LIST),
  ];
  const wanted = [
    column(1, 'number', { kind: 'double' }),
    column(2, 'amount', decimal),
    column(3, 'flag', { kind: 'boolean' }),
    column(4, 'day', { kind: 'date' }, { form: 'era' }),
    column(5, 'many', { kind: 'list', element: { kind: 'long' } }, LIST),
  ];
  const narrow = await bench.part(written, [
    { ord: 1, op: 'I', values: ['0.1', '2147483647', '1', '0000-00-00', '{1,NULL,-2147483648}'] },
    { ord: 2, op: 'U', values: [null, null, null, '2024-02-29', null] },
  ]);
  const wide = await bench.part(wanted, [
    { ord: 3, op: 'I', values: ['0.1', '9999999999.99', 't', '0044-03-15 BC', '{9223372036854775807}'] },
  ]);
  const rows = await bench.withLines(bench.batch(schema(wanted), [narrow, wide]), (sql) =>
    sql.rows(
      `SELECT ${wanted.map((_, index) => `CAST(c${index} AS VARCHAR)`).join(', ')} FROM chg ORDER BY ord`,
    ),
  );
  expect(rows).toEqual([
    ['0.10000000149011612', '2147483647.00', 'true', null, '[1, NULL, -2147483648]'],
    [null, null, null, '2024-02-29', null],
    ['0.1', '9999999999.99', 'true', '0044-03-15 (BC)', '[9223372036854775807]'],
  ]);
  // A date that was lost is counted by the form that it was written in.
  const counted = nulledCount(bench.batch(schema(wanted), [narrow, wide]), null, {
    infiniteDates: 'null',
    zeroDates: 'null',
    outOfRange: 'error',
  });
  expect(await bench.rows(counted!)).toEqual([[1n]]);
});

it('a type that does not hold the written one reads the text itself', async () => {
  const [long, int] = [column(1, 'n', { kind: 'long' }), column(1, 'n', { kind: 'int' })];
  const fits = await bench.part([long], [{ ord: 1, op: 'I', values: ['7'] }]);
  const read = (part: ChangePart): Promise<unknown> =>
    bench.withLines(bench.batch(schema([int]), [part]), (sql) => sql.rows('SELECT c0 FROM chg'));
  expect(await read(fits)).toEqual([[7]]);
  const large = await bench.part([long], [{ ord: 1, op: 'I', values: ['2147483648'] }]);
  await expect(read(large)).rejects.toThrow();
});
