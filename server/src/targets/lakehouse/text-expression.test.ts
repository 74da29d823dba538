import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogicalType, PrimitiveType } from '../../model/logical-type.ts';
import type { TextForm } from '../../model/table.ts';
import { Bench } from './testing/change-batches.ts';
import { mayNull, type ReadingRules, textExpression } from './text-expression.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const NULLS: ReadingRules = { infiniteDates: 'null', zeroDates: 'null', outOfRange: 'error' };
const PLAIN: TextForm = { form: 'plain' };
const ERA: TextForm = { form: 'era' };
const list = (
  element: PrimitiveType['kind'],
  form: TextForm = PLAIN,
  delimiter = ',',
): readonly [LogicalType, TextForm] => [
  { kind: 'list', element: { kind: element } as PrimitiveType },
  { form: 'list', delimiter, element: form },
];

async function read(type: LogicalType, form: TextForm, text: string, rules = NULLS): Promise<unknown> {
  // Through a column, as in life: a constant would be folded when the statement is planned.
  const value = textExpression(type, form, 'x', rules);
  const [row] = await bench.rows(
    `SELECT CAST(${value} AS VARCHAR) FROM (VALUES ('${text.replaceAll("'", "''")}')) AS t(x)`,
  );
  return row![0];
}

describe('text as the lake’s value', () => {
  it.each([
    [{ kind: 'int' }, PLAIN, '-2147483648', '-2147483648'],
    [{ kind: 'boolean' }, PLAIN, 't', 'true'],
    [{ kind: 'boolean' }, PLAIN, '0', 'false'],
    [{ kind: 'decimal', precision: 38, scale: 0 }, PLAIN, '9'.repeat(38), '9'.repeat(38)],
    [{ kind: 'double' }, PLAIN, '5e-324', '5e-324'],
    [{ kind: 'double' }, PLAIN, '-0', '-0.0'],
    [{ kind: 'float' }, PLAIN, 'Infinity', 'inf'],
    [{ kind: 'binary' }, { form: 'hex' }, '\\x00ff', '\\x00\\xFF'],
    [{ kind: 'binary' }, { form: 'hex' }, '\\x', ''],
    [{ kind: 'time' }, PLAIN, '23:59:59.999999', '23:59:59.999999'],
    [{ kind: 'date' }, ERA, '0044-03-15 BC', '0044-03-15 (BC)'],
    [{ kind: 'date' }, ERA, '12024-01-01', '12024-01-01'],
    [{ kind: 'date' }, ERA, '-infinity', null],
    [{ kind: 'timestamp' }, ERA, '4713-01-01 00:00:00 BC', '4713-01-01 (BC) 00:00:00'],
    [{ kind: 'timestamptz' }, ERA, '0001-01-01 00:00:00.5+00 BC', '0001-01-01 (BC) 00:00:00.5+00'],
    [{ kind: 'string' }, PLAIN, 'infinity', 'infinity'],
    [...list('int'), '{}', '[]'],
    [...list('int'), '{1,NULL,-3}', '[1, NULL, -3]'],
    [...list('string', PLAIN, ';'), '{(1,1),(0,0);(2,2),(0,0)}', "['(1,1),(0,0)', '(2,2),(0,0)']"],
    [...list('date', ERA), '{2024-01-01,"0044-03-15 BC",infinity}', "[2024-01-01, '0044-03-15 (BC)', NULL]"],
  ] as readonly (readonly [LogicalType, TextForm, string, string | null])[])(
    '%o %o %s',
    async (type, form, text, expected) => {
      expect(await read(type, form, text)).toBe(expected);
    },
  );

  it('elements of a text array, whatever they hold', async () => {
    const elements = [
      '',
      ' ',
      'NULL',
      'null',
      'a,b',
      '{',
      '}',
      '"',
      '\\',
      '\\"',
      '\n',
      "'",
      'x"y\\z',
      '[0:1]={',
      null,
      '😀',
      'plain',
    ];
    const text = `{${elements.map((one) => (one === null ? 'NULL' : one === 'plain' || one === '😀' ? one : `"${one.replace(/["\\]/g, '\\$&')}"`)).join(',')}}`;
    const [type, form] = list('string');
    const [row] = await bench.rows(
      `SELECT CAST(to_json(${textExpression(type, form, 'x', NULLS)}) AS VARCHAR) FROM (VALUES ('${text.replaceAll("'", "''")}')) AS t(x)`,
    );
    expect(JSON.parse(row![0] as string)).toEqual(elements);
  });

  it.each([
    [{ kind: 'int' }, PLAIN, '2147483648'],
    [{ kind: 'decimal', precision: 5, scale: 2 }, PLAIN, 'NaN'],
    [{ kind: 'decimal', precision: 5, scale: 2 }, PLAIN, '1000.00'],
    [{ kind: 'time' }, PLAIN, '24:00:00'],
    [{ kind: 'timestamp' }, ERA, '294276-12-31 23:59:59.999999'],
    [...list('int'), '{{1,2},{3,4}}'],
    [...list('int'), '[0:1]={1,2}'],
    [...list('int'), '{1,2147483648}'],
  ] as readonly (readonly [LogicalType, TextForm, string])[])(
    '%o refuses %o %s, or makes it null',
    async (type, form, text) => {
      await expect(read(type, form, text)).rejects.toThrow();
      expect(await read(type, form, text, { ...NULLS, outOfRange: 'null' })).toBeNull();
      expect(mayNull(type, form, { ...NULLS, outOfRange: 'null' })).toBe(true);
    },
  );

  it('infinite dates are refused where they are to be', async () => {
    const rules: ReadingRules = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' };
    await expect(read({ kind: 'date' }, ERA, 'infinity', rules)).rejects.toThrow(/infinite/);
    await expect(read(...list('date', ERA), '{infinity}', rules)).rejects.toThrow(/infinite/);
    expect(mayNull({ kind: 'date' }, ERA, rules)).toBe(false);
    expect(mayNull({ kind: 'date' }, ERA, NULLS)).toBe(true);
    expect(mayNull(...list('date', ERA), NULLS)).toBe(true);
    expect(mayNull({ kind: 'string' }, PLAIN, { ...NULLS, outOfRange: 'null' })).toBe(false);
  });
});
