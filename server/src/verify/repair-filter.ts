import { parseRowFilter } from '@sluice/contract';
import type { Column, TableSchema } from '../model/table.ts';

/** A filter may be 10,000 characters long. */
const MOST_CHARACTERS = 9000;
/** Each filter is a backfill of its own; beyond that loading the table anew is quicker. */
const MOST_FILTERS = 20;

/**
 * Conditions that match the rows with these keys and no others, for backfills (contract parseRowFilter). null: the key
 * cannot be written so that source and lake read it alike, or there are too many.
 */
export function repairFilters(
  { columns, identity }: TableSchema,
  keys: readonly (readonly string[])[],
): string[] | null {
  if (identity.kind === 'row' || keys.length === 0) return null;
  const key = identity.columns.map((index) => columns[index]!);
  // Other names would have to be quoted, which MySQL and PostgreSQL do differently.
  if (!key.every((column) => /^[a-z_][a-z0-9_]*$/.test(column.name))) return null;
  const conditions: string[] = [];
  for (const values of keys) {
    const literals = key.map((column, n) => literal(column, values[n] ?? ''));
    if (literals.includes(null)) return null;
    conditions.push(key.map((column, n) => `${column.name} = ${literals[n]}`).join(' AND '));
  }
  const filters = joined(conditions);
  try {
    for (const filter of filters) parseRowFilter(filter);
  } catch {
    return null;
  }
  return filters.length > MOST_FILTERS ? null : filters;
}

function joined(conditions: readonly string[]): string[] {
  const filters: string[] = [];
  let filter = '';
  for (const condition of conditions) {
    const part = `(${condition})`;
    if (filter !== '' && filter.length + part.length + 4 > MOST_CHARACTERS) {
      filters.push(filter);
      filter = '';
    }
    filter = filter === '' ? part : `${filter} OR ${part}`;
  }
  return [...filters, filter];
}

function literal({ type }: Column, text: string): string | null {
  switch (type.kind) {
    case 'int':
    case 'long':
    case 'decimal':
      return /^-?\d+(\.\d+)?$/.test(text) ? text : null;
    case 'string':
    case 'uuid':
    case 'date':
    case 'timestamp':
      return `'${text.replaceAll("'", "''")}'`;
    default:
      return null;
  }
}
