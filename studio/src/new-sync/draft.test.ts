import { TaskSpecInput } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { commandOf, type Draft, EMPTY, missing, specOf, tablesOfPattern, tablesOfText } from './draft.ts';

const table = (schema: string, name: string) => ({ schema, table: name });
const chosen: Draft = { ...EMPTY, source: 'shop', database: 'db', name: 'the mirror' };

describe('a draft', () => {
  it('becomes a spec that the contract takes, in each mode', () => {
    const tables: Draft = {
      ...chosen,
      mode: 'tables',
      tables: [table('public', 'a')],
      schemas: ['left over'],
    };
    expect(TaskSpecInput.parse(specOf(chosen))).toMatchObject({ pipelineType: 3, tables: [] });
    expect(TaskSpecInput.parse(specOf(tables))).toMatchObject({
      pipelineType: 1,
      tables: [table('public', 'a')],
      schemas: [],
    });
  });

  it('is written as the commands that do the same', () => {
    const tables = [table('public', 'a'), table('odd.schema', "it's")];
    expect(commandOf({ ...chosen, mode: 'tables', tables, syncMode: 2, targetSchema: 'lake' })).toBe(
      [
        "sluice task create-realtime-sync 'the mirror' \\",
        '  --folder mirrors \\',
        '  --source shop \\',
        '  --database db \\',
        `  --tables 'public.a,"odd.schema".it'\\''s' \\`,
        '  --sync-mode 2 \\',
        '  --target-schema lake',
        "sluice task deploy 'the mirror' -y",
        "sluice task start 'the mirror'",
      ].join('\n'),
    );
  });

  it('says what a step lacks', () => {
    expect(missing(EMPTY, 0)).toContain('data source');
    expect(missing({ ...chosen, mode: 'tables' }, 1)).toContain('table');
    expect(missing({ ...chosen, targetTable: '{TABLE}' }, 2)).toContain('{TABLE}');
    expect(missing({ ...chosen, name: '12' }, 3)).toContain('id');
    for (const step of [0, 1, 2, 3]) expect(missing(chosen, step)).toBeNull();
  });
});

describe('tables', () => {
  const known = [table('public', 'orders'), table('public', 'items'), table('old', 'orders')];

  it('are found in a list, and what is not there is named', () => {
    const { found, unknown } = tablesOfText('# mine\npublic.orders, items\norders\n\nnothing', known);
    expect(found).toEqual([known[0], known[1]]);
    // Two schemas have an orders.
    expect(unknown).toEqual(['orders', 'nothing']);
  });

  it('are selected by a pattern of their whole name, whose other signs mean themselves', () => {
    expect(tablesOfPattern('*.orders', known)).toEqual([known[0], known[2]]);
    expect(tablesOfPattern('ITEM*', known)).toEqual([known[1]]);
    expect(tablesOfPattern('public.*', known)).toEqual([known[0], known[1]]);
    expect(tablesOfPattern('publicXorders', known)).toEqual([]);
    expect(tablesOfPattern('(', known)).toEqual([]);
  });
});
