import type { FastifyInstance } from 'fastify';
import { parseJson } from '../json.ts';
import { answer, badRequest, CatalogRefusal, refusalOf, refuse } from './answer.ts';
import { namespaceRoutes } from './namespace-routes.ts';
import type { RestCatalogOptions } from './options.ts';
import { tableRoutes } from './table-routes.ts';

/** A commit carries every snapshot and schema that it adds, of every table of a transaction. */
const BODY_BYTES = 32 * 1024 * 1024;

/**
 * The Iceberg REST catalog (rest-catalog-open-api.yaml of Apache Iceberg), for `app.register(restCatalog,
 * { prefix: '/iceberg', catalog, storage, warehouse })`. Clients take `http://host:port/iceberg` as their `uri`.
 * The server's `routerOptions.maxParamLength` bounds names of tables: its default of 100 is too short for some.
 */
export async function restCatalog(app: FastifyInstance, options: RestCatalogOptions): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: BODY_BYTES },
    (_request, body, done) => {
      try {
        // Clients name the type of the body that a DELETE does not have.
        done(null, body === '' ? undefined : parseJson(String(body)));
      } catch {
        done(badRequest('The body is not JSON.'));
      }
    },
  );
  // What has no body of JSON has none that is read; form data and the like are of no use here.
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null, undefined);
  });
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error);
    if (refusal.status >= 500) request.log.error({ err: error }, 'catalog request failed');
    return refuse(reply, refusal);
  });
  app.setNotFoundHandler((request, reply) =>
    refuse(
      reply,
      new CatalogRefusal(404, 'NotFoundException', `No such endpoint: ${request.method} ${request.url}`),
    ),
  );
  app.get<{ Querystring: { warehouse?: string } }>('/v1/config', async (request, reply) => {
    const asked = request.query.warehouse;
    const { warehouse, storage } = options;
    if (asked && asked !== warehouse && asked !== storage.localPath(warehouse) && asked !== 'sluice')
      throw new CatalogRefusal(404, 'NotFoundException', `There is no warehouse ${asked}.`);
    return answer(reply, { defaults: {}, overrides: {}, endpoints: ENDPOINTS });
  });
  namespaceRoutes(app, options);
  tableRoutes(app, options);
}

/** As clients look them up, with the place of a prefix, which this catalog has none of. */
const ENDPOINTS = [
  'GET /v1/{prefix}/namespaces',
  'POST /v1/{prefix}/namespaces',
  'GET /v1/{prefix}/namespaces/{namespace}',
  'HEAD /v1/{prefix}/namespaces/{namespace}',
  'DELETE /v1/{prefix}/namespaces/{namespace}',
  'POST /v1/{prefix}/namespaces/{namespace}/properties',
  'GET /v1/{prefix}/namespaces/{namespace}/tables',
  'POST /v1/{prefix}/namespaces/{namespace}/tables',
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/namespaces/{namespace}/register',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics',
  'POST /v1/{prefix}/tables/rename',
  'POST /v1/{prefix}/transactions/commit',
];
