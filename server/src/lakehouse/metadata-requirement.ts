import type { SnapshotId, TableMetadata } from './metadata.ts';

/** What a commit asks of the table that it was made for (REST catalog specification, TableRequirement). */
export type Requirement =
  | { readonly type: 'assert-create' }
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  | {
      readonly type: 'assert-ref-snapshot-id';
      readonly ref: string;
      /** null: there must be no such reference. */
      readonly 'snapshot-id'?: SnapshotId | null;
    }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number }
  | { readonly type: 'assert-last-assigned-partition-id'; readonly 'last-assigned-partition-id': number }
  | { readonly type: 'assert-default-spec-id'; readonly 'default-spec-id': number }
  | { readonly type: 'assert-default-sort-order-id'; readonly 'default-sort-order-id': number };

/**
 * @param metadata null: there is no such table
 * @returns what does not hold, for people; null where it holds
 */
export function unmet(requirement: Requirement, metadata: TableMetadata | null): string | null {
  if (requirement.type === 'assert-create') return metadata === null ? null : 'table already exists';
  if (metadata === null) return 'table does not exist';
  switch (requirement.type) {
    case 'assert-table-uuid':
      return differs('UUID', requirement.uuid.toLowerCase(), metadata['table-uuid'].toLowerCase());
    case 'assert-ref-snapshot-id': {
      const found = metadata.refs[requirement.ref]?.['snapshot-id'] ?? null;
      return differs(`snapshot of reference ${requirement.ref}`, requirement['snapshot-id'] ?? null, found);
    }
    case 'assert-last-assigned-field-id':
      return differs(
        'last assigned field id',
        requirement['last-assigned-field-id'],
        metadata['last-column-id'],
      );
    case 'assert-current-schema-id':
      return differs('current schema id', requirement['current-schema-id'], metadata['current-schema-id']);
    case 'assert-last-assigned-partition-id':
      return differs(
        'last assigned partition id',
        requirement['last-assigned-partition-id'],
        metadata['last-partition-id'],
      );
    case 'assert-default-spec-id':
      return differs('default spec id', requirement['default-spec-id'], metadata['default-spec-id']);
    case 'assert-default-sort-order-id':
      return differs(
        'default sort order id',
        requirement['default-sort-order-id'],
        metadata['default-sort-order-id'],
      );
  }
}

function differs(
  what: string,
  wanted: SnapshotId | string | null,
  found: SnapshotId | string | null,
): string | null {
  return wanted === found ? null : `${what} is ${found}, not ${wanted}`;
}
