import { describe, expect, it } from 'vitest';
import { API, API_PREFIX } from './api.ts';
import { Name, parseTableName } from './primitives.ts';
import { StartTask, TaskSpec, targetName } from './task.ts';

describe('TaskSpec', () => {
  it('fills in the defaults of a full-database mirror', () => {
    expect(TaskSpec.parse({ dataSource: 1, database: 'shop' })).toEqual({
      dataSource: 1,
      database: 'shop',
      schemas: [],
      tables: [],
      pipelineType: 3,
      syncMode: 1,
      targetSchema: '{SOURCE_SCHEMA}',
      targetTable: '{SOURCE_TABLE}',
      vcluster: 'default_sync',
      parameters: {},
    });
  });
  it('wants tables with type 1, and none with type 3; refuses type 2 and unknown placeholders', () => {
    const base = { dataSource: 1, database: 'shop' };
    const tables = [{ schema: 'public', table: 'orders' }];
    expect(TaskSpec.safeParse({ ...base, pipelineType: 1 }).success).toBe(false);
    expect(TaskSpec.safeParse({ ...base, pipelineType: 1, tables }).success).toBe(true);
    expect(TaskSpec.safeParse({ ...base, pipelineType: 3, tables }).success).toBe(false);
    expect(TaskSpec.safeParse({ ...base, pipelineType: 2 }).success).toBe(false);
    expect(TaskSpec.safeParse({ ...base, targetTable: '{TABLE}' }).success).toBe(false);
    expect(TaskSpec.safeParse({ ...base, unknown: 1 }).success).toBe(false);
  });
  it('names targets by rule, and takes the names as they are', () => {
    const spec = {
      database: 'shop',
      targetSchema: '{SOURCE_DATABASE}_x',
      targetTable: '{SOURCE_SCHEMA}.{SOURCE_TABLE}',
    };
    expect(targetName(spec, { schema: '$&', table: '{SOURCE_SCHEMA}' })).toEqual({
      schema: 'shop_x',
      table: '$&.{SOURCE_SCHEMA}',
    });
  });
});

describe('StartTask', () => {
  it('wants a position with custom, and only then', () => {
    expect(StartTask.safeParse({ from: 'custom' }).success).toBe(false);
    expect(StartTask.safeParse({ from: 'resume', position: '0/1' }).success).toBe(false);
    expect(StartTask.parse({})).toEqual({ from: 'resume' });
  });
});

describe('names', () => {
  it('reads table names as people type them', () => {
    expect(parseTableName('orders')).toEqual({ schema: null, table: 'orders' });
    expect(parseTableName('Shop.Orders')).toEqual({ schema: 'Shop', table: 'Orders' });
    expect(parseTableName('"odd.schema"."a ""b"""')).toEqual({ schema: 'odd.schema', table: 'a "b"' });
    expect(['', 'a.b.c', '.a', '"a', 'a."b'].map(parseTableName)).toEqual(Array(5).fill(null));
  });
  it('refuses names that would be taken for ids, or could not be seen', () => {
    expect(['12', ' a', '', 'a\nb'].map((name) => Name.safeParse(name).success)).toEqual(
      Array(4).fill(false),
    );
    expect(Name.safeParse('täglich 12').success).toBe(true);
  });
});

describe('API', () => {
  it('has every path once a method, and a params schema that fits it', () => {
    const seen = new Set<string>();
    for (const route of Object.values(API)) {
      const key = `${route.method} ${API_PREFIX}${route.path}`;
      expect(seen.has(key), key).toBe(false);
      seen.add(key);
      expect('params' in route, key).toBe(route.path.includes(':'));
    }
  });
});
