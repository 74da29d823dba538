import { SluiceError } from '@sluice/contract';
import type { TableName } from '../../model/table.ts';
import type { Session } from './connect.ts';
import { quoteIdent, quoteTable } from './quote.ts';

/** Of the server, and not of the table: nobody has been waited for. */
const LOST: ReadonlySet<string> = new Set(['SOURCE_INTERRUPTED', 'SOURCE_UNREACHABLE', 'SOURCE_PROTOCOL']);

/**
 * Waits until DDL that was read in the log can be seen in the catalog. MySQL writes a statement to its log, from where
 * it is sent, before it commits the data dictionary (sql/binlog.cc, MYSQL_BIN_LOG::ordered_commit), and information_schema reads the
 * dictionary without waiting. Whoever changes a table holds its exclusive metadata lock until behind that commit, and
 * SHOW CREATE needs a shared one; of high priority, so that it waits for nobody who only waits himself.
 * @throws SluiceError SOURCE_INTERRUPTED and others
 */
export async function ddlVisible(
  session: Session,
  names: Iterable<TableName | { readonly schema: string; readonly table: null }>,
): Promise<void> {
  for (const name of names) {
    const sql =
      name.table === null
        ? `SHOW CREATE DATABASE ${quoteIdent(name.schema)}`
        : `SHOW CREATE TABLE ${quoteTable({ schema: name.schema, table: name.table })}`;
    try {
      await session.run(sql);
    } catch (error) {
      // It is gone, or we may not look at it: the lock was waited for.
      if (!(error instanceof SluiceError) || LOST.has(error.code)) throw error;
    }
  }
}
