import type { TableName, TableSchema } from '../../model/table.ts';
import type { DiscoveredTable } from '../source.ts';

/** What one member of a merge calls its tables, and what the merge calls them. */

export function taggedName(label: string, { schema, table }: TableName): TableName {
  return { schema, table, shard: label };
}

export function plainName({ schema, table }: TableName): TableName {
  return { schema, table };
}

export function memberTable(schema: TableSchema): TableSchema {
  return { ...schema, name: plainName(schema.name) };
}

export function taggedTable(label: string, table: DiscoveredTable): DiscoveredTable {
  const { schema, objectId } = table;
  return {
    ...table,
    schema: { ...schema, name: taggedName(label, schema.name) },
    objectId: taggedId(label, objectId),
  };
}

/** Labels hold no line end. */
export function taggedId(label: string, objectId: string): string {
  return `${label}\n${objectId}`;
}

export function untaggedId(label: string, objectId: string): string {
  return objectId.slice(label.length + 1);
}

export function belonging(tables: readonly TableName[], label: string): readonly TableName[] {
  return tables.filter(({ shard }) => shard === label).map(plainName);
}
