import { SluiceError } from '@sluice/contract';
import type { FastifyInstance } from 'fastify';
import { alreadyExists, answer, CatalogRefusal, noSuchNamespace } from './answer.ts';
import { createNamespaceBody, namespacePropertiesBody, parseBody } from './bodies.ts';
import { isNested, oneLevel } from './names.ts';
import type { RestCatalogOptions } from './options.ts';
import { type PageQuery, pageOf } from './page.ts';

interface InNamespace {
  readonly Params: { readonly namespace: string };
}

export function namespaceRoutes(app: FastifyInstance, options: RestCatalogOptions): void {
  const { catalog } = options;

  app.get<{ Querystring: PageQuery & { parent?: string } }>('/v1/namespaces', async (request, reply) => {
    const { parent } = request.query;
    if (parent) {
      if (isNested(parent) || (await catalog.namespaceProperties(parent)) === null)
        throw noSuchNamespace(parent);
      return answer(reply, { namespaces: [] });
    }
    const page = pageOf(await catalog.namespaces(), request.query);
    return answer(reply, { 'next-page-token': page.next, namespaces: page.names.map((name) => [name]) });
  });

  app.post('/v1/namespaces', async (request, reply) => {
    const body = parseBody(createNamespaceBody, request.body);
    const name = oneLevel(body.namespace);
    const properties = body.properties ?? {};
    try {
      await catalog.createNamespace(name, properties);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'ALREADY_EXISTS')
        throw alreadyExists(`Namespace already exists: ${name}`);
      throw error;
    }
    return answer(reply, { namespace: [name], properties });
  });

  app.get<InNamespace>('/v1/namespaces/:namespace', { exposeHeadRoute: false }, async (request, reply) => {
    const { namespace } = request.params;
    const properties = await catalog.namespaceProperties(namespace);
    if (properties === null) throw noSuchNamespace(namespace);
    return answer(reply, { namespace: [namespace], properties });
  });

  app.head<InNamespace>('/v1/namespaces/:namespace', async (request, reply) => {
    const found = await catalog.namespaceProperties(request.params.namespace);
    return reply.code(found === null ? 404 : 204).send();
  });

  app.delete<InNamespace>('/v1/namespaces/:namespace', async (request, reply) => {
    const { namespace } = request.params;
    try {
      await catalog.dropNamespace(namespace);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'NOT_FOUND') throw noSuchNamespace(namespace);
      if (error instanceof SluiceError && error.code === 'CONFLICT')
        throw new CatalogRefusal(409, 'NamespaceNotEmptyException', `Namespace is not empty: ${namespace}`);
      throw error;
    }
    return reply.code(204).send();
  });

  app.post<InNamespace>('/v1/namespaces/:namespace/properties', async (request, reply) => {
    const { namespace } = request.params;
    const body = parseBody(namespacePropertiesBody, request.body);
    const updates = body.updates ?? {};
    const removals = new Set(body.removals ?? []);
    const both = Object.keys(updates).find((key) => removals.has(key));
    if (both !== undefined)
      throw new CatalogRefusal(422, 'UnprocessableEntityException', `${both} is both updated and removed.`);
    let removed: readonly string[] = [];
    try {
      await catalog.changeNamespaceProperties(namespace, (before) => {
        removed = [...removals].filter((key) => Object.hasOwn(before, key));
        const kept = Object.entries(before).filter(([key]) => !removals.has(key));
        return { ...Object.fromEntries(kept), ...updates };
      });
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'NOT_FOUND') throw noSuchNamespace(namespace);
      throw error;
    }
    return answer(reply, {
      updated: Object.keys(updates),
      removed,
      missing: [...removals].filter((key) => !removed.includes(key)),
    });
  });
}
