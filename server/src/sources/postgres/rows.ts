import type { Column, TableName } from '../../model/table.ts';
import type { Connection } from '../source.ts';
import { openSession, type Session } from './connect.ts';
import { CopyWorker } from './copy-worker.ts';
import { quoteIdent, quoteLiteral, quoteTable } from './quote.ts';

const KEYS_A_STATEMENT = 500;

/**
 * What stands behind FROM for the rows of a table itself: tables that inherit from it are tables of their own, its
 * partitions are itself.
 */
export async function rowsOf(session: Session, table: TableName): Promise<string> {
  const quoted = quoteTable(table);
  const { kind } = await session.row<{ kind: string }>(
    'SELECT relkind::text AS kind FROM pg_class WHERE oid = $1::regclass',
    [quoted],
    'copy',
  );
  return kind === 'p' ? quoted : `ONLY ${quoted}`;
}

/** Values as the server's own output functions write them. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

export async function sampleRows(
  session: Session,
  table: TableName,
  columns: readonly Column[],
  limit: number,
): Promise<{ readonly columns: readonly string[]; readonly rows: readonly (string | null)[][] }> {
  const list = columns.map((column) => quoteIdent(column.name)).join(', ');
  const sql = `SELECT ${list} FROM ${await rowsOf(session, table)} LIMIT ${Math.max(0, Math.trunc(limit))}`;
  const rows = await session.arrays(sql, AS_TEXT);
  return { columns: columns.map((column) => column.name), rows };
}

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
  const natives = key.map((name) => columns.find((column) => column.name === name)?.native ?? 'text');
  const list = columns.map((column) => quoteIdent(column.name)).join(', ');
  const named = key.map(quoteIdent).join(', ');
  const session = await openSession(connection, { applicationName }, signal);
  const from = await rowsOf(session, table).catch((error: unknown) => {
    session.destroy();
    throw error;
  });
  const worker = new CopyWorker(session);
  const parts: Buffer[] = [];
  try {
    for (let at = 0; at < keys.length; at += KEYS_A_STATEMENT) {
      const values = keys
        .slice(at, at + KEYS_A_STATEMENT)
        .map((values) => `(${values.map((text, i) => `${quoteLiteral(text)}::${natives[i]}`).join(', ')})`);
      const sql = `COPY (SELECT ${list} FROM ${from} WHERE (${named}) IN (SELECT * FROM (VALUES ${values.join(', ')}) AS k)) TO STDOUT (FORMAT csv, NULL '', ENCODING 'UTF8')`;
      await worker.copy(
        sql,
        `reading rows of ${quoteTable(table)}`,
        async (lines) => void parts.push(Buffer.from(lines)),
        signal,
      );
    }
    return Buffer.concat(parts);
  } finally {
    worker.close();
  }
}
