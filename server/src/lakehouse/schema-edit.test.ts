import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogicalType } from '../model/logical-type.ts';
import { fieldIds, toIceberg, toLogical } from './iceberg-type.ts';
import type { TableMetadata } from './metadata.ts';
import { editSchema, type SchemaEdit } from './schema-edit.ts';
import { createTable, currentSchema } from './table-metadata.ts';

const table = (): TableMetadata =>
  createTable({
    location: 'file:///w/s/t',
    columns: [
      { name: 'id', type: { kind: 'int' }, required: true },
      { name: 'tags', type: { kind: 'list', element: { kind: 'string' } }, required: false },
      { name: 'price', type: { kind: 'decimal', precision: 10, scale: 2 }, required: true, doc: 'in cents' },
    ],
    identifier: ['id'],
    properties: { a: 'b' },
    nowMs: 5,
  });
const names = (metadata: TableMetadata): unknown =>
  currentSchema(metadata).fields.map((field) => `${field.id} ${field.name}`);
const edit = (edits: readonly SchemaEdit[], of = table()): TableMetadata => editSchema(of, edits, 9);
const refused = (edits: readonly SchemaEdit[]): void =>
  expect(() => edit(edits)).toThrowError(expect.objectContaining({ code: 'TABLE_SCHEMA' }));

describe('a new table', () => {
  it('has ids for columns first and for elements behind them', () => {
    expect(table()).toMatchObject({
      'format-version': 2,
      'last-column-id': 4,
      'last-updated-ms': 5,
      schemas: [
        {
          'schema-id': 0,
          'identifier-field-ids': [1],
          fields: [
            { id: 1, name: 'id', required: true, type: 'int' },
            { id: 2, type: { type: 'list', 'element-id': 4, element: 'string', 'element-required': false } },
            { id: 3, type: 'decimal(10, 2)', required: true, doc: 'in cents' },
          ],
        },
      ],
    });
  });

  it('is refused with columns that make no schema', () => {
    const make =
      (columns: [string, LogicalType, boolean][], identifier: string[]): (() => unknown) =>
      () =>
        createTable({
          location: 'file:///w',
          columns: columns.map(([name, type, required]) => ({ name, type, required })),
          identifier,
          properties: {},
          nowMs: 0,
        });
    const error = expect.objectContaining({ code: 'TABLE_SCHEMA' });
    expect(
      make(
        [
          ['a', { kind: 'int' }, false],
          ['a', { kind: 'int' }, false],
        ],
        [],
      ),
    ).toThrowError(error);
    expect(make([['a', { kind: 'int' }, false]], ['a'])).toThrowError(error);
    expect(make([['a', { kind: 'double' }, true]], ['a'])).toThrowError(error);
    expect(make([['a', { kind: 'int' }, true]], ['b'])).toThrowError(error);
    expect(make([['', { kind: 'int' }, true]], [])).toThrowError(error);
  });
});

