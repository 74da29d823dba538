import { z } from 'zod';
import type { Requirement } from '../metadata-requirement.ts';
import type { MetadataUpdate } from '../metadata-update.ts';
import { badRequest } from './answer.ts';

/** Bodies of requests, as the REST catalog specification (rest-catalog-open-api.yaml) has them. */
const id = z.union([z.number().int(), z.bigint()]);
const texts = z.record(z.string(), z.string());
const namespace = z.array(z.string().min(1)).min(1);
const identifier = z.object({ namespace, name: z.string().min(1) });
const int = z.number().int();

const field: z.ZodType = z.lazy(() =>
  z.looseObject({ id: int, name: z.string(), required: z.boolean(), type: icebergType }),
);
const icebergType: z.ZodType = z.lazy(() =>
  z.union([
    z.string(),
    z.looseObject({ type: z.literal('struct'), fields: z.array(field) }),
    z.looseObject({
      type: z.literal('list'),
      'element-id': int,
      element: icebergType,
      'element-required': z.boolean(),
    }),
    z.looseObject({
      type: z.literal('map'),
      'key-id': int,
      key: icebergType,
      'value-id': int,
      value: icebergType,
      'value-required': z.boolean(),
    }),
  ]),
);
const schema = z.looseObject({
  type: z.literal('struct'),
  fields: z.array(field),
  'identifier-field-ids': z.array(int).optional(),
});
const partitionField = z.looseObject({
  'source-id': int.optional(),
  name: z.string(),
  transform: z.string(),
});
const spec = z.looseObject({ fields: z.array(partitionField) });
const sortField = z.looseObject({
  'source-id': int.optional(),
  transform: z.string(),
  direction: z.enum(['asc', 'desc']),
  'null-order': z.enum(['nulls-first', 'nulls-last']),
});
const sortOrder = z.looseObject({ fields: z.array(sortField) });
const snapshot = z.looseObject({
  'snapshot-id': id,
  'parent-snapshot-id': id.optional(),
  'sequence-number': int.optional(),
  'timestamp-ms': int,
  'manifest-list': z.string().min(1),
  summary: z.looseObject({ operation: z.enum(['append', 'replace', 'overwrite', 'delete']) }),
  'schema-id': int.optional(),
});
const statistics = z.looseObject({ 'snapshot-id': id, 'statistics-path': z.string() });

const requirement = z.discriminatedUnion('type', [
  z.object({ type: z.literal('assert-create') }),
  z.object({ type: z.literal('assert-table-uuid'), uuid: z.string() }),
  z.object({ type: z.literal('assert-ref-snapshot-id'), ref: z.string(), 'snapshot-id': id.nullish() }),
  z.object({ type: z.literal('assert-last-assigned-field-id'), 'last-assigned-field-id': int }),
  z.object({ type: z.literal('assert-current-schema-id'), 'current-schema-id': int }),
  z.object({ type: z.literal('assert-last-assigned-partition-id'), 'last-assigned-partition-id': int }),
  z.object({ type: z.literal('assert-default-spec-id'), 'default-spec-id': int }),
  z.object({ type: z.literal('assert-default-sort-order-id'), 'default-sort-order-id': int }),
]);

const update = z.discriminatedUnion('action', [
  z.object({ action: z.literal('assign-uuid'), uuid: z.string().min(1) }),
  z.object({ action: z.literal('upgrade-format-version'), 'format-version': int }),
  z.object({ action: z.literal('add-schema'), schema }),
  z.object({ action: z.literal('set-current-schema'), 'schema-id': int }),
  z.object({ action: z.literal('add-spec'), spec }),
  z.object({ action: z.literal('set-default-spec'), 'spec-id': int }),
  z.object({ action: z.literal('add-sort-order'), 'sort-order': sortOrder }),
  z.object({ action: z.literal('set-default-sort-order'), 'sort-order-id': int }),
  z.object({ action: z.literal('add-snapshot'), snapshot }),
  z.looseObject({
    action: z.literal('set-snapshot-ref'),
    'ref-name': z.string().min(1),
    'snapshot-id': id,
    type: z.enum(['branch', 'tag']),
  }),
  z.object({ action: z.literal('remove-snapshots'), 'snapshot-ids': z.array(id) }),
  z.object({ action: z.literal('remove-snapshot-ref'), 'ref-name': z.string() }),
  z.object({ action: z.literal('set-location'), location: z.string().min(1) }),
  z.object({ action: z.literal('set-properties'), updates: texts }),
  z.object({ action: z.literal('remove-properties'), removals: z.array(z.string()) }),
  z.object({ action: z.literal('set-statistics'), statistics }),
  z.object({ action: z.literal('remove-statistics'), 'snapshot-id': id }),
  z.object({ action: z.literal('set-partition-statistics'), 'partition-statistics': statistics }),
  z.object({ action: z.literal('remove-partition-statistics'), 'snapshot-id': id }),
  z.object({ action: z.literal('remove-partition-specs'), 'spec-ids': z.array(int) }),
  z.object({ action: z.literal('remove-schemas'), 'schema-ids': z.array(int) }),
  z.object({
    action: z.literal('add-encryption-key'),
    'encryption-key': z.looseObject({ 'key-id': z.string() }),
  }),
  z.object({ action: z.literal('remove-encryption-key'), 'key-id': z.string() }),
]);

export const createNamespaceBody = z.object({ namespace, properties: texts.optional() });
export const namespacePropertiesBody = z.object({
  removals: z.array(z.string()).nullish(),
  updates: texts.nullish(),
});
export const createTableBody = z.object({
  name: z.string().min(1),
  schema,
  location: z.string().nullish(),
  'partition-spec': spec.nullish(),
  'write-order': sortOrder.nullish(),
  'stage-create': z.boolean().nullish(),
  properties: texts.nullish(),
});
export const commitBody = z.object({
  identifier: identifier.nullish(),
  requirements: z.array(requirement),
  updates: z.array(update),
});
export const transactionBody = z.object({
  'table-changes': z.array(commitBody.extend({ identifier })).min(1),
});
export const registerBody = z.object({
  name: z.string().min(1),
  'metadata-location': z.string().min(1),
  overwrite: z.boolean().nullish(),
});
export const renameBody = z.object({ source: identifier, destination: identifier });

export type CreateTableBody = z.infer<typeof createTableBody>;

/** A commit's steps with our types: zod has checked the shapes that the code relies on. */
export interface CommitSteps {
  readonly requirements: readonly Requirement[];
  readonly updates: readonly MetadataUpdate[];
}

export function commitSteps(body: z.infer<typeof commitBody>): CommitSteps {
  return body as unknown as CommitSteps;
}

/** @throws CatalogRefusal 400 that names the first field that is wrong */
export function parseBody<T>(type: z.ZodType<T>, body: unknown): T {
  const parsed = type.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badRequest(`Malformed request: ${issue?.path.join('.') || 'body'}: ${issue?.message}`);
}
