import type { SQLNamespace } from '@codemirror/lang-sql';

interface Table {
  readonly schema: string;
  readonly table: string;
}

/** Of more tables than that no statement's columns are asked for. */
const MOST = 12;

/** The tables that a statement names: their columns are worth knowing. */
export function mentioned<T extends Table>(text: string, tables: readonly T[]): readonly T[] {
  const words = new Set(text.toLowerCase().match(/[\p{L}\p{N}_$]+/gu) ?? []);
  const named = tables.filter(
    ({ table }) =>
      words.has(table.toLowerCase()) ||
      (/\W/.test(table) && text.toLowerCase().includes(table.toLowerCase())),
  );
  return named.slice(0, MOST);
}

/** @param columns by `schema.table`, as far as they are known */
export function namespaceOf(
  tables: readonly Table[],
  columns: ReadonlyMap<string, readonly string[]>,
): SQLNamespace {
  const schemas: Record<string, Record<string, readonly string[]>> = {};
  for (const { schema, table } of tables) {
    schemas[schema] ??= {};
    schemas[schema][table] = columns.get(`${schema}.${table}`) ?? [];
  }
  return schemas as SQLNamespace;
}
