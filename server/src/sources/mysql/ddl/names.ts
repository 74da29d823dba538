import { type TableName, tableKey } from '../../../model/table.ts';
import type { Cursor, Token } from './tokens.ts';

/** `t`, `s.t`, and `.t`, which is in the default database; null where there is none. */
export function readTableName(cursor: Cursor, schema: string): TableName | null {
  const leading = cursor.take('.');
  const first = cursor.name();
  if (first === null) return null;
  if (leading || !cursor.take('.')) return { schema, table: first };
  const second = cursor.name();
  return second === null ? null : { schema: first, table: second };
}

/** Every name among the tokens that could be a table's, alone and in pairs. */
export function mentionedNames(tokens: readonly Token[], schema: string): readonly TableName[] {
  const found = new Map<string, TableName>();
  const note = (name: TableName): void => void found.set(tableKey(name), name);
  for (const [index, token] of tokens.entries()) {
    if (!isName(token)) continue;
    note({ schema, table: token.text });
    const second = tokens[index + 2];
    if (tokens[index + 1]?.key === '.' && isName(second)) note({ schema: token.text, table: second.text });
  }
  return [...found.values()];
}

/** Digits alone are a number; as a name they are quoted. */
function isName(token: Token | undefined): token is Token {
  return token?.kind === 'name' || (token?.kind === 'word' && !/^\d+$/.test(token.text));
}
