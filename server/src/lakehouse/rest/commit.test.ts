import { describe, expect, it } from 'vitest';
import type { PointerMove } from '../catalog.ts';
import type { EmbeddedCatalog } from '../embedded-catalog.ts';
import { printJson } from '../json.ts';
import type { TableMetadata } from '../metadata.ts';
import {
  type Answer,
  call,
  catalog,
  makeTable,
  property,
  refusal,
  serveInstead,
  storage,
  uuidOf,
  warehouse,
} from './test-catalog.ts';

describe('commits', () => {
  it('that ask for what is not so are refused, and so are malformed ones', async () => {
    const table = await makeTable();
    const commit = (requirements: unknown[], updates: unknown[] = [property('a', 'b')]): Promise<Answer> =>
      call('POST', 'namespaces/s/tables/t', { requirements, updates });
    for (const requirement of [
      { type: 'assert-create' },
      { type: 'assert-table-uuid', uuid: 'other' },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 1 },
      { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 9 },
      { type: 'assert-current-schema-id', 'current-schema-id': 9 },
      { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': 9 },
      { type: 'assert-default-spec-id', 'default-spec-id': 9 },
      { type: 'assert-default-sort-order-id', 'default-sort-order-id': 9 },
    ])
      expect(refusal(await commit([requirement])), requirement.type).toEqual([
        409,
        'CommitFailedException',
        409,
      ]);
    for (const [requirements, updates] of [
      [[{ type: 'assert-nothing' }], []],
      [[], [{ action: 'no-such-update' }]],
      [[], [{ action: 'set-current-schema', 'schema-id': 7 }]],
      [[], [{ action: 'set-current-schema', 'schema-id': -1 }]],
      [[], [{ action: 'set-location', location: 'file:///etc' }]],
      [[], [{ action: 'assign-uuid', uuid: 'other' }]],
      [[], [{ action: 'upgrade-format-version', 'format-version': 1 }]],
      [[], [{ action: 'add-schema' }]],
    ])
      expect(refusal(await commit(requirements!, updates))[0], printJson(updates)).toBe(400);
    const other = { identifier: { namespace: ['s'], name: 'u' }, requirements: [], updates: [] };
    expect(refusal(await call('POST', 'namespaces/s/tables/t', other))[0]).toBe(400);
    expect((await commit([uuidOf(table)])).body.metadata.properties).toEqual({ a: 'b' });
  });

  it('of rows are refused for a table that a sharded-table merge keeps, and nothing else is', async () => {
    const table = await makeTable();
    const other = await makeTable('u');
    const { metadataLocation } = (await catalog.load({ schema: 's', table: 't' }))!;
    const line = { schema: 's', table: 't', shard: 'one' };
    await catalog.commit([{ name: line, from: null, to: metadataLocation, uuid: table['table-uuid'] }]);
    const add = (to: TableMetadata): unknown => ({
      action: 'add-snapshot',
      snapshot: {
        'snapshot-id': 7,
        'sequence-number': 1,
        'timestamp-ms': Date.now(),
        'manifest-list': `${to.location}/metadata/list.avro`,
        summary: { operation: 'append' },
        'schema-id': 0,
      },
    });
    const set = { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 7 };
    const commit = (name: string, updates: unknown[]): Promise<Answer> =>
      call('POST', `namespaces/s/tables/${name}`, { requirements: [], updates });
    for (const updates of [[add(table), set], [add(table)], [set]]) {
      const answer = await commit('t', updates);
      expect(refusal(answer)[0]).toBe(400);
      expect(answer.body.error.message).toContain('merge keeps the table s.t');
    }
    expect((await commit('t', [property('a', 'b')])).status).toBe(200);
    expect((await commit('u', [add(other), set])).status).toBe(200);
  });

  it('of several tables are all or none', async () => {
    const a = await makeTable('a');
    const b = await makeTable('b');
    const changes = (second: unknown): unknown => ({
      'table-changes': [
        {
          identifier: { namespace: ['s'], name: 'a' },
          requirements: [uuidOf(a)],
          updates: [property('n', '1')],
        },
        {
          identifier: { namespace: ['s'], name: 'b' },
          requirements: [second],
          updates: [property('n', '1')],
        },
      ],
    });
    const values = async (): Promise<unknown[]> => [
      (await catalog.load({ schema: 's', table: 'a' }))!.metadata.properties,
      (await catalog.load({ schema: 's', table: 'b' }))!.metadata.properties,
    ];
    expect(refusal(await call('POST', 'transactions/commit', changes(uuidOf(a))))).toEqual([
      409,
      'CommitFailedException',
      409,
    ]);
    expect(await values()).toEqual([{}, {}]);
    expect((await call('POST', 'transactions/commit', changes(uuidOf(b)))).status).toBe(204);
    expect(await values()).toEqual([{ n: '1' }, { n: '1' }]);
    const missing = {
      'table-changes': [{ identifier: { namespace: ['s'], name: 'no' }, requirements: [], updates: [] }],
    };
    expect(refusal(await call('POST', 'transactions/commit', missing))).toEqual([
      404,
      'NoSuchTableException',
      404,
    ]);
    const change = { identifier: { namespace: ['s'], name: 'a' }, requirements: [], updates: [] };
    expect(refusal(await call('POST', 'transactions/commit', { 'table-changes': [change, change] }))[0]).toBe(
      400,
    );
  });

  it('at the same time all succeed where their requirements hold', async () => {
    await makeTable();
    const answers = await Promise.all(
      Array.from({ length: 3 }, (_, i) =>
        call('POST', 'namespaces/s/tables/t', { requirements: [], updates: [property(`k${i}`, 'v')] }),
      ),
    );
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    const loaded = await call('GET', 'namespaces/s/tables/t');
    expect(Object.keys(loaded.body.metadata.properties).sort()).toEqual(['k0', 'k1', 'k2']);
  });

  it('that always lose are a conflict, and leave no metadata file behind', async () => {
    const table = await makeTable();
    const conflicted: EmbeddedCatalog = {
      ...catalog,
      commit: (moves: readonly PointerMove[]) =>
        catalog.commit(moves.map((move) => ({ ...move, from: `${move.from}-old` }))),
    };
    await serveInstead(conflicted);
    const lost = await call('POST', 'namespaces/s/tables/t', {
      requirements: [],
      updates: [property('a', 'b')],
    });
    expect(refusal(lost)).toEqual([409, 'CommitFailedException', 409]);
    const files: string[] = [];
    for await (const file of storage.list(table.location)) files.push(file.location);
    expect(files).toHaveLength(1);
  });

  it('whose outcome is not known say so, and those that failed before it do not', async () => {
    const table = await makeTable();
    await serveInstead({
      ...catalog,
      commit: () => Promise.reject(new Error('the connection broke')),
    });
    const update = { requirements: [uuidOf(table)], updates: [property('a', 'b')] };
    expect(refusal(await call('POST', 'namespaces/s/tables/t', update))).toEqual([
      500,
      'CommitStateUnknownException',
      500,
    ]);
    // The folder for metadata cannot be made where a file is.
    await serveInstead(catalog);
    await storage.create(`${warehouse}/blocked`, Buffer.from(''));
    const moved = { ...update, updates: [{ action: 'set-location', location: `${warehouse}/blocked` }] };
    expect(refusal(await call('POST', 'namespaces/s/tables/t', moved))).toEqual([
      409,
      'CommitFailedException',
      409,
    ]);
  });
});
