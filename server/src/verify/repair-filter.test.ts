import { parseRowFilter } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import type { LogicalType } from '../model/logical-type.ts';
import type { TableSchema } from '../model/table.ts';
import { repairFilters } from './repair-filter.ts';

const table = (...key: readonly [string, LogicalType][]): TableSchema => ({
  name: { schema: 's', table: 't' },
  columns: key.map(([name, type], sourceId) => ({
    name,
    sourceId,
    type,
    text: { form: 'plain' },
    nullable: false,
    native: '',
  })),
  identity: { kind: 'key', columns: key.map((_, index) => index) },
});
const ID = table(['id', { kind: 'long' }]);
const NAMED = table(['region', { kind: 'string' }], ['id', { kind: 'int' }]);

describe('the filters of a repair', () => {
  it('name each key', () => {
    expect(repairFilters(ID, [['1'], ['-2']])).toEqual(['(id = 1) OR (id = -2)']);
    expect(repairFilters(NAMED, [["it's", '7']])).toEqual(["(region = 'it''s' AND id = 7)"]);
  });

  it('are as many as their length wants, each one that is taken', () => {
    const keys = Array.from({ length: 1000 }, (_, index) => [String(index + 1_000_000)]);
    const filters = repairFilters(ID, keys) ?? [];
    expect(filters.length).toBeGreaterThan(1);
    for (const filter of filters) expect(parseRowFilter(filter)).toBe(filter);
    expect(filters.join(' OR ').match(/id = /g)).toHaveLength(1000);
  });

  it('are none where they could mean something else, or are too many', () => {
    expect(repairFilters(NAMED, [['a\\b', '7']])).toBeNull();
    expect(repairFilters(table(['Id', { kind: 'int' }]), [['1']])).toBeNull();
    expect(repairFilters(table(['order', { kind: 'int' }]), [['1']])).toBeNull();
    expect(repairFilters(table(['b', { kind: 'binary' }]), [['\\x00']])).toBeNull();
    expect(repairFilters(ID, [['1 OR true']])).toBeNull();
    expect(
      repairFilters(
        ID,
        Array.from({ length: 50_000 }, (_, index) => [String(index)]),
      ),
    ).toBeNull();
    expect(repairFilters(ID, [])).toBeNull();
  });
});
