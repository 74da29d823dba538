import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../tests/support/seed.ts';
import type { TableSchema } from '../../model/table.ts';
import { stagedName } from './change-lines.ts';
import { foldKeyed } from './keyed-changes.ts';
import { Bench, column, type Line } from './testing/change-batches.ts';
import type { ReadingRules } from './text-expression.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const COLUMNS = [column(1, 'k', { kind: 'int' }), column(2, 'a'), column(3, 'b')];
const SCHEMA: TableSchema = {
  name: { schema: 's', table: 't' },
  columns: COLUMNS,
  identity: { kind: 'key', columns: [0] },
};

const RULES: ReadingRules = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' };

type Row = readonly [a: string | null, b: string | null];
type Rows = ReadonlyMap<number, Row>;

/** The table after the batch, as the target would make it of the fold's answer. */
async function apply(old: Rows, lines: readonly Line[], more: { exact?: boolean; now?: Rows } = {}) {
  const values = [...old].map(([k, [a, b]]) => `(${k}, ${text(a)}, ${text(b)})`);
  const fetched: string[] = [];
  const batch = bench.batch(SCHEMA, [await bench.part(COLUMNS, lines)], {
    exact: more.exact ?? true,
    fetchColumns: COLUMNS,
    fetchRows: async (keys) => {
      const now = keys.flatMap(([k]) => {
        fetched.push(k!);
        const row = more.now?.get(Number(k));
        return row === undefined
          ? []
          : [`${[k!, ...row].map((one) => (one === null ? '' : `"${one}"`)).join(',')}\n`];
      });
      return Buffer.from(now.join(''));
    },
  });
  const after = await bench.withLines(batch, async (sql) => {
    await sql.run('CREATE TEMP TABLE lake (c0 INTEGER, c1 VARCHAR, c2 VARCHAR)');
    if (values.length > 0) await sql.run(`INSERT INTO lake VALUES ${values.join(', ')}`);
    const oldRows = async (columns: readonly number[]): Promise<string> =>
      `(SELECT ${columns.map(stagedName).join(', ')} FROM lake)`;
    const fold = await foldKeyed(sql, batch, {
      oldRows,
      allRows: oldRows,
      rules: RULES,
      scratch: bench.scratch,
    });
    await sql.run(`CREATE TEMP TABLE upserts AS ${fold.upserts}`);
    await sql.run(
      fold.truncated
        ? 'DELETE FROM lake'
        : `DELETE FROM lake WHERE c0 IN (SELECT c0 FROM (${fold.keys}) WHERE goes)`,
    );
    await sql.run('INSERT INTO lake SELECT c0, c1, c2 FROM upserts');
    return sql.rows('SELECT c0, c1, c2 FROM lake ORDER BY ALL');
  });
  return { rows: after, fetched };
}

const text = (value: string | null): string => (value === null ? 'NULL' : `'${value}'`);
const listed = (rows: Rows): unknown => [...rows].sort(([a], [b]) => a - b).map(([k, [a, b]]) => [k, a, b]);

type Step =
  | { readonly do: 'put'; readonly k: number; readonly a: string | null; readonly b: string | null }
  | {
      readonly do: 'set';
      readonly k: number;
      readonly column: 0 | 1;
      readonly value: string | null;
      readonly to: number | null;
    }
  | { readonly do: 'delete'; readonly k: number }
  | { readonly do: 'truncate' };

/** The lines that the source's log would have of these steps, and the table after them. Steps that cannot be are left out. */
function play(old: Rows, steps: readonly Step[]): { readonly lines: readonly Line[]; readonly after: Rows } {
  const rows = new Map(old);
  const lines: Line[] = [];
  const line = (op: string, values: Line['values'], mask: string | null = null): void =>
    void lines.push({ ord: lines.length + 1, op, values, mask });
  for (const step of steps) {
    if (step.do === 'truncate') {
      rows.clear();
      line('T', [null, null, null]);
      continue;
    }
    const row = rows.get(step.k);
    if (step.do === 'put') {
      if (row !== undefined) continue;
      rows.set(step.k, [step.a, step.b]);
      line('I', [String(step.k), step.a, step.b]);
    } else if (row === undefined) continue;
    else if (step.do === 'delete') {
      rows.delete(step.k);
      line('D', [String(step.k), null, null]);
    } else {
      const to = step.to === null || rows.has(step.to) ? step.k : step.to;
      const next: [string | null, string | null] = [...row];
      next[step.column] = step.value;
      // A value that stays is left out, where it is one that can be stored out of line.
      const left = [0, 1].map((at) => at !== step.column && row[at] !== null && row[at]!.length > 1);
      rows.delete(step.k);
      rows.set(to, next);
      if (to !== step.k) line('K', [String(step.k), null, null]);
      line(
        'U',
        [String(to), ...next.map((value, at) => (left[at] ? null : value))],
        left.includes(true) ? `0${left.map(Number).join('')}` : null,
      );
    }
  }
  return { lines, after: rows };
}

