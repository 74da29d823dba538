import { describe, expect, it } from 'vitest';
import type { Snapshot, SnapshotId, TableMetadata } from './metadata.ts';
import { applyUpdates, type MetadataUpdate } from './metadata-update.ts';
import { createTable } from './table-metadata.ts';

const table = (): TableMetadata =>
  createTable({
    location: 'file:///w/s/t',
    columns: [
      { name: 'id', type: { kind: 'long' }, required: true },
      { name: 'v', type: { kind: 'string' }, required: false },
    ],
    identifier: ['id'],
    properties: { a: '1', b: '2' },
    nowMs: 1_000,
  });
const snapshot = (id: SnapshotId, sequence: number, more: object = {}): MetadataUpdate => ({
  action: 'add-snapshot',
  snapshot: {
    'snapshot-id': id,
    'sequence-number': sequence,
    'timestamp-ms': 1_000 + sequence,
    'manifest-list': `file:///w/s/t/metadata/${id}.avro`,
    summary: { operation: 'append' },
    'schema-id': 0,
    ...more,
  } satisfies Snapshot,
});
const ref = (name: string, id: SnapshotId, type: 'branch' | 'tag' = 'branch'): MetadataUpdate => ({
  action: 'set-snapshot-ref',
  'ref-name': name,
  type,
  'snapshot-id': id,
});
const after = (updates: readonly MetadataUpdate[], of = table()): TableMetadata =>
  applyUpdates(of, updates, 5_000);
const refused = (updates: readonly MetadataUpdate[], of = table()): void =>
  expect(() => after(updates, of)).toThrowError(expect.objectContaining({ name: 'SluiceError' }));
const filled = (): TableMetadata =>
  [1, 2, 3].reduce((metadata, n) => after([snapshot(n, n), ref('main', n)], metadata), table());

