import { TaskSpecInput } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { emptyTable, mergeCommandOf, mergeSpecOf, missingOfMerge, NO_PARTS } from './merge-draft.ts';

const source = (dataSource: string, server = '') => ({ dataSource, server, databases: '' });
const orders = {
  ...emptyTable(1),
  table: 'orders',
  rules: [{ ...NO_PARTS, database: 'shop_\\d', table: ' orders_\\d+ ' }],
  fields: { ...NO_PARTS, server: '_server' },
  extendedKey: true,
};
const merge = {
  sources: [source('shop1', 'eu'), source('shop2')],
  virtualTables: [orders],
  syncMode: 1 as const,
};

describe('the draft of a merge', () => {
  it('becomes a spec that the contract takes', () => {
    expect(TaskSpecInput.parse(mergeSpecOf(merge))).toMatchObject({
      pipelineType: 2,
      sources: [
        { dataSource: 'shop1', server: 'eu', databases: [] },
        { dataSource: 'shop2', server: 'shop2' },
      ],
      virtualTables: [
        {
          name: 'orders',
          target: { schema: 'lake', table: 'orders' },
          shards: { by: 'rules', rules: [{ database: 'shop_\\d', table: 'orders_\\d+' }] },
          extendedFields: [{ part: 'server', name: '_server' }],
          extendedKey: true,
        },
      ],
    });
    const archive = { ...orders, key: 2, schema: 'archive' };
    expect(
      mergeSpecOf({ ...merge, virtualTables: [orders, archive] }).virtualTables?.map(({ name }) => name),
    ).toEqual(['lake.orders', 'archive.orders']);
    const withDatabases = { ...merge, sources: [{ ...source('shop1'), databases: ' a, b ,' }] };
    expect(mergeSpecOf(withDatabases).sources[0]?.databases).toEqual(['a', 'b']);
  });

  it('says what is missing', () => {
    expect(missingOfMerge(merge)).toBeNull();
    expect(missingOfMerge({ ...merge, sources: [] })).toContain('data source');
    expect(missingOfMerge({ ...merge, sources: [source('a'), source('b', 'a')] })).toContain('called a');
    expect(missingOfMerge({ ...merge, virtualTables: [] })).toContain('Add a virtual table');
    expect(missingOfMerge({ ...merge, virtualTables: [emptyTable(1)] })).toContain('its target');
    expect(missingOfMerge({ ...merge, virtualTables: [{ ...orders, rules: [NO_PARTS] }] })).toContain(
      'pattern',
    );
    expect(
      missingOfMerge({ ...merge, virtualTables: [orders, { ...orders, key: 2, table: 'Orders' }] }),
    ).toContain('lake.orders');
  });

  it('is written as the commands that do the same, with a file where options cannot say it', () => {
    const task = { name: 'all orders', folder: 'merges' };
    expect(mergeCommandOf(merge, task)).toBe(
      [
        "sluice task create-merge-sync 'all orders' \\",
        '  --folder merges \\',
        '  --source shop1=eu \\',
        '  --source shop2 \\',
        "  --match 'database=shop_\\d' \\",
        "  --match 'table=orders_\\d+' \\",
        '  --target lake.orders \\',
        '  --extended-field server=_server \\',
        '  --extended-key',
        "sluice task merge-report 'all orders'",
        "sluice task deploy 'all orders' -y",
        "sluice task start 'all orders'",
      ].join('\n'),
    );
    const two = { ...merge, virtualTables: [orders, { ...orders, key: 2, table: 'refunds' }] };
    expect(mergeCommandOf(two, task)).toContain(
      '- name: "refunds"\n  target: {"schema":"lake","table":"refunds"}\n  shards:\n    by: rules\n    rules:\n      - {"database":"shop_\\\\d","table":"orders_\\\\d+"}',
    );
  });
});