const k = fc.integer({ min: 1, max: 6 });
const cell = fc.option(fc.constantFrom('x', 'yy', 'zzz', '', 'long one'), { nil: null });
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), k, a: cell, b: cell }) },
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constant('set' as const),
        k,
        column: fc.constantFrom(0 as const, 1 as const),
        value: cell,
        to: fc.option(k, { nil: null }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), k }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('truncate' as const) }) },
  ),
  { minLength: 1, maxLength: 25 },
);
const old = fc.array(fc.tuple(k, fc.tuple(cell, cell)), { maxLength: 6 }).map((rows) => new Map(rows));
const seed = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());

it(`a batch comes to what its steps do one by one (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(old, steps, async (before, todo) => {
      const { lines, after } = play(before, todo);
      if (lines.length === 0) return;
      const found = await apply(before, lines);
      expect(found.rows).toEqual(listed(after));
      expect(found.fetched).toEqual([]);
    }),
    { seed, numRuns: 150 },
  );
}, 120_000);

it('a row that moves two hundred times keeps the value that the log never told', async () => {
  const todo = Array.from(
    { length: 200 },
    (_, at): Step => ({ do: 'set', k: at + 1, column: 0, value: String(at % 10), to: at + 2 }),
  );
  const { lines, after } = play(new Map([[1, ['a', 'never told']]]), todo);
  expect((await apply(new Map([[1, ['a', 'never told']]]), lines)).rows).toEqual(listed(after));
});

it('two rows that swap their keys over a third', async () => {
  const before: Rows = new Map([
    [1, ['one', 'first long']],
    [2, ['two', 'second long']],
  ]);
  const move = (from: number, to: number): Step => ({ do: 'set', k: from, column: 0, value: 'x', to });
  const { lines, after } = play(before, [move(1, 3), move(2, 1), move(3, 2)]);
  expect(listed(after)).toEqual([
    [1, 'x', 'second long'],
    [2, 'x', 'first long'],
  ]);
  expect((await apply(before, lines)).rows).toEqual(listed(after));
});

it('asks the source for a value that nobody told, and leaves out a row that is gone by now', async () => {
  const lines: readonly Line[] = [
    { ord: 1, op: 'U', values: ['1', 'new', null], mask: '001' },
    { ord: 2, op: 'U', values: ['2', 'new', null], mask: '001' },
  ];
  const found = await apply(new Map(), lines, {
    exact: false,
    now: new Map([[1, ['newer', 'from the source']]]),
  });
  expect(found.rows).toEqual([[1, 'new', 'from the source']]);
  expect(found.fetched.sort()).toEqual(['1', '2']);
});

it('what a line leaves out though it may have changed is asked from the source, whatever the lake or another line has', async () => {
  const old: Rows = new Map([
    [1, ['a', 'computed from a']],
    [3, ['c', 'computed from c']],
  ]);
  const now: Rows = new Map([
    [1, ['aa', 'computed from aa']],
    [2, ['bb', 'computed from bb']],
    [4, ['cc', 'computed from cc']],
  ]);
  const lines: Line[] = [
    { ord: 1, op: 'U', values: ['1', 'aa', null], mask: '002' },
    { ord: 2, op: 'I', values: ['2', 'b', 'computed from b'] },
    { ord: 3, op: 'U', values: ['2', 'bb', null], mask: '002' },
    { ord: 4, op: 'K', values: ['3', null, null] },
    { ord: 5, op: 'U', values: ['4', 'cc', null], mask: '002' },
  ].map((line) => ({ mask: null, ...line }));
  const { rows, fetched } = await apply(old, lines, { now });
  expect(rows).toEqual([...now].map(([key, row]) => [key, ...row]));
  expect(fetched.sort()).toEqual(['1', '2', '4']);
});

it('what a new row’s line leaves out is never that of an earlier row under its key: the source is asked', async () => {
  const old: Rows = new Map([[1, ['old a', 'old b']]]);
  const now: Rows = new Map([
    [1, ['new', 'default']],
    [2, ['two', 'default']],
  ]);
  const lines: Line[] = [
    { ord: 1, op: 'D', values: ['1', null, null] },
    { ord: 2, op: 'I', values: ['1', 'new', null], mask: '001' },
    { ord: 3, op: 'I', values: ['2', 'one', null], mask: '001' },
    // Its history ends at the insert, which does not know either.
    { ord: 4, op: 'U', values: ['2', 'two', null], mask: '001' },
  ];
  const { rows, fetched } = await apply(old, lines, { now });
  expect(rows).toEqual([
    [1, 'new', 'default'],
    [2, 'two', 'default'],
  ]);
  expect(fetched.sort()).toEqual(['1', '2']);
});

describe('what the source was asked for is read by the rules of the task', () => {
  const columns = [
    column(1, 'k', { kind: 'int' }),
    column(2, 's', { kind: 'boolean' }),
    column(3, 'd', { kind: 'date' }, { form: 'zero' }),
    column(4, 'far', { kind: 'timestamp' }, { form: 'era' }),
  ];
  const schema: TableSchema = { ...SCHEMA, columns };
  const good = ['1', '2024-02-29', '2024-02-29 12:00:00'] as const;

  /** New rows whose lines leave out what `masks` have no 0 for, and which the source has as `now`. */
  async function inserted(
    masks: readonly string[],
    now: readonly (readonly (string | null)[])[],
    rules: Partial<ReadingRules> = {},
  ) {
    const lines = masks.map((mask, at): Line => {
      const told = [...mask].map((bit, n) => (n === 0 ? String(at + 1) : bit === '0' ? good[n - 1]! : null));
      return { ord: at + 1, op: 'I', values: told, mask };
    });
    const rows = now.map((row, at) => `${[at + 1, ...row].map((text) => text ?? '').join(',')}\n`);
    const batch = bench.batch(schema, [await bench.part(columns, lines)], {
      exact: true,
      fetchColumns: columns,
      fetchRows: async () => Buffer.from(rows.join('')),
    });
    return bench.withLines(batch, async (sql) => {
      const rowsOfLake = async () => '(SELECT * FROM chg WHERE false)';
      const fold = await foldKeyed(sql, batch, {
        ...{ oldRows: rowsOfLake, allRows: rowsOfLake, scratch: bench.scratch },
        rules: { ...RULES, ...rules },
      });
      const values = await sql.rows(
        `SELECT c1, CAST(c2 AS VARCHAR), CAST(c3 AS VARCHAR) FROM (${fold.upserts}) ORDER BY ord`,
      );
      return { values, nulledValues: fold.nulledValues };
    });
  }

  it.each([
    ['s', ['2', good[1], good[2]], /column "s" of s\.t holds "2" .* boolean cannot hold exactly/],
    ['d', ['1', '0000-00-00', good[2]], /column "d" of s\.t holds "0000-00-00"/],
    ['far', ['1', good[1], 'infinity'], /column "far" of s\.t holds "infinity"/],
  ])('a value of %s that its type cannot hold stops the table', async (_, row, message) => {
    await expect(inserted(['0222'], [row])).rejects.toMatchObject({
      code: 'TABLE_VALUE',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    [{ outOfRange: 'null' } as const, ['2', good[1], good[2]], [null, good[1], good[2]], 1],
    [{ zeroDates: 'null' } as const, ['0', '2024-05-00', good[2]], [false, null, good[2]], 1],
    [{ infiniteDates: 'null' } as const, ['1', null, '-infinity'], [true, null, null], 1],
    [{ outOfRange: 'null', zeroDates: 'null' } as const, ['2', '0000-00-00', null], [null, null, null], 2],
  ])('or becomes null under %o, and is counted', async (rules, row, values, nulledValues) => {
    expect(await inserted(['0222'], [row], rules)).toEqual({ values: [values], nulledValues });
  });

  it('a value that the log told is neither read again nor counted twice', async () => {
    const now = [
      ['2', '0000-00-00', good[2]],
      ['0', '0000-00-00', good[2]],
    ];
    const found = await inserted(['0020', '0220'], now, {
      outOfRange: 'null',
      zeroDates: 'null',
    });
    expect(found).toEqual({
      values: [
        [true, null, good[2]],
        [false, null, good[2]],
      ],
      nulledValues: 2,
    });
    // A column that every line tells may have anything by now.
    const other = await inserted(['0020'], [['2', good[1], 'infinity']]);
    expect(other).toEqual({ values: [[true, good[1], good[2]]], nulledValues: 0 });
  });

  it('values that every line left out as null are none that were lost', async () => {
    const rules = { infiniteDates: 'null', zeroDates: 'null', outOfRange: 'null' } as const;
    expect(await inserted(['0222'], [[null, null, null]], rules)).toEqual({
      values: [[null, null, null]],
      nulledValues: 0,
    });
  });
});
