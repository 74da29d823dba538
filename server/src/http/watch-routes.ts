import type { FastifyInstance } from 'fastify';

export interface WatchOptions {
  /** What Prometheus reads. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Throws where the server cannot do its work now. */
  readonly ready: () => Promise<void>;
}

/** For who watches the server from outside: does it live, can it work, how is it. */
export function watchRoutes(app: FastifyInstance, { metrics, ready }: WatchOptions): void {
  const hidden = { schema: { hide: true } };
  for (const path of ['/health', '/healthz']) app.get(path, hidden, async () => ({ status: 'ok' }));
  app.get('/readyz', hidden, async (request, reply) => {
    try {
      await ready();
      return { status: 'ready' };
    } catch (error) {
      // Whoever may ask without the token is not told why.
      request.log.warn({ err: error }, 'not ready');
      return reply.code(503).send({ status: 'not ready' });
    }
  });
  app.get('/metrics', hidden, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}
