import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../tests/support/seed.ts';
import type { CascadeRule } from '../../model/cascade.ts';
import type { TableSchema } from '../../model/table.ts';
import { stagedName } from './change-lines.ts';
import { foldKeyed } from './keyed-changes.ts';
import { Bench, column, type Line } from './testing/change-batches.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const INT = { kind: 'int' } as const;
const COLUMNS = [column(1, 'k', INT), column(2, 'up', INT), column(3, 'near', INT), column(4, 'v')];
const TEXT = { text: 'exact', padded: false } as const;

function rule(parent: string, columns: readonly number[], some: Partial<CascadeRule>): CascadeRule {
  return {
    name: 'f',
    parent: { schema: 's', table: parent },
    columns,
    referenced: ['k'],
    comparisons: columns.map(() => TEXT),
    onDelete: 'delete',
    onUpdate: 'nothing',
    logged: false,
    untold: null,
    ...some,
  };
}

/** `up` refers to the table itself, whose rows go with those that they refer to; `near` to another one. */
const SCHEMA: TableSchema = {
  name: { schema: 's', table: 't' },
  columns: COLUMNS,
  identity: { kind: 'key', columns: [0] },
  cascades: [rule('t', [2], {}), rule('p', [3], { onDelete: 'null', onUpdate: 'update' })],
};

interface Row {
  readonly up: number | null;
  readonly near: number | null;
  readonly v: string;
}
type Rows = ReadonlyMap<number, Row>;

const text = (value: string | number | null): string => (value === null ? 'NULL' : `'${value}'`);
const said = (value: number | null): string | null => (value === null ? null : String(value));
const listed = (rows: Rows): unknown =>
  [...rows].sort(([a], [b]) => a - b).map(([k, { up, near, v }]) => [k, up, near, v]);

async function apply(schema: TableSchema, old: Rows, lines: readonly Line[]) {
  const values = [...old].map(([k, { up, near, v }]) => `(${[k, up, near, v].map(text).join(', ')})`);
  const batch = bench.batch(schema, [await bench.part(COLUMNS, lines)], { exact: true });
  return bench.withLines(batch, async (sql) => {
    await sql.run('CREATE TEMP TABLE lake (c0 INTEGER, c1 INTEGER, c2 INTEGER, c3 VARCHAR)');
    if (values.length > 0) await sql.run(`INSERT INTO lake VALUES ${values.join(', ')}`);
    const rows = async (columns: readonly number[]): Promise<string> =>
      `(SELECT ${columns.map(stagedName).join(', ')} FROM lake)`;
    const fold = await foldKeyed(sql, batch, {
      ...{ oldRows: rows, allRows: rows, scratch: bench.scratch },
      rules: { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' },
    });
    await sql.run(`CREATE TEMP TABLE upserts AS ${fold.upserts}`);
    await sql.run(
      fold.truncated
        ? 'DELETE FROM lake'
        : `DELETE FROM lake WHERE c0 IN (SELECT c0 FROM (${fold.keys}) WHERE goes)`,
    );
    await sql.run('INSERT INTO lake SELECT c0, c1, c2, c3 FROM upserts');
    return sql.rows('SELECT c0, c1, c2, c3 FROM lake ORDER BY c0');
  });
}

const UP = '1011';
const NEAR = '1101';
const id = fc.integer({ min: 1, max: 5 });
const orNull = fc.option(id, { nil: null });
type Step =
  | { readonly do: 'put'; readonly k: number; readonly up: number | null; readonly near: number | null }
  | { readonly do: 'delete'; readonly k: number; readonly checked: boolean }
  | { readonly do: 'empty'; readonly near: number }
  | { readonly do: 'move'; readonly near: number; readonly to: number }
  | { readonly do: 'truncate' };
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), k: id, up: orNull, near: orNull }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), k: id, checked: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('empty' as const), near: id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), near: id, to: id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('truncate' as const) }) },
);

