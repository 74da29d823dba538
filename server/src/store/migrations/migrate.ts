import { SluiceError } from '@sluice/contract';
import { type Kysely, sql } from 'kysely';
import { firstTables } from './0001-first-tables.ts';
import { serverIds } from './0002-server-ids.ts';
import { tableOrders } from './0003-table-orders.ts';
import { alerts } from './0004-alerts.ts';
import { events } from './0005-events.ts';
import { merges } from './0006-merges.ts';
import { verifications } from './0007-verifications.ts';

/** The statements of one step; all of them, and the version, are one transaction. */
export interface Migration {
  readonly version: number;
  readonly statements: readonly string[];
}

/** In order, without gaps. A step that was released is never changed again: add another. */
export const MIGRATIONS: readonly Migration[] = [
  firstTables,
  serverIds,
  tableOrders,
  alerts,
  events,
  merges,
  verifications,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the file from its version to this one; the version is SQLite's own `user_version`.
 * @throws SluiceError CONFLICT where a newer version has written the file
 */
export async function migrate<T>(
  db: Kysely<T>,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  if (migrations.some((step, index) => step.version !== index + 1))
    throw new Error('migrations are not in order');
  if ((await versionOf(db)) === migrations.length) return;
  await db.transaction().execute(async (trx) => {
    // Read again under the lock: another process may have been faster.
    const version = await versionOf(trx);
    if (version > migrations.length)
      throw new SluiceError(
        'CONFLICT',
        `The data folder was written by a newer version of Sluice (schema ${version}, this one knows ${migrations.length}).`,
        { remedy: 'Run the newer version, or use another data folder.' },
      );
    for (const step of migrations.slice(version)) {
      for (const statement of step.statements) await sql.raw(statement).execute(trx);
      await sql.raw(`PRAGMA user_version = ${step.version}`).execute(trx);
    }
  });
}

async function versionOf<T>(db: Kysely<T>): Promise<number> {
  const { rows } = await sql<{ user_version: number }>`PRAGMA user_version`.execute(db);
  return rows[0]?.user_version ?? 0;
}
