import { describe, expect, it } from 'vitest';
import { dataSourcesOf, TaskSpec, TaskSpecInput } from './task.ts';

const table = (more: object = {}) => ({
  name: 'orders',
  target: { schema: 'lake', table: 'orders' },
  shards: { by: 'rules', rules: [{ table: 'orders_\\d+' }] },
  ...more,
});
const sources = [{ dataSource: 1, server: 'a' }];
const spec = (more: object = {}) => ({ pipelineType: 2, sources, virtualTables: [table()], ...more });
const said = (value: object): string | undefined => TaskSpec.safeParse(value).error?.issues[0]?.message;

describe('the spec of a merge', () => {
  it('fills in its defaults, and names its data sources', () => {
    const parsed = TaskSpec.parse(spec());
    expect(parsed).toEqual({
      pipelineType: 2,
      sources: [{ dataSource: 1, server: 'a', databases: [] }],
      virtualTables: [table({ extendedFields: [], extendedKey: false })],
      syncMode: 1,
      vcluster: 'default_sync',
      parameters: {},
    });
    expect(dataSourcesOf(parsed)).toEqual([1]);
    expect(dataSourcesOf(TaskSpec.parse({ dataSource: 3, database: 'd' }))).toEqual([3]);
  });

  it('refuses what cannot be told apart', () => {
    expect(said(spec({ sources: [...sources, { dataSource: 2, server: 'a' }] }))).toContain(
      'calls two data sources',
    );
    expect(said(spec({ virtualTables: [table(), table()] }))).toContain('names two virtual tables alike');
    const twin = table({ name: 'other', target: { schema: 'LAKE', table: 'Orders' } });
    expect(said(spec({ virtualTables: [table(), twin] }))).toContain('two virtual tables to one target');
    const fields = (...extendedFields: object[]) => spec({ virtualTables: [table({ extendedFields })] });
    expect(said(fields({ part: 'server', name: 's' }, { part: 'server', name: 't' }))).toContain(
      'names a part',
    );
    expect(said(fields({ part: 'server', name: 's' }, { part: 'table', name: 'S' }))).toContain(
      'two columns one name',
    );
    expect(said(fields({ part: 'server', name: '_OP' }))).toContain('every target has');
    expect(said(spec({ virtualTables: [table({ extendedKey: true })] }))).toContain(
      'at least one extended field',
    );
    expect(said(spec({ virtualTables: [] }))).toContain('at least one virtual table');
    expect(said(spec({ virtualTables: [table({ shards: { by: 'rules', rules: [{}] } })] }))).toContain(
      'at least one of',
    );
  });

  it('is no mirror, and says which pipeline types there are', () => {
    expect(TaskSpec.safeParse({ pipelineType: 2, dataSource: 1, database: 'd' }).success).toBe(false);
    expect(TaskSpec.safeParse({ ...spec(), pipelineType: 3 }).success).toBe(false);
    expect(said({ ...spec(), pipelineType: 5 })).toContain('2 (sharded-table merge)');
    expect(TaskSpecInput.parse(spec({ sources: [{ dataSource: 'shop' }], virtualTables: [] }))).toMatchObject(
      {
        sources: [{ dataSource: 'shop', databases: [] }],
      },
    );
  });
});
