import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { afterEach, beforeEach, expect } from 'vitest';
import { type MetastoreDb, openMetastore } from '../../store/open-metastore.ts';
import { type EmbeddedCatalog, embeddedCatalog } from '../embedded-catalog.ts';
import { fileStorage } from '../file-storage.ts';
import { parseJson, printJson } from '../json.ts';
import type { TableMetadata } from '../metadata.ts';
import { restCatalog } from './plugin.ts';

/** A REST catalog over a real metastore and folder, made anew for each test of a file that imports this. */
export const storage = fileStorage();
let folder: string;
export let warehouse: string;
let db: MetastoreDb;
export let catalog: EmbeddedCatalog;
export let app: FastifyInstance;

async function serve(served: EmbeddedCatalog): Promise<FastifyInstance> {
  const server = Fastify();
  await server.register(restCatalog, { prefix: '/iceberg', catalog: served, storage, warehouse });
  return server;
}

/** Answers from another catalog from here on. */
export async function serveInstead(served: EmbeddedCatalog): Promise<void> {
  await app.close();
  app = await serve(served);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-rest-'));
  warehouse = storage.location(join(folder, 'warehouse'));
  db = await openMetastore(join(folder, 'metastore.db'));
  catalog = embeddedCatalog(db, storage);
  app = await serve(catalog);
});
afterEach(async () => {
  await app.close();
  await db.destroy();
  rmSync(folder, { recursive: true, force: true });
});

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the body is what is under test
  readonly body: any;
  readonly headers: Readonly<Record<string, unknown>>;
}

export async function call(
  method: NonNullable<InjectOptions['method']>,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const sent = body === undefined ? {} : { payload: printJson(body) };
  const answer = await app.inject({
    method,
    url: `/iceberg/v1/${path}`,
    headers: { 'content-type': 'application/json', ...headers },
    ...sent,
  });
  return {
    status: answer.statusCode,
    body: answer.body === '' ? null : parseJson(answer.body),
    headers: answer.headers,
  };
}

export const refusal = (answer: Answer): readonly unknown[] => [
  answer.status,
  answer.body?.error?.type,
  answer.body?.error?.code,
];

export const SCHEMA = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 11, name: 'id', required: true, type: 'long' },
    {
      id: 12,
      name: 'tags',
      required: false,
      type: { type: 'list', 'element-id': 13, element: 'string', 'element-required': false },
    },
    { id: 14, name: 'day', required: false, type: 'date' },
  ],
  'identifier-field-ids': [11],
};

export async function makeTable(name = 't', namespace = 's'): Promise<TableMetadata> {
  await call('POST', 'namespaces', { namespace: [namespace] });
  const made = await call('POST', `namespaces/${namespace}/tables`, { name, schema: SCHEMA });
  expect(made.status).toBe(200);
  return made.body.metadata as TableMetadata;
}

export const uuidOf = (table: TableMetadata): unknown => ({
  type: 'assert-table-uuid',
  uuid: table['table-uuid'],
});
export const property = (key: string, value: string): unknown => ({
  action: 'set-properties',
  updates: { [key]: value },
});
