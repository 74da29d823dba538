import type { InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { TableMetadata } from '../metadata.ts';
import { readMetadata } from '../metadata-file.ts';
import { writeSnapshot } from '../snapshot.ts';
import { aDataFile } from '../test-files.ts';
import {
  type Answer,
  app,
  call,
  catalog,
  makeTable,
  property,
  refusal,
  SCHEMA,
  storage,
  uuidOf,
  warehouse,
} from './test-catalog.ts';

describe('configuration', () => {
  it('lists what it can do, and knows its own warehouse only', async () => {
    const config = await call('GET', 'config');
    expect(config.body).toMatchObject({ defaults: {}, overrides: {} });
    expect(config.body.endpoints).toContain('POST /v1/{prefix}/transactions/commit');
    expect((await call('GET', `config?warehouse=${encodeURIComponent(warehouse)}`)).status).toBe(200);
    expect(refusal(await call('GET', 'config?warehouse=other'))).toEqual([404, 'NotFoundException', 404]);
  });

  it('answers errors of its own form to what is no endpoint and to what is no JSON', async () => {
    expect(refusal(await call('GET', 'nothing'))).toEqual([404, 'NotFoundException', 404]);
    const broken = await app.inject({
      method: 'POST',
      url: '/iceberg/v1/namespaces',
      headers: { 'content-type': 'application/json' },
      payload: '{',
    });
    expect(broken.statusCode).toBe(400);
    expect(broken.json().error.type).toBe('BadRequestException');
  });

  it('implements every endpoint that it lists', async () => {
    const { endpoints } = (await call('GET', 'config')).body as { endpoints: string[] };
    for (const endpoint of endpoints) {
      const [method, path] = endpoint.split(' ') as [NonNullable<InjectOptions['method']>, string];
      const url = path.replace('/v1/{prefix}/', '').replaceAll(/\{\w+\}/g, 'x');
      const answer = await call(method, url, method === 'POST' ? {} : undefined);
      expect(answer.body?.error?.type, endpoint).not.toBe('NotFoundException');
      expect(answer.status, endpoint).toBeLessThan(500);
    }
  });
});

describe('namespaces', () => {
  it('are made, listed by page, read, changed and dropped', async () => {
    for (const name of ['c', 'a', 'b b'])
      expect(
        (await call('POST', 'namespaces', { namespace: [name], properties: { of: name } })).body,
      ).toEqual({
        namespace: [name],
        properties: { of: name },
      });
    expect(refusal(await call('POST', 'namespaces', { namespace: ['a'] }))).toEqual([
      409,
      'AlreadyExistsException',
      409,
    ]);
    const first = await call('GET', 'namespaces?pageSize=2');
    expect(first.body.namespaces).toEqual([['a'], ['b b']]);
    const second = await call('GET', `namespaces?pageSize=2&pageToken=${first.body['next-page-token']}`);
    expect(second.body).toEqual({ namespaces: [['c']], 'next-page-token': null });
    expect((await call('GET', 'namespaces')).body.namespaces).toEqual([['a'], ['b b'], ['c']]);
    expect((await call('GET', 'namespaces?parent=a')).body.namespaces).toEqual([]);
    expect((await call('GET', 'namespaces/b%20b')).body.properties).toEqual({ of: 'b b' });
    expect((await call('HEAD', 'namespaces/a')).status).toBe(204);
    expect((await call('HEAD', 'namespaces/no')).status).toBe(404);
    expect((await call('DELETE', 'namespaces/a')).status).toBe(204);
    for (const [method, path] of [
      ['GET', 'namespaces/a'],
      ['DELETE', 'namespaces/a'],
      ['GET', 'namespaces/a/tables'],
      ['GET', 'namespaces?parent=a'],
      ['GET', 'namespaces/b%1Fc'],
    ] as const)
      expect(refusal(await call(method, path)), path).toEqual([404, 'NoSuchNamespaceException', 404]);
  });

  it('have one level', async () => {
    expect(refusal(await call('POST', 'namespaces', { namespace: ['a', 'b'] }))).toEqual([
      400,
      'BadRequestException',
      400,
    ]);
  });

  it('keep their properties', async () => {
    await call('POST', 'namespaces', { namespace: ['n'], properties: { a: '1', b: '2' } });
    const change = await call('POST', 'namespaces/n/properties', {
      removals: ['a', 'x'],
      updates: { c: '3' },
    });
    expect(change.body).toEqual({ updated: ['c'], removed: ['a'], missing: ['x'] });
    expect((await call('GET', 'namespaces/n')).body.properties).toEqual({ b: '2', c: '3' });
    const both = { removals: ['b'], updates: { b: '4' } };
    expect(refusal(await call('POST', 'namespaces/n/properties', both))).toEqual([
      422,
      'UnprocessableEntityException',
      422,
    ]);
    expect(refusal(await call('POST', 'namespaces/no/properties', {}))).toEqual([
      404,
      'NoSuchNamespaceException',
      404,
    ]);
  });

  it('with tables are not dropped', async () => {
    await makeTable();
    expect(refusal(await call('DELETE', 'namespaces/s'))).toEqual([409, 'NamespaceNotEmptyException', 409]);
  });
});

describe('tables', () => {
  it('are made with field ids of their own, which keys, partitions and orders follow', async () => {
    await call('POST', 'namespaces', { namespace: ['s'] });
    const made = await call('POST', 'namespaces/s/tables', {
      name: 't',
      schema: SCHEMA,
      'partition-spec': {
        'spec-id': 4,
        fields: [{ 'source-id': 14, 'field-id': 1, name: 'd', transform: 'month' }],
      },
      'write-order': {
        'order-id': 9,
        fields: [{ 'source-id': 11, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
      },
      properties: { a: 'b' },
    });
    const table = made.body.metadata as TableMetadata;
    expect(table).toMatchObject({
      'format-version': 2,
      location: `${warehouse}/s/t`,
      'last-column-id': 4,
      'last-partition-id': 1000,
      'default-spec-id': 0,
      'default-sort-order-id': 1,
      properties: { a: 'b' },
      'partition-specs': [
        { 'spec-id': 0, fields: [{ 'source-id': 3, 'field-id': 1000, name: 'd', transform: 'month' }] },
      ],
    });
    expect(table.schemas[0]).toMatchObject({
      fields: [{ id: 1 }, { id: 2, type: { 'element-id': 4 } }, { id: 3 }],
      'identifier-field-ids': [1],
    });
    expect(table['sort-orders']).toEqual([
      {
        'order-id': 1,
        fields: [{ 'source-id': 1, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
      },
    ]);
    expect(await readMetadata(storage, made.body['metadata-location'])).toEqual(table);
    expect((await call('GET', 'namespaces/s/tables')).body.identifiers).toEqual([
      { namespace: ['s'], name: 't' },
    ]);
  });

  it('are refused where they exist, where the namespace does not, and outside the warehouse', async () => {
    await makeTable();
    const make = (namespace: string, more: object = {}): Promise<Answer> =>
      call('POST', `namespaces/${namespace}/tables`, { name: 't', schema: SCHEMA, ...more });
    expect(refusal(await make('s'))).toEqual([409, 'AlreadyExistsException', 409]);
    expect(refusal(await make('no'))).toEqual([404, 'NoSuchNamespaceException', 404]);
    for (const location of ['file:///etc', `${warehouse}/../x`, `${warehouse}x`, 's3://b/x', warehouse])
      expect(refusal(await make('s', { name: 'u', location })), location).toEqual([
        400,
        'BadRequestException',
        400,
      ]);
    expect(refusal(await make('s', { name: 'u', schema: { type: 'struct' } }))[0]).toBe(400);
  });

  it('answer 304 to who has them', async () => {
    await makeTable();
    const first = await call('GET', 'namespaces/s/tables/t');
    const tag = String(first.headers.etag);
    expect((await call('GET', 'namespaces/s/tables/t', undefined, { 'if-none-match': tag })).status).toBe(
      304,
    );
    await call('POST', 'namespaces/s/tables/t', { requirements: [], updates: [property('a', 'b')] });
    expect((await call('GET', 'namespaces/s/tables/t', undefined, { 'if-none-match': tag })).status).toBe(
      200,
    );
    expect(refusal(await call('GET', 'namespaces/s/tables/no'))).toEqual([404, 'NoSuchTableException', 404]);
    expect((await call('HEAD', 'namespaces/s/tables/t')).status).toBe(204);
    expect((await call('HEAD', 'namespaces/s/tables/no')).status).toBe(404);
  });

  it('keep snapshot ids of 64 bits, and can be loaded with named snapshots only', async () => {
    const table = await makeTable();
    const id = 9_007_199_254_740_993_123n;
    const list = `${table.location}/metadata/snap.avro`;
    const snapshot = (sequence: number, snapshotId: bigint | number): unknown => ({
      action: 'add-snapshot',
      snapshot: {
        'snapshot-id': snapshotId,
        'sequence-number': sequence,
        'timestamp-ms': Date.now(),
        'manifest-list': list,
        summary: { operation: 'append' },
        'schema-id': 0,
      },
    });
    const commit = await call('POST', 'namespaces/s/tables/t', {
      requirements: [uuidOf(table), { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }],
      updates: [
        snapshot(1, 5),
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 5 },
        snapshot(2, id),
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
      ],
    });
    expect(commit.status).toBe(200);
    expect(commit.body.metadata['current-snapshot-id']).toBe(id);
    const loaded = await call('GET', 'namespaces/s/tables/t');
    expect(loaded.body.metadata.refs.main).toEqual({ 'snapshot-id': id, type: 'branch' });
    expect(loaded.body.metadata['snapshot-log']).toHaveLength(1);
    const refs = await call('GET', 'namespaces/s/tables/t?snapshots=refs');
    expect(refs.body.metadata.snapshots.map((one: { 'snapshot-id': bigint }) => one['snapshot-id'])).toEqual([
      id,
    ]);
    expect(refs.headers.etag).not.toBe(loaded.headers.etag);
    const next = await call('POST', 'namespaces/s/tables/t', {
      requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': id }],
      updates: [property('x', 'y')],
    });
    expect(next.status).toBe(200);
    const stale = await call('POST', 'namespaces/s/tables/t', {
      requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': id + 1n }],
      updates: [property('x', 'z')],
    });
    expect(refusal(stale)).toEqual([409, 'CommitFailedException', 409]);
  });

  it('are staged without being made, and made by the commit that follows', async () => {
    await call('POST', 'namespaces', { namespace: ['s'] });
    const staged = await call('POST', 'namespaces/s/tables', {
      name: 't',
      schema: SCHEMA,
      'stage-create': true,
    });
    expect(staged.body['metadata-location']).toBeUndefined();
    expect((await call('HEAD', 'namespaces/s/tables/t')).status).toBe(404);
    const { metadata } = staged.body as { metadata: TableMetadata };
    const create = {
      requirements: [{ type: 'assert-create' }],
      updates: [
        { action: 'assign-uuid', uuid: metadata['table-uuid'] },
        { action: 'upgrade-format-version', 'format-version': 2 },
        { action: 'add-schema', schema: metadata.schemas[0], 'last-column-id': 4 },
        { action: 'set-current-schema', 'schema-id': -1 },
        { action: 'add-spec', spec: { 'spec-id': 0, fields: [] } },
        { action: 'set-default-spec', 'spec-id': -1 },
        { action: 'add-sort-order', 'sort-order': { 'order-id': 0, fields: [] } },
        { action: 'set-default-sort-order', 'sort-order-id': -1 },
        { action: 'set-location', location: metadata.location },
        { action: 'set-properties', updates: { made: 'so' } },
      ],
    };
    const lacking = { ...create, updates: create.updates.slice(0, 4) };
    expect(refusal(await call('POST', 'namespaces/s/tables/t', lacking))[0]).toBe(400);
    const made = await call('POST', 'namespaces/s/tables/t', create);
    expect(made.status).toBe(200);
    expect(made.body.metadata).toMatchObject({
      'table-uuid': metadata['table-uuid'],
      properties: { made: 'so' },
    });
    expect(refusal(await call('POST', 'namespaces/s/tables/t', create))).toEqual([
      409,
      'CommitFailedException',
      409,
    ]);
  });

  it('are renamed, registered again, and leave their folder to no other', async () => {
    const table = await makeTable();
    const rename = (from: string, to: string, namespace = 's'): Promise<Answer> =>
      call('POST', 'tables/rename', {
        source: { namespace: ['s'], name: from },
        destination: { namespace: [namespace], name: to },
      });
    expect((await rename('t', 'u')).status).toBe(204);
    expect(refusal(await rename('t', 'v'))).toEqual([404, 'NoSuchTableException', 404]);
    expect(refusal(await rename('u', 'v', 'no'))).toEqual([404, 'NoSuchNamespaceException', 404]);
    const again = await makeTable();
    expect(again.location).not.toBe(table.location);
    expect(refusal(await rename('u', 't'))).toEqual([409, 'AlreadyExistsException', 409]);
    const file = (await call('GET', 'namespaces/s/tables/u')).body['metadata-location'];
    const register = (name: string, more: object = {}): Promise<Answer> =>
      call('POST', 'namespaces/s/register', { name, 'metadata-location': file, ...more });
    expect(refusal(await register('t'))).toEqual([409, 'AlreadyExistsException', 409]);
    expect((await register('t', { overwrite: true })).body.metadata['table-uuid']).toBe(table['table-uuid']);
    expect((await register('w')).status).toBe(200);
    expect(refusal(await register('x', { 'metadata-location': `${table.location}/none.json` }))[0]).toBe(400);
    expect(refusal(await register('x', { 'metadata-location': 'file:///etc/passwd' }))[0]).toBe(400);
    // Two names for one folder now: neither may take it away from the other.
    expect(refusal(await call('DELETE', 'namespaces/s/tables/w?purgeRequested=true'))).toEqual([
      409,
      'ConflictException',
      409,
    ]);
  });

  it('keep their files when dropped, and lose those in their folder when purged', async () => {
    const filled = async (name: string): Promise<{ own: string; foreign: string; stray: string }> => {
      const table = await makeTable(name);
      const own = `${table.location}/data/a.parquet`;
      const foreign = `${warehouse}/s/${name}-elsewhere.parquet`;
      const stray = `${table.location}/data/stray.parquet`;
      for (const file of [own, foreign, stray]) await storage.create(file, Buffer.from('x'));
      const before = await catalog.load({ schema: 's', table: name });
      const after = await writeSnapshot(storage, before!.metadata, {
        add: [aDataFile(own), aDataFile(foreign)],
        remove: new Set(),
        operation: 'append',
        summary: {},
      });
      const snapshot = after.snapshots[0]!;
      const commit = await call('POST', `namespaces/s/tables/${name}`, {
        requirements: [],
        updates: [
          { action: 'add-snapshot', snapshot },
          { action: 'set-snapshot-ref', 'ref-name': 'main', ...after.refs.main },
        ],
      });
      expect(commit.status).toBe(200);
      return { own, foreign, stray };
    };
    const there = async (): Promise<Set<string>> => {
      const found = new Set<string>();
      for await (const file of storage.list(warehouse)) found.add(file.location);
      return found;
    };
    const kept = await filled('kept');
    const gone = await filled('gone');
    expect((await call('DELETE', 'namespaces/s/tables/kept')).status).toBe(204);
    expect((await call('DELETE', 'namespaces/s/tables/gone?purgeRequested=true')).status).toBe(204);
    const left = await there();
    expect([kept.own, kept.foreign, gone.foreign, gone.stray].filter((file) => !left.has(file))).toEqual([]);
    expect([...left].filter((file) => file.startsWith(`${warehouse}/s/gone/`))).toEqual([gone.stray]);
    expect(refusal(await call('DELETE', 'namespaces/s/tables/gone'))).toEqual([
      404,
      'NoSuchTableException',
      404,
    ]);
  });

  it('take metrics', async () => {
    await makeTable();
    expect(
      (await call('POST', 'namespaces/s/tables/t/metrics', { 'report-type': 'scan-report' })).status,
    ).toBe(204);
  });
});
