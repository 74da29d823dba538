import type { TableName } from '../../../model/table.ts';
import { mentionedNames, readTableName } from './names.ts';
import { Cursor, keywords, outsideParentheses, type Token } from './tokens.ts';

const CHANGING = keywords('INSERT REPLACE UPDATE DELETE');

/**
 * Tables whose rows a statement may change that the log has as text; null: it cannot be told which. What triggers,
 * functions and cascades do besides is not among them.
 */
export function changedTables(tokens: readonly Token[], schema: string): readonly TableName[] | null {
  const cursor = new Cursor(tokens, 1);
  switch (tokens[0]?.key) {
    case 'INSERT':
    case 'REPLACE': {
      while (cursor.takeAny('LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY', 'IGNORE') !== null);
      cursor.take('INTO');
      return one(readTableName(cursor, schema));
    }
    case 'UPDATE':
      return cursor.seek('SET') ? mentionedNames(tokens.slice(1, cursor.at), schema) : null;
    case 'DELETE': {
      // Of several tables, or of one, which ends before its WHERE.
      const end = cursor.seek('WHERE', 'ORDER', 'LIMIT', 'RETURNING') ? cursor.at : tokens.length;
      return mentionedNames(tokens.slice(1, end), schema);
    }
    case 'LOAD':
      return cursor.seek('INTO') && cursor.take('INTO', 'TABLE') ? one(readTableName(cursor, schema)) : null;
    case 'WITH':
    case 'ANALYZE': {
      const at = outsideParentheses(tokens).find((index) => CHANGING.has(tokens[index]!.key));
      return at === undefined ? null : changedTables(tokens.slice(at), schema);
    }
    default:
      return null;
  }
}

function one(name: TableName | null): readonly TableName[] | null {
  return name === null ? null : [name];
}