describe('updates of a commit', () => {
  it('add schemas under the next id, or the id of one that says the same', () => {
    const { fields } = table().schemas[0]!;
    const schema = {
      type: 'struct' as const,
      fields: [...fields, { id: 7, name: 'x', required: false, type: 'int' as const }],
    };
    const made = after([
      { action: 'add-schema', schema },
      { action: 'set-current-schema', 'schema-id': -1 },
    ]);
    expect(made).toMatchObject({ 'current-schema-id': 1, 'last-column-id': 7, 'last-updated-ms': 5_000 });
    const again = after(
      [
        { action: 'add-schema', schema },
        { action: 'set-current-schema', 'schema-id': -1 },
      ],
      made,
    );
    expect(again).toMatchObject({ 'current-schema-id': 1, schemas: { length: 2 } });
    expect(after([{ action: 'remove-schemas', 'schema-ids': [0] }], made).schemas).toHaveLength(1);
    refused([{ action: 'remove-schemas', 'schema-ids': [1] }], made);
    const twice = { type: 'struct' as const, fields: [fields[0]!, fields[0]!] };
    refused([{ action: 'add-schema', schema: twice }]);
  });

  it('add partition specs and sort orders, with ids that are not used again', () => {
    const fields = [{ 'source-id': 1, name: 'p', transform: 'bucket[4]' }];
    const made = after([
      { action: 'add-spec', spec: { fields } },
      { action: 'set-default-spec', 'spec-id': -1 },
    ]);
    expect(made['partition-specs'][1]).toEqual({
      'spec-id': 1,
      fields: [{ ...fields[0], 'field-id': 1000 }],
    });
    expect(made).toMatchObject({ 'default-spec-id': 1, 'last-partition-id': 1000 });
    const same = [{ transform: 'bucket[4]', name: 'p', 'source-id': 1, 'field-id': 1000 }];
    expect(after([{ action: 'add-spec', spec: { fields: same } }], made)).toBe(made);
    expect(
      after([{ action: 'remove-partition-specs', 'spec-ids': [0] }], made)['partition-specs'],
    ).toHaveLength(1);
    refused([{ action: 'remove-partition-specs', 'spec-ids': [1] }], made);
    refused([{ action: 'set-default-spec', 'spec-id': 4 }]);
    const order = { fields: [{ 'source-id': 1, transform: 'identity' }] };
    const sorted = after([
      { action: 'add-sort-order', 'sort-order': order },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
    ]);
    expect(sorted).toMatchObject({
      'default-sort-order-id': 1,
      'sort-orders': [{ 'order-id': 0 }, { 'order-id': 1 }],
    });
    refused([{ action: 'set-default-sort-order', 'sort-order-id': 2 }]);
  });

  it('add snapshots in order, and references to them', () => {
    const metadata = filled();
    expect(metadata).toMatchObject({ 'current-snapshot-id': 3, 'last-sequence-number': 3 });
    expect(metadata['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([1, 2, 3]);
    refused([snapshot(3, 4)], metadata);
    refused([snapshot(4, 3)], metadata);
    refused([ref('main', 9)], metadata);
    refused([ref('main', 2, 'tag')], metadata);
    const back = after([ref('main', 1), ref('kept', 3, 'tag')], metadata);
    expect(back).toMatchObject({
      'current-snapshot-id': 1,
      refs: { kept: { type: 'tag', 'snapshot-id': 3 } },
    });
    expect(back['snapshot-log'].at(-1)).toEqual({ 'snapshot-id': 1, 'timestamp-ms': 5_000 });
    expect(back.refs.kept).not.toHaveProperty('action');
    const without = after([{ action: 'remove-snapshot-ref', 'ref-name': 'main' }], metadata);
    expect(without).toMatchObject({ 'current-snapshot-id': null, refs: {} });
  });

  it('remove snapshots with what names them', () => {
    const metadata = after([ref('old', 1, 'tag')], filled());
    const left = after([{ action: 'remove-snapshots', 'snapshot-ids': [1] }], metadata);
    expect(left.snapshots.map((one) => one['snapshot-id'])).toEqual([2, 3]);
    expect(Object.keys(left.refs)).toEqual(['main']);
    expect(left['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([2, 3]);
    const hole = after([{ action: 'remove-snapshots', 'snapshot-ids': [2] }], metadata);
    expect(hole['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([3]);
  });

  it('set and remove properties, statistics and keys', () => {
    const changed = after([
      { action: 'set-properties', updates: { a: '3', c: '4' } },
      { action: 'remove-properties', removals: ['b', 'none'] },
    ]);
    expect(changed.properties).toEqual({ a: '3', c: '4' });
    const file = (path: string): { 'snapshot-id': number; 'statistics-path': string } => ({
      'snapshot-id': 1,
      'statistics-path': path,
    });
    const set = after([
      { action: 'set-statistics', statistics: file('a') },
      { action: 'set-statistics', statistics: file('b') },
      { action: 'set-partition-statistics', 'partition-statistics': file('c') },
    ]);
    expect([set.statistics, set['partition-statistics']]).toEqual([[file('b')], [file('c')]]);
    const removed = after(
      [
        { action: 'remove-statistics', 'snapshot-id': 1 },
        { action: 'remove-partition-statistics', 'snapshot-id': 1 },
      ],
      set,
    );
    expect([removed.statistics, removed['partition-statistics']]).toEqual([[], []]);
    const key = after([{ action: 'add-encryption-key', 'encryption-key': { 'key-id': 'k' } }]);
    expect(key).toMatchObject({ 'encryption-keys': [{ 'key-id': 'k' }] });
    expect(after([{ action: 'remove-encryption-key', 'key-id': 'k' }], key)).toMatchObject({
      'encryption-keys': [],
    });
  });

  it('keep what identifies a table, and carry row ids in version 3', () => {
    const metadata = table();
    expect(after([{ action: 'assign-uuid', uuid: metadata['table-uuid'] }], metadata)['table-uuid']).toBe(
      metadata['table-uuid'],
    );
    refused([{ action: 'assign-uuid', uuid: 'other' }], metadata);
    refused([{ action: 'upgrade-format-version', 'format-version': 4 }]);
    const third = after([{ action: 'upgrade-format-version', 'format-version': 3 }]);
    expect(third).toMatchObject({ 'format-version': 3, 'next-row-id': 0 });
    refused([{ action: 'upgrade-format-version', 'format-version': 2 }], third);
    const rows = after([snapshot(1, 1, { 'first-row-id': 0, 'added-rows': 7 })], third);
    expect(rows).toMatchObject({ 'next-row-id': 7 });
    refused([snapshot(2, 2, { 'first-row-id': 6, 'added-rows': 1 })], rows);
    refused([snapshot(2, 2)], rows);
  });
});
