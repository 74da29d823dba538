import { SluiceError } from '@sluice/contract';
import { removeSnapshots } from './expire-snapshots.ts';
import { fieldIds, sameSchema } from './iceberg-type.ts';
import type { IcebergSchema, Snapshot, SnapshotId, SnapshotRef, TableMetadata } from './metadata.ts';
import { nextSchemaId } from './schema-edit.ts';
import { makeSchema, NO_PARTITION_ID, schemaById } from './table-metadata.ts';

type Spec = TableMetadata['partition-specs'][number];
type SortOrder = TableMetadata['sort-orders'][number];
type WithoutId<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]?: T[P] };

/** One step of a commit (REST catalog specification, TableUpdate). -1 as an id means: the one added last in this commit. */
export type MetadataUpdate =
  | { readonly action: 'assign-uuid'; readonly uuid: string }
  | { readonly action: 'upgrade-format-version'; readonly 'format-version': number }
  | { readonly action: 'add-schema'; readonly schema: WithoutId<IcebergSchema, 'schema-id'> }
  | { readonly action: 'set-current-schema'; readonly 'schema-id': number }
  | { readonly action: 'add-spec'; readonly spec: WithoutId<Spec, 'spec-id'> }
  | { readonly action: 'set-default-spec'; readonly 'spec-id': number }
  | { readonly action: 'add-sort-order'; readonly 'sort-order': WithoutId<SortOrder, 'order-id'> }
  | { readonly action: 'set-default-sort-order'; readonly 'sort-order-id': number }
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | ({ readonly action: 'set-snapshot-ref'; readonly 'ref-name': string } & SnapshotRef)
  | { readonly action: 'remove-snapshots'; readonly 'snapshot-ids': readonly SnapshotId[] }
  | { readonly action: 'remove-snapshot-ref'; readonly 'ref-name': string }
  | { readonly action: 'set-location'; readonly location: string }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] }
  | { readonly action: 'set-statistics'; readonly statistics: ById }
  | { readonly action: 'remove-statistics'; readonly 'snapshot-id': SnapshotId }
  | { readonly action: 'set-partition-statistics'; readonly 'partition-statistics': ById }
  | { readonly action: 'remove-partition-statistics'; readonly 'snapshot-id': SnapshotId }
  | { readonly action: 'remove-partition-specs'; readonly 'spec-ids': readonly number[] }
  | { readonly action: 'remove-schemas'; readonly 'schema-ids': readonly number[] }
  | { readonly action: 'add-encryption-key'; readonly 'encryption-key': EncryptionKey }
  | { readonly action: 'remove-encryption-key'; readonly 'key-id': string };

interface ById {
  readonly 'snapshot-id': SnapshotId;
}
interface EncryptionKey {
  readonly 'key-id': string;
}
/** Version 3 knows these too; they are carried, not used. */
interface Version3 extends TableMetadata {
  readonly 'next-row-id'?: number;
  readonly 'encryption-keys'?: readonly EncryptionKey[];
}

/** What the updates of one commit say to each other. */
interface Commit {
  lastSchema: number | null;
  lastSpec: number | null;
  lastOrder: number | null;
  readonly added: Set<SnapshotId>;
  readonly nowMs: number;
}

/**
 * The table after the updates, in their order.
 * @throws SluiceError INVALID_REQUEST (or TABLE_SCHEMA) where an update cannot be made
 */
export function applyUpdates(
  metadata: TableMetadata,
  updates: readonly MetadataUpdate[],
  nowMs: number,
): TableMetadata {
  const commit: Commit = { lastSchema: null, lastSpec: null, lastOrder: null, added: new Set(), nowMs };
  let after = metadata;
  for (const update of updates) after = apply(after, update, commit);
  if (after === metadata) return metadata;
  const head = after['current-snapshot-id'];
  return {
    ...after,
    'last-updated-ms': Math.max(nowMs, metadata['last-updated-ms'], after['last-updated-ms']),
    // Snapshots that were current only between two updates of a commit were never seen by a reader.
    'snapshot-log': after['snapshot-log'].filter(
      (entry) => !commit.added.has(entry['snapshot-id']) || entry['snapshot-id'] === head,
    ),
  };
}

