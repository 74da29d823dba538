import { SluiceError } from '@sluice/contract';
import { type TableName, tableText } from '../../model/table.ts';
import { type Connection, DEFAULT_READING, type DiscoveredTable, type SourceAdmin } from '../source.ts';
import { checkCdc } from './check.ts';
import { openSession, type Session } from './connect.ts';
import { discoverTables } from './discover.ts';
import { openMysql } from './mysql-source.ts';
import { comparePositions, formatPosition, readHead } from './position.ts';
import { sampleRows } from './sample.ts';
import { startingPlace } from './starting-place.ts';
import { splitPosition } from './xa.ts';

const EVERYTHING = { schemas: [], tables: [] } as const;
const APPLICATION = 'sluice';

async function withSession<T>(
  connection: Connection,
  signal: AbortSignal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  await using session = await openSession(connection, { applicationName: APPLICATION }, signal);
  return await work(session);
}

const reading = (connection: Connection): Parameters<typeof discoverTables>[2] => ({
  database: connection.database,
  reading: DEFAULT_READING,
});

export const mysqlAdmin: SourceAdmin = {
  async test(connection, signal) {
    const begun = performance.now();
    return withSession(connection, signal, async ({ info }) => ({
      version: info.versionText,
      latencyMs: Math.round(performance.now() - begun),
    }));
  },

  async checkCdc(connection, scope, signal) {
    return withSession(connection, signal, (session) => checkCdc(session, connection, scope.selection));
  },

  async catalogs(connection, signal) {
    return withSession(connection, signal, async (session) => {
      const rows = await session.rows<{ name: string }>(
        `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA
          WHERE SCHEMA_NAME NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY 1`,
      );
      return rows.map((row) => row.name);
    });
  },

  async objects(connection, signal, wanted = DEFAULT_READING) {
    return withSession(connection, signal, (session) =>
      discoverTables(session, EVERYTHING, { ...reading(connection), reading: wanted }),
    );
  },

  async sample(connection, table, limit, signal) {
    return withSession(connection, signal, async (session) => {
      const found = await one(session, connection, table);
      return sampleRows(session, table, found.schema.columns, limit);
    });
  },

  keeps: null,

  async forget() {},

  async head(connection, signal) {
    return withSession(connection, signal, async (session) => formatPosition(await readHead(session)));
  },

  async startingPlace(connection, _taskKey, choice, signal) {
    const ofServer = { ...connection, database: '' };
    return withSession(ofServer, signal, (session) => startingPlace(session, ofServer, choice, signal));
  },

  compare: (a, b) => comparePositions(splitPosition(a).base, splitPosition(b).base),

  open: openMysql,
};

async function one(session: Session, connection: Connection, table: TableName): Promise<DiscoveredTable> {
  const [found] = await discoverTables(session, { schemas: [], tables: [table] }, reading(connection));
  if (!found) throw new SluiceError('NOT_FOUND', `there is no table ${tableText(table)}`);
  return found;
}
