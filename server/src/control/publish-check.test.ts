import { MirrorSpec, targetName } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import type { DiscoveredTable } from '../sources/source.ts';
import { findCollision, selectTables } from './publish-check.ts';
import { makeSourceKey } from './source-key.ts';

const spec = (more: object) => MirrorSpec.parse({ dataSource: 1, database: 'd', ...more });
type Known = Pick<DiscoveredTable, 'schema' | 'objectId'>;
const table = (schema: string, name: string): Known => ({
  schema: { name: { schema, table: name }, columns: [], identity: { kind: 'row' } },
  objectId: `${schema}.${name}`,
});
const objects = [table('a', 'x'), table('b', 'x'), table('b', 'y')];
const ids = (tables: readonly Known[]) => tables.map((object) => object.objectId);

describe('selectTables', () => {
  it('takes whole schemas, all of them when none is named, or the tables', () => {
    expect(ids(selectTables(spec({}), objects))).toEqual(['a.x', 'b.x', 'b.y']);
    expect(ids(selectTables(spec({ schemas: ['b', 'none'] }), objects))).toEqual(['b.x', 'b.y']);
    const tables = [{ schema: 'a', table: 'x' }];
    expect(ids(selectTables(spec({ pipelineType: 1, tables }), objects))).toEqual(['a.x']);
  });
});

describe('findCollision', () => {
  const names = objects.map((object) => object.schema.name);
  it('finds two tables under one target, also when only the case differs', () => {
    expect(findCollision(spec({}), names)).toBeNull();
    expect(findCollision(spec({ targetSchema: 'lake' }), names)).toEqual({
      target: { schema: 'lake', table: 'x' },
      sources: [names[0], names[1]],
    });
    expect(
      findCollision(spec({ targetTable: '{SOURCE_SCHEMA}_{SOURCE_TABLE}', targetSchema: 'lake' }), names),
    ).toBeNull();
    expect(findCollision(spec({}), [{ schema: 'a', table: 'X' }, ...names])).not.toBeNull();
    expect(findCollision(spec({ targetTable: 'one' }), names)?.sources).toEqual([names[1], names[2]]);
  });
  it('does not mind a table that is listed twice', () => {
    expect(findCollision(spec({}), [...names, ...names])).toBeNull();
  });
});

describe('makeSourceKey', () => {
  it('fits a slot name, whatever the task is called, and differs each time', () => {
    for (const name of ['Shop → Lake', '客户', '"', 'x'.repeat(128), 'Ärger_2'])
      expect(`sluice_${makeSourceKey(name)}`).toMatch(/^sluice_[a-z0-9_]{1,56}$/);
    expect(makeSourceKey('Ärger 2')).toMatch(/^a_rger_2_[0-9a-f]{8}$/);
    expect(makeSourceKey('a')).not.toBe(makeSourceKey('a'));
  });
});

describe('a table that says its own target', () => {
  const tables = [
    { schema: 'a', table: 'x', target: { table: 'y' } },
    { schema: 'b', table: 'x', target: { schema: 'lake', table: 'z' } },
    { schema: 'b', table: 'y', target: { schema: 'A' } },
  ];
  const some = spec({ pipelineType: 1, targetTable: '{SOURCE_DATABASE}_{SOURCE_TABLE}', tables });

  it('is called so; the naming rules say the rest', () => {
    expect(tables.map((one) => targetName(some, { schema: one.schema, table: one.table }))).toEqual([
      { schema: 'a', table: 'y' },
      { schema: 'lake', table: 'z' },
      { schema: 'A', table: 'd_y' },
    ]);
    expect(targetName(some, { schema: 'c', table: 'x' })).toEqual({ schema: 'c', table: 'd_x' });
  });

  it('collides with another one like any other', () => {
    const names = tables.map(({ schema, table }) => ({ schema, table }));
    expect(findCollision(some, names)).toBeNull();
    const alike = spec({ pipelineType: 1, tables: [tables[0], { ...tables[2], target: { schema: 'A' } }] });
    expect(findCollision(alike, names)).toMatchObject({ target: { schema: 'A', table: 'y' } });
  });

  it('has one', () => {
    expect(() => spec({ pipelineType: 1, tables: [tables[0], { schema: 'a', table: 'x' }] })).toThrow(
      'two targets',
    );
    expect(spec({ pipelineType: 1, tables: [tables[0], tables[0]] }).tables).toHaveLength(2);
  });
});
