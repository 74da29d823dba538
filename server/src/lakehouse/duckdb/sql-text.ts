/** An identifier as SQL text; any name is allowed. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A list literal of strings. */
export function quoteTexts(texts: readonly string[]): string {
  return `[${texts.map(quoteText).join(', ')}]`;
}

/** A path for read_parquet, which takes `*`, `?` and `[` for patterns: each stands in a bracket of its own. */
export function quotePath(path: string): string {
  return quoteText(path.replaceAll(/[[*?]/g, '[$&]'));
}

export function quotePaths(paths: readonly string[]): string {
  return `[${paths.map(quotePath).join(', ')}]`;
}
