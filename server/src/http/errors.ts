import { SluiceError, withPage } from '@sluice/contract';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';

/** Every refusal leaves in one form: {error: {code, message, remedy, page}} with the status of its code. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = toSluiceError(thrown, request);
    const { status } = error.rule;
    if (error.code === 'INTERNAL')
      request.log.error({ err: thrown, url: request.routeOptions.url }, 'request failed');
    return reply
      .code(status)
      .type('application/json')
      .serializer(JSON.stringify)
      .send(withPage(error.toBody()));
  });
  app.setNotFoundHandler((request) => {
    throw new SluiceError(
      'NOT_FOUND',
      `There is nothing at ${request.method} ${request.url.split('?')[0]}.`,
      {
        remedy: 'See /api/v1/openapi.json for what there is.',
      },
    );
  });
}

const PLACES: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

function toSluiceError(thrown: unknown, request: FastifyRequest): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const place = PLACES[thrown.validationContext ?? ''] ?? 'request';
    const said = thrown.validation.map((issue) => {
      const field = issue.instancePath.split('/').filter(Boolean).join('.');
      return `${field === '' ? place : `${place}.${field}`}: ${issue.message ?? 'is not valid'}`;
    });
    return new SluiceError('INVALID_REQUEST', said.join('; '));
  }
  const status = (thrown as { statusCode?: unknown }).statusCode;
  // What the HTTP layer itself refuses: no JSON, too large, a wrong media type.
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new SluiceError('INVALID_REQUEST', `${request.method}: ${(thrown as Error).message}`);
  // Anything else is ours; what it says could hold anything, so it goes to the log only.
  return new SluiceError('INTERNAL', 'The server failed at this request; its log says where.');
}
