import { createHash } from 'node:crypto';
import { SluiceError } from '@sluice/contract';
import type { FastifyInstance } from 'fastify';
import { type TableName, tableText } from '../../model/table.ts';
import type { LoadedTable } from '../catalog.ts';
import type { TableMetadata } from '../metadata.ts';
import { readMetadata, writeMetadata } from '../metadata-file.ts';
import { freeTableLocation } from '../table-location.ts';
import { alreadyExists, answer, badRequest, noSuchNamespace, noSuchTable } from './answer.ts';
import {
  commitBody,
  commitSteps,
  createTableBody,
  parseBody,
  registerBody,
  renameBody,
  transactionBody,
} from './bodies.ts';
import { commitTables } from './commit.ts';
import { newTable } from './create.ts';
import { dropTable } from './drop.ts';
import { tableNameOf } from './names.ts';
import { type RestCatalogOptions, requireInside } from './options.ts';
import { type PageQuery, pageOf } from './page.ts';

interface InNamespace {
  readonly Params: { readonly namespace: string };
}
interface OfTable {
  readonly Params: { readonly namespace: string; readonly table: string };
}

export function tableRoutes(app: FastifyInstance, options: RestCatalogOptions): void {
  const { catalog, storage } = options;
  const nameOf = ({ namespace, table }: OfTable['Params']): TableName => ({ schema: namespace, table });

  app.get<InNamespace & { Querystring: PageQuery }>(
    '/v1/namespaces/:namespace/tables',
    async (request, reply) => {
      const { namespace } = request.params;
      if ((await catalog.namespaceProperties(namespace)) === null) throw noSuchNamespace(namespace);
      const tables = await catalog.tables();
      const names = tables.filter(({ name }) => name.schema === namespace).map(({ name }) => name.table);
      const page = pageOf(names, request.query);
      const identifiers = page.names.map((name) => ({ namespace: [namespace], name }));
      return answer(reply, { 'next-page-token': page.next, identifiers });
    },
  );

  app.post<InNamespace>('/v1/namespaces/:namespace/tables', async (request, reply) => {
    const body = parseBody(createTableBody, request.body);
    const name = { schema: request.params.namespace, table: body.name };
    await requireFree(options, name);
    const taken = (await catalog.tables()).map((table) => table.metadataLocation);
    const location = body.location ?? freeTableLocation(storage, options.warehouse, name, taken);
    requireInside(options, location);
    const made = newTable(body, location, Date.now());
    if (body['stage-create']) return answer(reply, { metadata: made, config: {} });
    const { location: file, metadata } = await writeMetadata(storage, made, null);
    await moveOrExists(options, name, null, file, metadata);
    return answer(reply, { 'metadata-location': file, metadata, config: {} });
  });

  app.post<InNamespace>('/v1/namespaces/:namespace/register', async (request, reply) => {
    const body = parseBody(registerBody, request.body);
    const name = { schema: request.params.namespace, table: body.name };
    const file = body['metadata-location'];
    const before = body.overwrite ? await catalog.pointer(name) : null;
    if (before === null) await requireFree(options, name);
    requireInside(options, file);
    const metadata = await readRegistered(options, file);
    await moveOrExists(options, name, before, file, metadata);
    return answer(reply, { 'metadata-location': file, metadata, config: {} });
  });

  app.get<OfTable & { Querystring: { snapshots?: string } }>(
    '/v1/namespaces/:namespace/tables/:table',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const table = await catalog.load(nameOf(request.params));
      if (table === null) throw noSuchTable(tableText(nameOf(request.params)));
      const refsOnly = request.query.snapshots === 'refs';
      const tag = etag(table, refsOnly);
      reply.header('etag', tag);
      if (request.headers['if-none-match'] === tag) return reply.code(304).send();
      const metadata = refsOnly ? withRefsOnly(table.metadata) : table.metadata;
      return answer(reply, { 'metadata-location': table.metadataLocation, metadata, config: {} });
    },
  );

  app.head<OfTable>('/v1/namespaces/:namespace/tables/:table', async (request, reply) => {
    const found = await catalog.pointer(nameOf(request.params));
    return reply.code(found === null ? 404 : 204).send();
  });

  app.post<OfTable>('/v1/namespaces/:namespace/tables/:table', async (request, reply) => {
    const body = parseBody(commitBody, request.body);
    const name = nameOf(request.params);
    if (body.identifier) {
      const named = tableNameOf(body.identifier);
      if (named.schema !== name.schema || named.table !== name.table)
        throw badRequest('The identifier of the body is another table than that of the URL.');
    }
    const [table] = await commitTables(options, [{ name, ...commitSteps(body) }]);
    if (!table) throw new Error('a commit without a table');
    reply.header('etag', etag(table, false));
    return answer(reply, { 'metadata-location': table.metadataLocation, metadata: table.metadata });
  });

  app.delete<OfTable & { Querystring: { purgeRequested?: string } }>(
    '/v1/namespaces/:namespace/tables/:table',
    async (request, reply) => {
      const purge = request.query.purgeRequested?.toLowerCase() === 'true';
      await dropTable(options, nameOf(request.params), purge);
      return reply.code(204).send();
    },
  );

  app.post<OfTable>('/v1/namespaces/:namespace/tables/:table/metrics', async (request, reply) => {
    if ((await catalog.pointer(nameOf(request.params))) === null)
      throw noSuchTable(tableText(nameOf(request.params)));
    return reply.code(204).send();
  });

  app.post('/v1/tables/rename', async (request, reply) => {
    const body = parseBody(renameBody, request.body);
    const from = tableNameOf(body.source);
    const to = tableNameOf(body.destination);
    try {
      await catalog.renameTable(from, to);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.code === 'ALREADY_EXISTS') throw alreadyExists(`Table already exists: ${tableText(to)}`);
      if (error.code !== 'NOT_FOUND') throw error;
      if ((await catalog.pointer(from)) === null) throw noSuchTable(tableText(from));
      throw noSuchNamespace(to.schema);
    }
    return reply.code(204).send();
  });

  app.post('/v1/transactions/commit', async (request, reply) => {
    const body = parseBody(transactionBody, request.body);
    await commitTables(
      options,
      body['table-changes'].map((change) => ({
        name: tableNameOf(change.identifier),
        ...commitSteps(change),
      })),
    );
    return reply.code(204).send();
  });
}