/** What the log and the engine tell of these steps, and the table as InnoDB leaves it. */
function play(old: Rows, steps: readonly Step[]): { readonly lines: readonly Line[]; readonly after: Rows } {
  const rows = new Map(old);
  const lines: Line[] = [];
  let ord = 0;
  const line = (op: string, values: readonly (number | null)[], mask: string | null = null): void => {
    lines.push({
      ord: ++ord,
      op,
      values: [...values.map(said), op === 'I' || op === 'U' ? `v${ord}` : null],
      mask,
    });
  };
  const remove = (k: number): void => {
    rows.delete(k);
    for (const [child, { up }] of [...rows]) if (up === k && rows.has(child)) remove(child);
  };
  for (const step of steps)
    switch (step.do) {
      case 'put':
        line(rows.has(step.k) ? 'U' : 'I', [step.k, step.up, step.near]);
        rows.set(step.k, { up: step.up, near: step.near, v: `v${ord}` });
        break;
      case 'delete': {
        if (!rows.has(step.k)) break;
        line(step.checked ? 'd' : 'D', [step.k, null, null]);
        if (!step.checked) rows.delete(step.k);
        else {
          lines.push({ ord, op: 'C', values: [null, String(step.k), null, null], mask: UP });
          remove(step.k);
        }
        break;
      }
      case 'empty':
        lines.push({ ord: ++ord, op: 'E', values: [null, null, String(step.near), null], mask: NEAR });
        for (const [k, row] of rows) if (row.near === step.near) rows.set(k, { ...row, near: null });
        break;
      case 'move':
        lines.push({ ord: ++ord, op: 'M', values: [null, null, String(step.near), null], mask: NEAR });
        lines.push({ ord: ++ord, op: 'N', values: [null, null, String(step.to), null], mask: NEAR });
        for (const [k, row] of rows) if (row.near === step.near) rows.set(k, { ...row, near: step.to });
        break;
      case 'truncate':
        line('T', [null, null, null]);
        rows.clear();
        break;
    }
  return { lines, after: rows };
}

describe('what foreign keys did unseen', () => {
  const seed = freshSeed();
  it(`is what InnoDB does, in any order with the log's lines (seed ${seed})`, async () => {
    const before = fc.uniqueArray(fc.record({ k: id, up: orNull, near: orNull }), { selector: ({ k }) => k });
    await fc.assert(
      fc.asyncProperty(before, fc.array(STEP, { maxLength: 14 }), async (rows, steps) => {
        const old = new Map(rows.map(({ k, ...row }) => [k, { ...row, v: `old${k}` }]));
        const { lines, after } = play(old, steps);
        expect(await apply(SCHEMA, old, lines)).toEqual(listed(after));
      }),
      { seed, numRuns: 150 },
    );
  }, 60_000);

  it('keeps the values of columns that the key does not hold', async () => {
    const old: Rows = new Map([[1, { up: null, near: 7, v: 'kept' }]]);
    const lines = [{ ord: 1, op: 'E', values: [null, null, '7', null], mask: NEAR }];
    expect(await apply(SCHEMA, old, lines)).toEqual([[1, null, null, 'kept']]);
  });

  const named = (comparison: CascadeRule['comparisons'][number]): TableSchema => ({
    ...SCHEMA,
    columns: [...COLUMNS.slice(0, 3), column(4, 'v')],
    cascades: [rule('p', [4], { comparisons: [comparison] })],
  });
  const gone = (v: string): Line[] => [{ ord: 1, op: 'C', values: [null, null, null, v], mask: '1110' }];
  const some: Rows = new Map(['a', 'A', 'a ', 'b'].map((v, k) => [k, { up: null, near: null, v }]));

  it.each([
    [{ text: 'exact', padded: false } as const, ['A', 'a ', 'b']],
    [{ text: 'exact', padded: true } as const, ['A', 'b']],
    [{ text: 'case', padded: false } as const, ['A', 'a ', 'b']],
    [{ text: 'blind', padded: false } as const, ['a ', 'b']],
    [{ text: 'blind', padded: true } as const, ['b']],
  ])('compares text as %o', async (comparison, left) => {
    const rows = await apply(named(comparison), some, gone('a'));
    expect(rows.map((row) => row[3])).toEqual(left);
  });

  it('does not guess what a collation makes of letters beyond ASCII', async () => {
    const blind = named({ text: 'blind', padded: true });
    await expect(apply(blind, some, gone('é'))).rejects.toMatchObject({ code: 'TABLE_CASCADE' });
    const odd: Rows = new Map([[1, { up: null, near: null, v: 'é' }]]);
    await expect(apply(blind, odd, gone('e'))).rejects.toMatchObject({ code: 'TABLE_CASCADE' });
    expect(await apply(named({ text: 'exact', padded: false }), odd, gone('é'))).toEqual([]);
  });

  it('does not guess what the log left out', async () => {
    const lines: Line[] = [
      { ord: 1, op: 'I', values: ['1', null, null, 'x'], mask: '0010' },
      { ord: 2, op: 'E', values: [null, null, '7', null], mask: NEAR },
    ];
    await expect(apply(SCHEMA, new Map(), lines)).rejects.toMatchObject({ code: 'TABLE_CASCADE' });
  });
});
