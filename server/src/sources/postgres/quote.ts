import type { TableName } from '../../model/table.ts';

/** An identifier as SQL text; safe for any name that PostgreSQL allows. */
export function quoteIdent(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string constant as SQL text; relies on standard_conforming_strings, which every session of ours sets. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function quoteTable(name: TableName): string {
  return `${quoteIdent(name.schema)}.${quoteIdent(name.table)}`;
}
