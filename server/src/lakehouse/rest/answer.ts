import { SluiceError } from '@sluice/contract';
import type { FastifyReply } from 'fastify';
import { printJson } from '../json.ts';

/**
 * A refusal in the words of the REST catalog specification. Clients act by status and type: 409
 * CommitFailedException is tried again, 5xx on a commit means "may have happened" (CommitStateUnknown), and
 * such a client keeps its files. So what is known to have failed is never a 5xx.
 */
export class CatalogRefusal extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

export const noSuchNamespace = (name: string): CatalogRefusal =>
  new CatalogRefusal(404, 'NoSuchNamespaceException', `Namespace does not exist: ${name}`);
export const noSuchTable = (name: string): CatalogRefusal =>
  new CatalogRefusal(404, 'NoSuchTableException', `Table does not exist: ${name}`);
export const alreadyExists = (message: string): CatalogRefusal =>
  new CatalogRefusal(409, 'AlreadyExistsException', message);
export const badRequest = (message: string): CatalogRefusal =>
  new CatalogRefusal(400, 'BadRequestException', message);
export const commitFailed = (message: string): CatalogRefusal =>
  new CatalogRefusal(409, 'CommitFailedException', message);

export function refusalOf(error: unknown): CatalogRefusal {
  if (error instanceof CatalogRefusal) return error;
  if (error instanceof SluiceError) {
    if (error.code === 'COMMIT_CONFLICT') return commitFailed(error.message);
    if (error.code === 'INVALID_REQUEST' || error.code === 'TABLE_SCHEMA') return badRequest(error.message);
    if (error.code === 'UNAUTHORIZED')
      return new CatalogRefusal(401, 'NotAuthorizedException', error.message);
    if (error.code === 'METASTORE_BUSY')
      return new CatalogRefusal(503, 'ServiceUnavailableException', error.message);
    return new CatalogRefusal(500, 'InternalServerError', `${error.message} (${error.code})`);
  }
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new CatalogRefusal(statusCode, 'BadRequestException', message ?? 'Bad request');
  return new CatalogRefusal(500, 'InternalServerError', 'The catalog failed; its log says why.');
}

export function refuse(reply: FastifyReply, refusal: CatalogRefusal): FastifyReply {
  const { message, type, status } = refusal;
  return answer(reply.code(status), { error: { message, type, code: status } });
}

/** Not by Fastify's own serializer: it would not print ids of 64 bits. */
export function answer(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type('application/json').send(printJson(body));
}
