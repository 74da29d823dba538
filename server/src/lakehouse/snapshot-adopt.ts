import { checkFields, composeLines } from './compose-lines.ts';
import { sameSchema } from './iceberg-type.ts';
import type { TableMetadata } from './metadata.ts';
import { nextSchemaId } from './schema-edit.ts';
import type { Storage } from './storage.ts';
import { currentSchema } from './table-metadata.ts';

/**
 * Makes a snapshot in `target` whose contents and current schema are those of `staged`: another line of metadata
 * of the same table, which was loaded beside it (compose-lines.ts).
 * @throws SluiceError TABLE_SCHEMA where a field id means another thing in the two lines; STORAGE_*
 */
export async function adoptSnapshot(
  storage: Storage,
  target: TableMetadata,
  staged: TableMetadata,
  summary: Readonly<Record<string, string>>,
  nowMs = Date.now(),
): Promise<TableMetadata> {
  return composeLines(storage, adoptSchema(target, staged), [staged], summary, nowMs);
}

/** Both lines' schemas, `staged`'s current one current. Ids of schemas that both lines gave away are given anew. */
export function adoptSchema(target: TableMetadata, staged: TableMetadata): TableMetadata {
  let schemas = target.schemas;
  let current = target['current-schema-id'];
  for (const schema of staged.schemas) {
    checkFields(schemas, schema);
    const same = schemas.find((one) => sameSchema(one, schema));
    const id = same ? same['schema-id'] : nextSchemaId({ ...target, schemas });
    if (!same) schemas = [...schemas, { ...schema, 'schema-id': id }];
    if (schema === currentSchema(staged)) current = id;
  }
  return {
    ...target,
    schemas,
    'current-schema-id': current,
    'last-column-id': Math.max(target['last-column-id'], staged['last-column-id']),
  };
}