function apply(metadata: Version3, update: MetadataUpdate, commit: Commit): TableMetadata {
  switch (update.action) {
    case 'assign-uuid':
      if (metadata['table-uuid'] !== '' && metadata['table-uuid'] !== update.uuid)
        throw invalid('The UUID of a table cannot change.');
      return { ...metadata, 'table-uuid': update.uuid };
    case 'upgrade-format-version':
      return upgrade(metadata, update['format-version']);
    case 'add-schema':
      return addSchema(metadata, update.schema, commit);
    case 'set-current-schema': {
      const id = added(update['schema-id'], commit.lastSchema, 'schema');
      schemaById(metadata, id);
      return { ...metadata, 'current-schema-id': id };
    }
    case 'add-spec':
      return addSpec(metadata, update.spec, commit);
    case 'set-default-spec': {
      const id = added(update['spec-id'], commit.lastSpec, 'partition spec');
      if (!metadata['partition-specs'].some((spec) => spec['spec-id'] === id))
        throw invalid(`There is no partition spec ${id}.`);
      return { ...metadata, 'default-spec-id': id };
    }
    case 'add-sort-order':
      return addSortOrder(metadata, update['sort-order'], commit);
    case 'set-default-sort-order': {
      const id = added(update['sort-order-id'], commit.lastOrder, 'sort order');
      if (!metadata['sort-orders'].some((order) => order['order-id'] === id))
        throw invalid(`There is no sort order ${id}.`);
      return { ...metadata, 'default-sort-order-id': id };
    }
    case 'add-snapshot':
      commit.added.add(update.snapshot['snapshot-id']);
      return addSnapshot(metadata, update.snapshot);
    case 'set-snapshot-ref':
      return setRef(metadata, update, commit);
    case 'remove-snapshots':
      return removeSnapshots(metadata, new Set(update['snapshot-ids']));
    case 'remove-snapshot-ref': {
      const { [update['ref-name']]: _, ...refs } = metadata.refs;
      return { ...metadata, refs, ...(update['ref-name'] === 'main' ? { 'current-snapshot-id': null } : {}) };
    }
    case 'set-location':
      return { ...metadata, location: update.location.replace(/\/+$/, '') };
    case 'set-properties':
      return { ...metadata, properties: { ...metadata.properties, ...update.updates } };
    case 'remove-properties': {
      const left = Object.entries(metadata.properties).filter(([key]) => !update.removals.includes(key));
      return { ...metadata, properties: Object.fromEntries(left) };
    }
    case 'set-statistics':
      return { ...metadata, statistics: replaced(metadata.statistics, update.statistics) };
    case 'remove-statistics':
      return { ...metadata, statistics: without(metadata.statistics, update['snapshot-id']) };
    case 'set-partition-statistics': {
      const files = replaced(metadata['partition-statistics'], update['partition-statistics']);
      return { ...metadata, 'partition-statistics': files };
    }
    case 'remove-partition-statistics': {
      const files = without(metadata['partition-statistics'], update['snapshot-id']);
      return { ...metadata, 'partition-statistics': files };
    }
    case 'remove-partition-specs':
      if (update['spec-ids'].includes(metadata['default-spec-id']))
        throw invalid('The default partition spec cannot be removed.');
      return {
        ...metadata,
        'partition-specs': metadata['partition-specs'].filter(
          (spec) => !update['spec-ids'].includes(spec['spec-id']),
        ),
      };
    case 'remove-schemas':
      if (update['schema-ids'].includes(metadata['current-schema-id']))
        throw invalid('The current schema cannot be removed.');
      return {
        ...metadata,
        schemas: metadata.schemas.filter((schema) => !update['schema-ids'].includes(schema['schema-id'])),
      };
    case 'add-encryption-key':
      return withKeys(metadata, update['encryption-key']['key-id'], [update['encryption-key']]);
    case 'remove-encryption-key':
      return withKeys(metadata, update['key-id'], []);
    default:
      throw invalid(`The update ${(update as { action?: unknown }).action} is not known.`);
  }
}

function upgrade(metadata: Version3, version: number): TableMetadata {
  if (version === metadata['format-version']) return metadata;
  if ((version !== 2 && version !== 3) || version < metadata['format-version'])
    throw invalid(
      `A table of format version ${metadata['format-version']} cannot become version ${version}.`,
    );
  const rows = version === 3 ? { 'next-row-id': metadata['next-row-id'] ?? 0 } : {};
  return { ...metadata, 'format-version': version, ...rows };
}

function addSchema(
  metadata: TableMetadata,
  schema: WithoutId<IcebergSchema, 'schema-id'>,
  commit: Commit,
): TableMetadata {
  const made = makeSchema(nextSchemaId(metadata), schema.fields, schema['identifier-field-ids'] ?? []);
  const lastId = Math.max(metadata['last-column-id'], 0, ...fieldIds(made.fields));
  const same = metadata.schemas.find((one) => sameSchema(one, made));
  commit.lastSchema = same ? same['schema-id'] : made['schema-id'];
  if (same) return metadata;
  return { ...metadata, schemas: [...metadata.schemas, made], 'last-column-id': lastId };
}

function addSpec(metadata: TableMetadata, spec: WithoutId<Spec, 'spec-id'>, commit: Commit): TableMetadata {
  const specs = metadata['partition-specs'];
  let lastId = metadata['last-partition-id'];
  // Version 1 leaves field ids of partitions out; they are given in order then.
  const fields = spec.fields.map((field) => {
    const known = (field as { 'field-id'?: number })['field-id'] ?? Math.max(lastId, NO_PARTITION_ID) + 1;
    lastId = Math.max(lastId, known);
    return { ...(field as object), 'field-id': known };
  });
  const same = specs.find((one) => sameJson(one.fields, fields));
  const id = same ? same['spec-id'] : Math.max(-1, ...specs.map((one) => one['spec-id'])) + 1;
  commit.lastSpec = id;
  if (same) return metadata;
  return {
    ...metadata,
    'partition-specs': [...specs, { 'spec-id': id, fields }],
    'last-partition-id': lastId,
  };
}

