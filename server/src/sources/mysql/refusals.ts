import { SluiceError } from '@sluice/contract';
import { type TableName, tableKey, tableText } from '../../model/table.ts';
import type { DiscoveredTable } from '../source.ts';
import { type BinlogFilter, filterText, isLogged, NO_FILTER, readFilter } from './binlog-filter.ts';
import type { Session } from './connect.ts';
import { accountText, columnGrantedTables, parseGrant } from './grants.ts';
import { quoteTable } from './quote.ts';
import { passesByItsLog } from './replica.ts';

type Refused = NonNullable<DiscoveredTable['refused']>;

/** What else of the server and the account stands in the way of a table, besides its own definition. */
export interface Obstacles {
  readonly filter: BinlogFilter;
  /** tableKey of tables of which the account sees only the columns that were granted one by one. */
  readonly partlySeen: ReadonlySet<string>;
  /** The server takes over changes of another one, and they pass by its log. */
  readonly unloggedReplica: boolean;
  /** CURRENT_USER(). */
  readonly account: string;
}

/** @throws SluiceError SOURCE_* */
export async function readObstacles(session: Session, names: readonly TableName[]): Promise<Obstacles> {
  const filter = (await readFilter(session)) ?? NO_FILTER;
  const lines = await session.rows('SHOW GRANTS');
  const grants = lines.flatMap((row) => parseGrant(Object.values(row)[0] ?? '') ?? []);
  const wanted = new Set(names.map(tableKey));
  const partlySeen = new Set<string>();
  for (const name of columnGrantedTables(grants))
    if (wanted.has(tableKey(name)) && !(await seesDefinition(session, name))) partlySeen.add(tableKey(name));
  const { account } = await session.row<{ account: string }>('SELECT CURRENT_USER() AS account');
  return { filter, partlySeen, unloggedReplica: await passesByItsLog(session), account };
}

/** SHOW CREATE TABLE asks for a right to the table as a whole, which shows all of its columns. */
async function seesDefinition(session: Session, name: TableName): Promise<boolean> {
  try {
    await session.rows(`SHOW CREATE TABLE ${quoteTable(name)}`, [], 'load');
    return true;
  } catch (error) {
    const { code } = SluiceError.from(error);
    if (code === 'TABLE_NO_SELECT') return false;
    // Between the statements.
    if (code === 'TABLE_DROPPED') return true;
    throw error;
  }
}

/** null: nothing is in the way. */
export function obstacleTo(
  name: TableName,
  { filter, partlySeen, unloggedReplica, account }: Obstacles,
): Refused | null {
  if (partlySeen.has(tableKey(name)))
    return {
      code: 'TABLE_NO_SELECT',
      message: `The account may read single columns of ${tableText(name)} only, and is not shown whether there are others.`,
      remedy: `Run GRANT SELECT ON ${quoteTable(name)} TO ${accountText(account)};`,
    };
  if (!isLogged(filter, name.schema))
    return {
      code: 'MYSQL_BINLOG_FILTER',
      message: `The server leaves changes of ${tableText(name)} out of its log (${filterText(filter)}).`,
      remedy: `Let the configuration of the server have the database ${name.schema} in the log, and restart it.`,
    };
  if (unloggedReplica)
    return {
      code: 'MYSQL_REPLICA_UPDATES',
      message: `The server takes over changes of another one without writing them to its own log, those of ${tableText(name)} perhaps among them.`,
      remedy:
        'Put log_replica_updates = ON (MariaDB: log_slave_updates = ON) into the configuration of the server and restart it; or mirror the server that it follows.',
    };
  return null;
}

/** Engines that keep their tables' rows themselves, and whose changes the server logs as rows. */
const KEEPING: ReadonlySet<string> = new Set([
  'INNODB',
  'MYISAM',
  'ARIA',
  'MEMORY',
  'ARCHIVE',
  'CSV',
  'ROCKSDB',
  'TOKUDB',
  'NDBCLUSTER',
  'XENGINE',
]);

/** `comment`: why the server cannot open a table that has no engine. */
export function engineRefusal(name: TableName, engine: string | null, comment: string): Refused | null {
  if (engine === null)
    return {
      code: 'TABLE_ENGINE',
      message: `The server cannot open ${tableText(name)}${comment === '' ? '' : `: ${comment}`}.`,
      remedy: `Mend the table at the server, or leave it out of the task.`,
    };
  if (KEEPING.has(engine.toUpperCase())) return null;
  return {
    code: 'TABLE_ENGINE',
    message: `The rows of ${tableText(name)} are kept by its engine ${engine}: changes of them may pass by the log of this server.`,
    remedy: /^MRG_/i.test(engine)
      ? `Mirror the tables that ${tableText(name)} is made of, or give it an engine that keeps its rows (ALTER TABLE … ENGINE = InnoDB).`
      : `Mirror the table where its rows are, or give it an engine that keeps them (ALTER TABLE … ENGINE = InnoDB).`,
  };
}
