import type { TableSchema } from '../model/table.ts';

/** What differs between two definitions of a table, a line each, for people. */
export function schemaChanges(before: TableSchema, after: TableSchema): readonly string[] {
  const old = new Map(before.columns.map((column) => [column.sourceId, column]));
  const changes: string[] = [];
  for (const column of after.columns) {
    const was = old.get(column.sourceId);
    old.delete(column.sourceId);
    if (was === undefined) {
      changes.push(`added ${column.name} ${column.native}`);
      continue;
    }
    if (was.name !== column.name) changes.push(`renamed ${was.name} to ${column.name}`);
    if (was.native !== column.native) changes.push(`${column.name}: ${was.native} → ${column.native}`);
    if (was.nullable !== column.nullable)
      changes.push(`${column.name}: ${column.nullable ? 'may be null' : 'is never null'}`);
  }
  for (const { name } of old.values()) changes.push(`dropped ${name}`);
  const [keyBefore, keyAfter] = [keyText(before), keyText(after)];
  if (keyBefore !== keyAfter) changes.push(`key: ${keyBefore} → ${keyAfter}`);
  return changes;
}

function keyText({ identity, columns }: TableSchema): string {
  return identity.kind === 'row' ? 'none' : identity.columns.map((index) => columns[index]!.name).join(', ');
}