function addSortOrder(
  metadata: TableMetadata,
  order: WithoutId<SortOrder, 'order-id'>,
  commit: Commit,
): TableMetadata {
  const orders = metadata['sort-orders'];
  const same = orders.find((one) => sameJson(one.fields, order.fields));
  // 0 is kept for "unsorted" (spec section "Sorting").
  const next = Math.max(0, ...orders.map((one) => one['order-id'])) + 1;
  const id = same ? same['order-id'] : order.fields.length === 0 ? 0 : next;
  commit.lastOrder = id;
  if (same) return metadata;
  return { ...metadata, 'sort-orders': [...orders, { 'order-id': id, fields: order.fields }] };
}

function addSnapshot(metadata: Version3, snapshot: Snapshot): TableMetadata {
  const id = snapshot['snapshot-id'];
  if (metadata.snapshots.some((one) => one['snapshot-id'] === id))
    throw invalid(`There is a snapshot ${id} already.`);
  const sequence = snapshot['sequence-number'] ?? 0;
  if (metadata['format-version'] > 1 && sequence <= metadata['last-sequence-number'])
    throw invalid(
      `The sequence number ${sequence} is not larger than the table's last one, ${metadata['last-sequence-number']}.`,
    );
  return {
    ...metadata,
    ...nextRows(metadata, snapshot as Snapshot & { 'first-row-id'?: number; 'added-rows'?: number }),
    snapshots: [...metadata.snapshots, snapshot],
    'last-sequence-number': sequence,
    'last-updated-ms': Math.max(metadata['last-updated-ms'], snapshot['timestamp-ms']),
  };
}

/** Version 3 gives every row an id (spec section "Row Lineage"). */
function nextRows(
  metadata: Version3,
  snapshot: Snapshot & { 'first-row-id'?: number; 'added-rows'?: number },
): { 'next-row-id'?: number } {
  if (metadata['format-version'] < 3) return {};
  const next = metadata['next-row-id'] ?? 0;
  const first = snapshot['first-row-id'];
  if (first === undefined || first < next)
    throw invalid(`The first row id of snapshot ${snapshot['snapshot-id']} must be ${next} or more.`);
  return { 'next-row-id': first + (snapshot['added-rows'] ?? 0) };
}

function setRef(
  metadata: TableMetadata,
  update: MetadataUpdate & { action: 'set-snapshot-ref' },
  commit: Commit,
): TableMetadata {
  const { action: _, 'ref-name': name, ...ref } = update;
  const snapshot = metadata.snapshots.find((one) => one['snapshot-id'] === ref['snapshot-id']);
  if (!snapshot) throw invalid(`There is no snapshot ${ref['snapshot-id']}.`);
  const refs = { ...metadata.refs, [name]: ref };
  if (name !== 'main') return { ...metadata, refs };
  if (ref.type !== 'branch') throw invalid('main must be a branch.');
  if (metadata['current-snapshot-id'] === ref['snapshot-id']) return { ...metadata, refs };
  // A snapshot made by this commit became current when it was made; an older one becomes so now.
  const at = commit.added.has(ref['snapshot-id']) ? snapshot['timestamp-ms'] : commit.nowMs;
  const timestamp = Math.max(at, metadata['last-updated-ms']);
  return {
    ...metadata,
    refs,
    'current-snapshot-id': ref['snapshot-id'],
    'snapshot-log': [
      ...metadata['snapshot-log'],
      { 'snapshot-id': ref['snapshot-id'], 'timestamp-ms': timestamp },
    ],
  };
}

function added(id: number, last: number | null, what: string): number {
  if (id !== -1) return id;
  if (last === null) throw invalid(`This commit adds no ${what}.`);
  return last;
}

function replaced(files: readonly unknown[] | undefined, file: ById): readonly unknown[] {
  return [...without(files, file['snapshot-id']), file];
}

function without(files: readonly unknown[] | undefined, id: SnapshotId): readonly unknown[] {
  return (files ?? []).filter((file) => (file as ById)['snapshot-id'] !== id);
}

function withKeys(metadata: Version3, id: string, keys: readonly EncryptionKey[]): Version3 {
  const others = (metadata['encryption-keys'] ?? []).filter((key) => key['key-id'] !== id);
  return { ...metadata, 'encryption-keys': [...others, ...keys] };
}

function sameJson(a: unknown, b: unknown): boolean {
  const sorted = (value: unknown): string =>
    JSON.stringify(value, (_key, inner: unknown) =>
      inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
        : inner,
    );
  return sorted(a) === sorted(b);
}

function invalid(message: string): SluiceError {
  return new SluiceError('INVALID_REQUEST', message);
}
