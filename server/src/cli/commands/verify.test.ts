import type { TableVerdict } from '@sluice/contract';
import { expect, it } from 'vitest';
import { report } from './verify.ts';

const table = (name: string, over: Partial<TableVerdict>): TableVerdict => ({
  source: { schema: 'public', table: name },
  target: { schema: 'public', table: name },
  verdict: 'equal',
  reason: null,
  sourceRows: 3,
  lakeRows: 3,
  missing: 0,
  extra: 0,
  changed: 0,
  unsettled: 0,
  examples: [],
  repair: null,
  looks: 0,
  freshnessMs: 900,
  followed: null,
  columns: [],
  ops: { I: 3 },
  seconds: 1.25,
  ...over,
});

it('says of each table what is not alike, and which rows', () => {
  const column = { column: 'n', sourceType: 'int', lakeType: 'int', mapping: 'exact' } as const;
  const tables = [
    table('calm', { columns: [{ ...column, sourceNulls: 2, lakeNulls: 2 }] }),
    table('wrong', {
      verdict: 'different',
      missing: 1,
      ops: { I: 1, U: 1 },
      examples: [{ difference: 'missing', key: { id: '7' } }],
      followed: {
        committedAt: '2026-11-29T12:00:00.000Z',
        visibleAt: '2026-11-29T12:00:02.500Z',
        ms: 2500,
      },
      columns: [
        { ...column, lakeType: 'long', mapping: 'wider', sourceNulls: 0, lakeNulls: 1 },
        { ...column, column: 'gone', lakeType: null, mapping: 'missing', sourceNulls: 0, lakeNulls: 0 },
      ],
    }),
  ];
  const text = report({ tables });
  expect(text.slice(text.indexOf('\npublic.calm: ') + 1)).toBe(
    [
      'public.calm: _op: I 3',
      'public.wrong: _op: I 1, U 1',
      'public.wrong: a change of 2026-11-29T12:00:00.000Z was visible after 2.5 s',
      'public.wrong: n: int is long (wider)',
      'public.wrong: n: null in 0 rows at the source, in 1 of the lake',
      'public.wrong: gone: not in the lake',
      'missing: public.wrong {"id":"7"}',
      '1 table differs.',
      '',
    ].join('\n'),
  );
});
