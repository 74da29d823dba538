import { setMaxListeners } from 'node:events';
import swagger from '@fastify/swagger';
import { API_PREFIX } from '@sluice/contract';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { RestCatalogOptions } from '../lakehouse/rest/options.ts';
import { restCatalog } from '../lakehouse/rest/plugin.ts';
import type { Logger } from '../telemetry/log.ts';
import { guard } from './access.ts';
import { answerErrors } from './errors.ts';
import type { Handlers } from './handlers.ts';
import { type LiveOptions, liveRoutes } from './live-routes.ts';
import { mcpRoutes } from './mcp-routes.ts';
import { apiRoutes } from './routes.ts';
import { readStudio, studioFolder, studioRoutes } from './studio-files.ts';
import { type WatchOptions, watchRoutes } from './watch-routes.ts';

export interface HttpOptions {
  readonly log: Logger;
  readonly token: string;
  readonly loopback: boolean;
  readonly version: string;
  readonly handlers: Handlers;
  readonly openMetrics: boolean;
  readonly watch: WatchOptions;
  readonly live: LiveOptions;
  /** The Iceberg REST catalog under /iceberg. */
  readonly catalog: RestCatalogOptions;
}

/** A list of 100,000 tables is about this large. */
const BODY_BYTES = 16 * 1024 * 1024;

/** The HTTP server, not yet listening. */
export async function httpServer(options: HttpOptions): Promise<FastifyInstance> {
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const app: FastifyInstance = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    // Names go into paths, URL-encoded.
    routerOptions: { maxParamLength: 4096 },
    forceCloseConnections: 'idle',
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  acceptEmptyJson(app);
  guard(app, options);
  answerErrors(app);
  app.addHook('preClose', async () => closing.abort());
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    request.log.debug({
      method,
      url: routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    });
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sluice',
        description: 'Mirrors whole operational databases into an open lakehouse, in real time',
        version: options.version,
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await app.register(async (api) => {
    apiRoutes(api, options.handlers, closing.signal);
    api.get(`${API_PREFIX}/openapi.json`, { schema: { hide: true } }, async () => app.swagger());
    watchRoutes(api, options.watch);
    liveRoutes(api, options.live, closing.signal);
    mcpRoutes(api, closing.signal);
    studioRoutes(api, readStudio(studioFolder()));
  });
  await app.register(restCatalog, { prefix: '/iceberg', ...options.catalog });
  await app.ready();
  return app;
}

/** Clients that always name a JSON body send none with a stop. */
function acceptEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, String(body), done);
  });
}
