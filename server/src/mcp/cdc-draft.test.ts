import { type DataSource, MirrorSpec, type TaskSpec, TaskSpecInput } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CDC_FIELDS, cdcDraft } from './cdc-draft.ts';

const source = (id: number, name: string, type: string, dsType: number): DataSource => ({
  id,
  name,
  type,
  dsType,
  host: 'db',
  port: 1,
  username: 'u',
  database: 'main',
  sslmode: 'disable',
  hasPassword: true,
  createdAt: '',
  updatedAt: '',
});
const SOURCES = [source(1, 'pg', 'postgres', 7), source(2, 'my', 'mysql', 5)];
const Arguments = z.strictObject(CDC_FIELDS);

const draft = (args: Partial<z.input<typeof Arguments>>, saved: TaskSpec | null = null) =>
  cdcDraft(
    Arguments.parse({ pipeline_type: 3, source_datasource_list: [{ datasourceId: 2 }], ...args }),
    SOURCES,
    saved,
  );
const refusal = (args: Partial<z.input<typeof Arguments>>, saved: TaskSpec | null = null): string => {
  try {
    draft(args, saved);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};
const pg = { source_datasource_list: [{ datasourceId: 'pg', datasourceType: 7 }] };

describe('a draft in the words of the reference', () => {
  it('takes schemaName for the database, where only a database is named', () => {
    const whole = { sync_object_list: [{ schemaName: 'shop' }] };
    const expected = { database: 'shop', pipelineType: 3, schemas: [], tables: [] };
    expect(draft(whole)).toMatchObject({ ...expected, dataSource: 2 });
    expect(draft({ ...whole, ...pg })).toMatchObject({ ...expected, dataSource: 1 });
  });

  it('knows the schemas of PostgreSQL, and that MySQL has none', () => {
    const schema = { databaseName: 'shop', schemaName: 'eu' };
    expect(draft({ sync_object_list: [schema], ...pg })).toMatchObject({ database: 'shop', schemas: ['eu'] });
    expect(draft({ sync_object_list: [schema, { databaseName: 'shop' }], ...pg })).toMatchObject({
      schemas: [],
    });
    expect(refusal({ sync_object_list: [schema] })).toContain('mysql has no schemas');
    const tables = { pipeline_type: 1 as const, sync_object_list: [{ schemaName: 'eu', tableName: 'a' }] };
    expect(draft({ ...tables, ...pg })).toMatchObject({
      database: 'main',
      tables: [{ schema: 'eu', table: 'a' }],
    });
    expect(draft(tables)).toMatchObject({ database: 'eu', tables: [{ schema: 'eu', table: 'a' }] });
  });

  it('gives tables names of their own', () => {
    const object = { schemaName: 'shop', tableName: 'a', targetSchemaName: 'lake', targetTableName: 'b' };
    expect(draft({ pipeline_type: 1, sync_object_list: [object] })).toMatchObject({
      tables: [{ schema: 'shop', table: 'a', target: { schema: 'lake', table: 'b' } }],
    });
  });

  it.each([
    [{}, 'sync_object_list is empty'],
    [{ sync_object_list: [{ schemaName: 'a' }, { schemaName: 'b' }] }, 'of one database; these are of a, b'],
    [{ sync_object_list: [{ schemaName: 'a', tableName: 't' }] }, 'pipeline_type 3 takes no tables'],
    [{ pipeline_type: 1, sync_object_list: [{ tableName: 't' }] }, 'wants schemaName and tableName'],
    [{ source_datasource_list: [{ datasourceId: 9 }] }, 'no data source 9'],
    [{ source_datasource_list: [{ datasourceId: 1, datasourceType: 5 }] }, 'is of ds_type 7, not 5'],
    [{ source_datasource_list: [{ datasourceId: 1 }, { datasourceId: 2 }] }, 'reads one data source'],
    [{ pipeline_type: 2, sync_object_list: [{ schemaName: 'a' }] }, 'takes virtual_tables'],
  ] as const)('refuses %j', (args, message) => {
    expect(refusal(args as unknown as Partial<z.input<typeof Arguments>>)).toContain(message);
  });
});

describe('what was saved before', () => {
  const saved = MirrorSpec.parse({
    dataSource: 2,
    database: 'shop',
    pipelineType: 1,
    tables: [
      { schema: 'shop', table: 'a' },
      { schema: 'shop', table: 'b' },
    ],
    targetSchema: 'lake',
    syncMode: 2,
    parameters: { commit_interval: '1s' },
  });
  const added = {
    pipeline_type: 1 as const,
    sync_object_list: ['b', 'c'].map((tableName) => ({
      schemaName: 'shop',
      tableName,
      targetTableName: 'x',
    })),
  };

  it('is added to with save mode 2; of what both name the new one counts', () => {
    expect(draft(added, saved)).toEqual({
      ...saved,
      tables: [
        { schema: 'shop', table: 'a' },
        { schema: 'shop', table: 'b', target: { table: 'x' } },
        { schema: 'shop', table: 'c', target: { table: 'x' } },
      ],
    });
    const other = { ...added, sync_object_list: [{ schemaName: 'other', tableName: 'a' }] };
    expect(refusal(other, saved)).toContain('nothing can be added');
    expect(refusal({ sync_object_list: [{ schemaName: 'shop' }] }, saved)).toContain('nothing can be added');
  });

  it('is replaced with save mode 1, but for its parameters', () => {
    const { parameters, ...rest } = TaskSpecInput.parse(
      draft({ ...added, save_mode: 1, sync_mode: 1 }, saved),
    );
    expect(parameters).toEqual(saved.parameters);
    expect(rest).toMatchObject({
      syncMode: 1,
      targetSchema: '{SOURCE_SCHEMA}',
      tables: [{ table: 'b' }, { table: 'c' }],
    });
  });

  it('of merges is joined by the names of virtual tables and the sources', () => {
    const table = (name: string, pattern: string) => ({
      name,
      target: { schema: 'm', table: name },
      shards: { by: 'rules' as const, rules: [{ table: pattern }] },
      extendedFields: [],
      extendedKey: false,
    });
    const before: TaskSpec = {
      pipelineType: 2,
      sources: [{ dataSource: 1, server: 'pg', databases: [] }],
      virtualTables: [table('a', 'a_.*'), table('b', 'b_.*')],
      syncMode: 1,
      vcluster: 'default_sync',
      parameters: {},
    };
    const merged = draft({ pipeline_type: 2, virtual_tables: [table('b', 'b[0-9]')] }, before);
    expect(merged).toMatchObject({
      sources: [{ dataSource: 1, server: 'pg' }, { dataSource: 2 }],
      virtualTables: [{ name: 'a' }, { name: 'b', shards: { rules: [{ table: 'b[0-9]' }] } }],
    });
    expect(refusal({ sync_object_list: [{ schemaName: 'shop' }] }, before)).toContain('nothing can be added');
  });
});