async function requireFree({ catalog }: RestCatalogOptions, name: TableName): Promise<void> {
  if ((await catalog.namespaceProperties(name.schema)) === null) throw noSuchNamespace(name.schema);
  if ((await catalog.pointer(name)) !== null) throw alreadyExists(`Table already exists: ${tableText(name)}`);
}

async function moveOrExists(
  { catalog }: RestCatalogOptions,
  name: TableName,
  from: string | null,
  to: string,
  metadata: TableMetadata,
): Promise<void> {
  try {
    await catalog.commit([{ name, from, to, uuid: metadata['table-uuid'] }]);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'COMMIT_CONFLICT' && from === null)
      throw alreadyExists(`Table already exists: ${tableText(name)}`);
    throw error;
  }
}

/** A file that is not there or no metadata is the client's mistake here. */
async function readRegistered(options: RestCatalogOptions, file: string): Promise<TableMetadata> {
  const metadata = await readMetadata(options.storage, file).catch((error: unknown) => {
    throw badRequest(SluiceError.from(error).message);
  });
  requireInside(options, metadata.location);
  return metadata;
}

function etag(table: LoadedTable, refsOnly: boolean): string {
  const hash = createHash('sha256').update(`${refsOnly ? 'refs' : 'all'} ${table.metadataLocation}`);
  return `"${hash.digest('hex').slice(0, 32)}"`;
}

function withRefsOnly(metadata: TableMetadata): TableMetadata {
  const named = new Set(Object.values(metadata.refs).map((ref) => ref['snapshot-id']));
  return { ...metadata, snapshots: metadata.snapshots.filter((one) => named.has(one['snapshot-id'])) };
}
