import { TaskSpecInput } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  commandOf,
  type Draft,
  draftOf,
  EMPTY,
  fileOf,
  kindOfFile,
  missing,
  specOf,
  tablesOfPattern,
  tablesOfText,
} from './draft.ts';
import { targetOf } from './naming-step.tsx';

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

  it('is the same again when a task that is there is changed', () => {
    const common = { syncMode: 2 as const, vcluster: 'default_sync', parameters: { commit_interval: '1s' } };
    const mirror = {
      ...common,
      pipelineType: 1 as const,
      dataSource: 7,
      database: 'db',
      schemas: [],
      tables: [{ ...table('public', 'a'), target: { table: 'b' } }],
      targetSchema: 'lake',
      targetTable: '{SOURCE_TABLE}',
    };
    const named = { name: 'orders', target: table('lake', 'all_orders'), extendedKey: false };
    const merge = {
      ...common,
      pipelineType: 2 as const,
      sources: [{ dataSource: 7, server: 'eu', databases: ['a', 'b'] }],
      virtualTables: [
        {
          ...named,
          shards: { by: 'rules' as const, rules: [{ table: 'o_.*' }] },
          extendedFields: [{ part: 'table' as const, name: '_table' }],
        },
        {
          ...named,
          name: 'listed',
          target: table('lake', 'listed'),
          shards: { by: 'tables' as const, tables: [{ server: 'eu', database: 'a', table: 't' }] },
          extendedFields: [],
        },
      ],
    };
    for (const draft of [mirror, merge]) {
      const task = { name: 't', folder: { id: 1, name: 'f' }, draft } as unknown as Parameters<
        typeof draftOf
      >[0];
      const shown = draftOf(task, () => 'shop');
      expect([0, 1, 2, 3].map((step) => missing(shown, step))).toEqual([null, null, null, null]);
      const again = JSON.stringify(TaskSpecInput.parse(specOf(shown))).replaceAll('"shop"', '7');
      expect(JSON.parse(again)).toEqual(draft);
      expect(commandOf(shown, true)).toMatch(
        shown.mode === 'merge'
          ? /task configure-merge-sync t .*--set commit_interval=1s/s
          : /^sluice task apply -f t.yaml --publish$/,
      );
      const byRule = { ...shown, tables: shown.tables.map((one) => table(one.schema, one.table)) };
      expect(commandOf(byRule)).toContain('--set commit_interval=1s');
      expect(parse(fileOf(shown))).toMatchObject({
        name: 't',
        folder: 'f',
        pipelineType: draft.pipelineType,
      });
    }
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

  it('tells a list of names from a file that the server reads, names in the lake included', () => {
    expect(kindOfFile('tables.txt', 'public.orders\npublic.items')).toBe('list');
    expect(kindOfFile('tables.csv', 'public.table,public.items')).toBe('list');
    expect(kindOfFile('tables.csv', '\uFEFFSchema,Table,target_table\r\npublic,a,b')).toBe('csv');
    expect(kindOfFile('tables.YML', '- a')).toBe('yaml');
    const named = {
      ...chosen,
      mode: 'tables' as const,
      tables: [{ ...table('s', 'a'), target: { table: 'b' } }],
    };
    expect(commandOf(named)).toBe(
      "sluice task apply -f 'the mirror.yaml' --publish\nsluice task start 'the mirror'",
    );
    expect(parse(fileOf(named))).toMatchObject({ tables: [{ table: 'a', target: { table: 'b' } }] });
    expect(targetOf(named, named.tables[0]!)).toBe('s.b');
    expect(targetOf(named, table('s', 'c'))).toBe('s.c');
  });
});