describe('schema edits', () => {
  it('add, drop, rename, widen, relax, order and identify columns', () => {
    const after = edit([
      { kind: 'add', name: 'more', type: { kind: 'list', element: { kind: 'int' } }, doc: 'd' },
      { kind: 'rename', id: 3, name: 'cost' },
      { kind: 'widen', id: 3, type: { kind: 'decimal', precision: 12, scale: 2 } },
      { kind: 'widen', id: 1, type: { kind: 'long' } },
      { kind: 'relax', id: 3 },
      { kind: 'drop', id: 2 },
      { kind: 'order', ids: [3, 1, 5] },
    ]);
    expect(currentSchema(after)).toEqual({
      type: 'struct',
      'schema-id': 1,
      fields: [
        { id: 3, name: 'cost', required: false, type: 'decimal(12, 2)', doc: 'in cents' },
        { id: 1, name: 'id', required: true, type: 'long' },
        {
          id: 5,
          name: 'more',
          required: false,
          type: { type: 'list', 'element-id': 6, element: 'int', 'element-required': false },
          doc: 'd',
        },
      ],
      'identifier-field-ids': [1],
    });
    expect(after).toMatchObject({ 'last-column-id': 6, 'last-updated-ms': 9, 'current-schema-id': 1 });
    expect(after.schemas[0]).toEqual(table().schemas[0]);
  });

  it('let names be swapped and a key go with its column', () => {
    expect(
      names(
        edit([
          { kind: 'rename', id: 1, name: 'price' },
          { kind: 'rename', id: 3, name: 'id' },
        ]),
      ),
    ).toEqual(['1 price', '2 tags', '3 id']);
    const keyless = edit([
      { kind: 'drop', id: 1 },
      { kind: 'identify', ids: [] },
    ]);
    expect(currentSchema(keyless)).not.toHaveProperty('identifier-field-ids');
    const other = edit([
      { kind: 'drop', id: 1 },
      { kind: 'identify', ids: [3] },
    ]);
    expect(currentSchema(other)['identifier-field-ids']).toEqual([3]);
  });

  it('that cannot be are refused', () => {
    refused([{ kind: 'drop', id: 1 }]);
    refused([{ kind: 'drop', id: 9 }]);
    refused([{ kind: 'rename', id: 1, name: 'price' }]);
    refused([{ kind: 'rename', id: 1, name: '' }]);
    refused([{ kind: 'add', name: 'id', type: { kind: 'int' } }]);
    refused([{ kind: 'identify', ids: [2] }]);
    refused([{ kind: 'relax', id: 1 }]);
    refused([{ kind: 'order', ids: [1, 2] }]);
    refused([{ kind: 'order', ids: [1, 2, 2] }]);
    for (const [id, type] of [
      [1, { kind: 'string' }],
      [1, { kind: 'double' }],
      [3, { kind: 'decimal', precision: 12, scale: 3 }],
      [3, { kind: 'decimal', precision: 9, scale: 2 }],
      [2, { kind: 'list', element: { kind: 'int' } }],
    ] as const)
      refused([{ kind: 'widen', id, type }]);
  });

  it('that change nothing make no schema, and an earlier schema is that one again', () => {
    const before = table();
    expect(edit([], before)).toBe(before);
    expect(edit([{ kind: 'rename', id: 1, name: 'id' }], before)).toBe(before);
    const renamed = edit([{ kind: 'rename', id: 3, name: 'cost' }], before);
    const back = edit([{ kind: 'rename', id: 3, name: 'price' }], renamed);
    expect(back['current-schema-id']).toBe(0);
    expect(back.schemas).toHaveLength(2);
  });

  it('never give an id twice', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        list: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('drop' as const), at: fc.nat() }),
      fc.record({ kind: fc.constant('rename' as const), at: fc.nat(), name: fc.constantFrom('a', 'b', 'z') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let metadata = table();
        // What each id was given to: the column that has it, or had it, for ever.
        const given = new Map<number, number>([
          [1, 1],
          [2, 2],
          [3, 3],
          [4, 2],
        ]);
        for (const one of steps) {
          const { fields } = currentSchema(metadata);
          const target = fields[1 + (('at' in one ? one.at : 0) % Math.max(1, fields.length - 1))];
          const type: LogicalType = { kind: 'list', element: { kind: 'int' } };
          const change: SchemaEdit | null =
            one.kind === 'add'
              ? { kind: 'add', name: one.name, type: one.list ? type : { kind: 'int' } }
              : target && target.id !== 1
                ? one.kind === 'drop'
                  ? { kind: 'drop', id: target.id }
                  : { kind: 'rename', id: target.id, name: one.name }
                : null;
          const clash = change && 'name' in change && fields.some((field) => field.name === change.name);
          if (!change || clash) continue;
          metadata = editSchema(metadata, [change], 1);
          for (const field of currentSchema(metadata).fields)
            for (const id of fieldIds([field])) {
              expect(given.get(id) ?? field.id).toBe(field.id);
              if (!given.has(id)) expect(change.kind).toBe('add');
              given.set(id, field.id);
            }
          expect(metadata['last-column-id']).toBe(Math.max(...given.keys()));
        }
      }),
    );
  });
});

describe('types', () => {
  it('go to Iceberg and back', () => {
    const types: LogicalType[] = [
      ...(['boolean', 'int', 'long', 'float', 'double', 'date', 'time', 'timestamp'] as const).map(
        (kind) => ({ kind }),
      ),
      ...(['timestamptz', 'string', 'uuid', 'binary'] as const).map((kind) => ({ kind })),
      { kind: 'decimal', precision: 38, scale: 0 },
    ];
    for (const type of types) {
      expect(toLogical(toIceberg(type, () => 1))).toEqual(type);
      const list = { kind: 'list', element: type } as LogicalType;
      expect(toLogical(toIceberg(list, () => 1))).toEqual(list);
    }
    expect(() => toLogical('fixed[16]')).toThrowError(/fixed\[16\]/);
  });
});
