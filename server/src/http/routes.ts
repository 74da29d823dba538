import { API, API_PREFIX, type ApiName, type Route, SluiceError } from '@sluice/contract';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { asCaller, BY_ITSELF } from '../model/caller.ts';
import type { Call, Handlers } from './handlers.ts';
import { untilGone } from './until-gone.ts';

const ErrorAnswer = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
});

/** Registers every route of the contract's table. */
export function apiRoutes(app: FastifyInstance, handlers: Handlers, closing: AbortSignal): void {
  for (const [name, route] of Object.entries<Route>(API)) {
    const handler = handlers[name as ApiName] as (call: Call<ApiName>) => Promise<unknown>;
    app.route({
      method: route.method,
      url: API_PREFIX + route.path,
      schema: {
        operationId: name,
        summary: route.summary,
        ...(route.params === undefined ? {} : { params: route.params }),
        ...(route.query === undefined ? {} : { querystring: route.query }),
        ...(route.body === undefined ? {} : { body: route.body }),
        response: { 200: z.object({ data: route.response }), '4xx': ErrorAnswer, '5xx': ErrorAnswer },
      },
      // No body is an empty one, where a route takes any.
      preValidation: async (request) => {
        if (route.body !== undefined && (request.body === undefined || request.body === null))
          request.body = {};
      },
      handler: async (request, reply) => {
        const signal = untilGone(reply.raw, closing);
        const call = { params: request.params, query: request.query, body: request.body, signal };
        const work = () => asCaller(callerOf(request), () => handler(call as Call<ApiName>));
        return { data: await answer(request, signal, work) };
      },
    });
  }
}

/** Who calls, as the caller says; it is shown in the timeline and decides nothing. */
function callerOf(request: FastifyRequest): string {
  const given = request.headers['x-sluice-caller'];
  const name = (Array.isArray(given) ? given[0] : given)
    ?.replaceAll(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, 100);
  return name === undefined || name === '' || name === BY_ITSELF ? 'api' : name;
}

/** What fails because nobody waits for it any more is no failure of ours. */
async function answer<T>(request: FastifyRequest, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted || error instanceof SluiceError) throw error;
    request.log.debug({ err: error }, 'request was given up');
    throw new SluiceError('TIMEOUT', 'The request was given up before it was done.');
  }
}
