import { createMcpHandler } from '@modelcontextprotocol/server';
import { type ApiResponse, type Call, readAnswer, wireOf } from '@sluice/contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Confirmations } from '../mcp/confirmations.ts';
import { mcpServer } from '../mcp/mcp-server.ts';
import { untilGone } from './until-gone.ts';

const PATH = '/mcp';

/**
 * MCP over streamable HTTP, without sessions. A tool goes through the same routes as every other caller, with what its
 * own request carried: there is no second way to do anything.
 */
export function mcpRoutes(app: FastifyInstance, closing: AbortSignal): void {
  const confirmations = new Confirmations();
  const handler = createMcpHandler(
    ({ requestInfo }) => {
      if (requestInfo === undefined) throw new Error('an MCP request over HTTP is one');
      const readOnly = new URL(requestInfo.url).searchParams.get('read_only') === 'true';
      const studio = async (): Promise<string> => addressOf(requestInfo.headers);
      return mcpServer({ call: through(app, requestInfo), studio, confirmations, readOnly });
    },
    { onerror: (error) => app.log.debug({ err: error }, 'an MCP request') },
  );
  closing.addEventListener('abort', () => void handler.close(), { once: true });
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: PATH,
    schema: { hide: true },
    handler: async (request, reply) => {
      const response = await handler.fetch(webRequest(request, reply, closing), { parsedBody: request.body });
      return reply.send(response);
    },
  });
}

/** As the caller wrote it, perhaps to a proxy that speaks TLS. */
function addressOf(headers: Headers): string {
  const scheme = headers.get('x-forwarded-proto') === 'https' ? 'https' : 'http';
  return `${scheme}://${headers.get('host') ?? 'localhost'}`;
}

function webRequest(request: FastifyRequest, reply: FastifyReply, closing: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) headers.append(name, one);
  // The name is what the caller wrote; only path and query are read of it.
  return new Request(new URL(request.url, 'http://localhost'), {
    method: request.method,
    headers,
    signal: untilGone(reply.raw, closing),
  });
}

function through(app: FastifyInstance, { headers, signal }: Request): Call {
  const caller = headers.get('x-sluice-caller') ?? 'mcp';
  return async (name, request = {}) => {
    const { method, path, body } = wireOf(name, request);
    const answer = await app.inject({
      method,
      url: path,
      headers: {
        authorization: headers.get('authorization') ?? '',
        'x-sluice-caller': caller,
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === null ? {} : { payload: body }),
      signal,
    });
    return readAnswer(answer.statusCode, answer.payload, PATH) as ApiResponse<typeof name>;
  };
}
