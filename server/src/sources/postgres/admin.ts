import { SluiceError } from '@sluice/contract';
import { type TableName, tableText } from '../../model/table.ts';
import type { Connection, DiscoveredTable, SourceAdmin } from '../source.ts';
import { checkCdc } from './check.ts';
import { ADMIN_APPLICATION, openSession, type Session } from './connect.ts';
import { discoverTables } from './discover.ts';
import { comparePositions, readHead } from './position.ts';
import { openPostgres } from './postgres-source.ts';
import { dropPublication } from './publication.ts';
import { sampleRows } from './rows.ts';
import { checkOwner, dropSlot, freeSlot, readSlot, slotName } from './slot.ts';
import { startingPlace } from './starting-place.ts';

const EVERYTHING = { schemas: [], tables: [] } as const;

async function withSession<T>(
  connection: Connection,
  signal: AbortSignal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  await using session = await openSession(connection, { applicationName: ADMIN_APPLICATION }, signal);
  return await work(session);
}

/** What an administrator's publication holds is not known here, so generated columns are shown as ours would have them. */
const generatedFor = (session: Session): { storedGenerated: boolean } => ({
  storedGenerated: session.version >= 180_000,
});

export const postgresAdmin: SourceAdmin = {
  async test(connection, signal) {
    const begun = performance.now();
    return withSession(connection, signal, async (session) => {
      const { version } = await session.row<{ version: string }>(
        "SELECT current_setting('server_version') AS version",
      );
      return { version, latencyMs: Math.round(performance.now() - begun) };
    });
  },

  async checkCdc(connection, scope, signal) {
    return withSession(connection, signal, (session) => checkCdc(session, connection, scope.selection));
  },

  async catalogs(connection, signal) {
    return withSession(connection, signal, async (session) => {
      const rows = await session.rows<{ name: string }>(
        `SELECT datname::text AS name FROM pg_database
          WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT') ORDER BY datname`,
      );
      return rows.map((row) => row.name);
    });
  },

  async objects(connection, signal) {
    return withSession(connection, signal, (session) =>
      discoverTables(session, EVERYTHING, generatedFor(session)),
    );
  },

  async sample(connection, table, limit, signal) {
    return withSession(connection, signal, async (session) => {
      const found = await one(session, table);
      return sampleRows(session, table, found.schema.columns, limit);
    });
  },

  keeps: { what: 'replication slot and publication', cost: 'the slot holds the log of the server' },

  async forget(connection, taskKey, signal) {
    const slot = slotName(taskKey);
    return withSession(connection, signal, async (session) => {
      const state = await readSlot(session, slot);
      if (state) {
        checkOwner(slot, state, connection.database);
        await freeSlot(session, slot, taskKey, signal);
        await dropSlot(session, slot);
      }
      await dropPublication(session, slot, signal);
    });
  },

  async head(connection, signal) {
    return withSession(connection, signal, readHead);
  },

  async startingPlace(connection, taskKey, choice, signal) {
    return withSession(connection, signal, (session) =>
      startingPlace(session, slotName(taskKey), connection.database, choice),
    );
  },

  compare: comparePositions,

  open: openPostgres,
};

async function one(session: Session, table: TableName): Promise<DiscoveredTable> {
  const [found] = await discoverTables(session, { schemas: [], tables: [table] }, generatedFor(session));
  if (!found) throw new SluiceError('NOT_FOUND', `there is no table ${tableText(table)}`);
  return found;
}
