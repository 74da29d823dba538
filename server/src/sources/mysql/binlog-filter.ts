import { SluiceError } from '@sluice/contract';
import type { Session } from './connect.ts';
import { readLogStatus } from './position.ts';

/**
 * The databases that the server writes to its log, or leaves out of it (binlog_do_db, binlog_ignore_db). Rows are
 * logged by the database of their table, statements by the default database of their session; names are compared
 * byte by byte, also where lower_case_table_names has them folded (MySQL: sql/rpl_filter.cc, Rpl_filter::db_ok).
 */
export interface BinlogFilter {
  /** Only these, unless it is empty. */
  readonly only: readonly string[];
  readonly without: readonly string[];
}

export const NO_FILTER: BinlogFilter = { only: [], without: [] };

/** The names of a list stand with commas between them. A name that holds one is not told from two. */
export function parseFilter(only: string, without: string): BinlogFilter {
  const names = (list: string): string[] => (list === '' ? [] : list.split(','));
  return { only: names(only), without: names(without) };
}

/** What the server says with the end of its log; null where the account may not ask, or there is no log. */
export async function readFilter(session: Session): Promise<BinlogFilter | null> {
  try {
    const row = await readLogStatus(session);
    return parseFilter(row.Binlog_Do_DB ?? '', row.Binlog_Ignore_DB ?? '');
  } catch (error) {
    const { code } = SluiceError.from(error);
    if (code === 'MYSQL_NO_REPLICATION' || code === 'MYSQL_BINLOG_OFF') return null;
    throw error;
  }
}

export function isLogged({ only, without }: BinlogFilter, schema: string): boolean {
  return only.length > 0 ? only.includes(schema) : !without.includes(schema);
}

export const filters = ({ only, without }: BinlogFilter): boolean => only.length + without.length > 0;

/** As the configuration of a server has it. */
export function filterText({ only, without }: BinlogFilter): string {
  return [
    ...only.map((name) => `binlog_do_db = ${name}`),
    ...without.map((name) => `binlog_ignore_db = ${name}`),
  ].join(', ');
}
