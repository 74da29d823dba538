import type { TableName } from '../../model/table.ts';

/** An identifier as SQL text; safe for any name, and whatever sql_mode is. */
export function quoteIdent(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/**
 * A string constant as SQL text. Relies on the sql_mode of our sessions, where a backslash escapes, and on utf8mb4,
 * where no character's bytes hold a quote or a backslash of their own.
 */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}

export function quoteTable(name: TableName): string {
  return `${quoteIdent(name.schema)}.${quoteIdent(name.table)}`;
}
