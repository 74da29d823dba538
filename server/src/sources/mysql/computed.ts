import type { Column } from '../../model/table.ts';
import { quoteIdent } from './quote.ts';
import { isGenerated } from './types.ts';

/**
 * A column that is computed from one of these; null: none is. What a column holds may be the same under its new
 * definition and what is computed from it another (its length in bytes, its text, whether it equals something under
 * another collation), of which the log says nothing. The server writes expressions with all names in quotes.
 */
export function computedFrom(columns: readonly Column[], defined: readonly string[]): string | null {
  const quoted = defined.map((name) => quoteIdent(name).toLowerCase());
  const found = columns.find(
    ({ native }) => isGenerated(native) && quoted.some((name) => native.toLowerCase().includes(name)),
  );
  return found?.name ?? null;
}
