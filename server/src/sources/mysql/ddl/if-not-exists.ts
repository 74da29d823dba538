import { Cursor, type Dialect, tokensOf } from './tokens.ts';

/** What may stand before CREATE: MariaDB's SET STATEMENT … FOR. */
const HEAD_TOKENS = 200;

/** Whether a CREATE TABLE leaves a table of that name as it is. */
export function leavesExisting(sql: string, dialect: Dialect): boolean {
  const { tokens } = tokensOf(sql, dialect, HEAD_TOKENS);
  const cursor = new Cursor(tokens);
  return cursor.seek('CREATE') && cursor.take('CREATE', 'TABLE', 'IF', 'NOT', 'EXISTS');
}
