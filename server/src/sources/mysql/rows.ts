import { type Column, type TableName, tableText } from '../../model/table.ts';
import type { Connection } from '../source.ts';
import { openSession } from './connect.ts';
import { literalOfText } from './key-text.ts';
import { LoadConnection } from './load-connection.ts';
import { parseNative } from './native-type.ts';
import { quoteIdent, quoteTable } from './quote.ts';
import { selectList } from './select-list.ts';

const KEYS_A_STATEMENT = 200;

/**
 * The rows with these keys as CSV lines of the columns, over a connection of its own. Keys are compared as values of
 * their columns' types, so that the key's index finds them.
 */
export async function fetchRows(
  connection: Connection,
  applicationName: string,
  table: TableName,
  columns: readonly Column[],
  key: readonly string[],
  keys: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<Buffer> {
  if (keys.length === 0) return Buffer.alloc(0);
  const natives = key.map((name) => parseNative(columns.find((column) => column.name === name)!.native));
  const list = selectList(columns);
  const session = await openSession(connection, { applicationName }, signal);
  try {
    await session.run('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  } catch (error) {
    session.destroy();
    throw error;
  }
  const reader = new LoadConnection(session);
  const parts: Buffer[] = [];
  try {
    for (let at = 0; at < keys.length; at += KEYS_A_STATEMENT) {
      const some = keys.slice(at, at + KEYS_A_STATEMENT).map((texts) => {
        const equals = texts.map((text, i) => `${quoteIdent(key[i]!)} = ${literalOfText(natives[i]!, text)}`);
        return `(${equals.join(' AND ')})`;
      });
      await reader.read(
        `SELECT ${list.sql} FROM ${quoteTable(table)} WHERE ${some.join(' OR ')}`,
        list,
        `reading rows of ${tableText(table)}`,
        async (lines) => void parts.push(Buffer.from(lines)),
        signal,
      );
    }
    return Buffer.concat(parts);
  } finally {
    reader.close();
  }
}
