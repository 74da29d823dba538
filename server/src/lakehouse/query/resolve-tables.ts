import { SluiceError } from '@sluice/contract';
import { type TableName, tableKey, tableText } from '../../model/table.ts';
import type { TableReference } from './statement.ts';

/** A table that a statement needs, and whether the statement names it without its schema. */
export interface NeededTable<T> {
  readonly table: T;
  readonly unqualified: boolean;
}

/**
 * Finds the tables that a statement means: by the exact name, else by the only one that differs in case; without a schema,
 * the only one of that name in any schema.
 * @throws SluiceError SQL_FAILED where there is none, or more than one
 */
export function resolveTables<T extends { readonly name: TableName }>(
  references: readonly TableReference[],
  expressions: ReadonlySet<string>,
  tables: readonly T[],
): readonly NeededTable<T>[] {
  const needed = new Map<string, NeededTable<T>>();
  for (const reference of references) {
    const unqualified = reference.schema === '';
    const found = find(reference, tables);
    if (!found) {
      if (unqualified && expressions.has(reference.table.toLowerCase()) && !looksLikeFile(reference.table))
        continue;
      throw new SluiceError('SQL_FAILED', `There is no table ${referenceText(reference)}.`);
    }
    const key = tableKey(found.name);
    needed.set(key, { table: found, unqualified: unqualified || needed.get(key)?.unqualified === true });
  }
  checkApart([...needed.values()]);
  return [...needed.values()];
}

function find<T extends { readonly name: TableName }>(
  reference: TableReference,
  tables: readonly T[],
): T | undefined {
  const fits = (same: (a: string, b: string) => boolean): readonly T[] =>
    tables.filter(
      ({ name }) =>
        same(name.table, reference.table) && (reference.schema === '' || same(name.schema, reference.schema)),
    );
  const exact = fits((a, b) => a === b);
  const found = exact.length > 0 ? exact : fits((a, b) => a.toLowerCase() === b.toLowerCase());
  if (found.length > 1)
    throw new SluiceError(
      'SQL_FAILED',
      `${referenceText(reference)} can be ${found.map(({ name }) => tableText(name)).join(' or ')}: write the schema and the exact name.`,
    );
  return found[0];
}

/** DuckDB takes a name that it does not know for a file. An expression that hides such a name in one place may not in another. */
function looksLikeFile(name: string): boolean {
  return /[/\\:.]/.test(name);
}

/** DuckDB's names do not tell case, so two tables that differ only in it cannot stand in one statement. */
function checkApart(needed: readonly NeededTable<{ readonly name: TableName }>[]): void {
  const seen = new Map<string, TableName>();
  for (const { table, unqualified } of needed) {
    const names = [`q ${JSON.stringify([table.name.schema, table.name.table])}`];
    if (unqualified) names.push(`u ${table.name.table}`);
    for (const name of names.map((one) => one.toLowerCase())) {
      const other = seen.get(name);
      if (other)
        throw new SluiceError(
          'SQL_FAILED',
          `${tableText(other)} and ${tableText(table.name)} differ only in case and cannot be queried together.`,
        );
      seen.set(name, table.name);
    }
  }
}

function referenceText(reference: TableReference): string {
  return reference.schema === '' ? reference.table : `${reference.schema}.${reference.table}`;
}
