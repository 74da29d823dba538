import { Kysely } from 'kysely';
import { migrate } from './migrations/migrate.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import type { Metastore } from './tables.ts';

export type MetastoreDb = Kysely<Metastore>;

/**
 * Opens the metastore, and brings its tables up to this version's. Close it with `destroy()`.
 *
 * Write in `db.transaction().execute(…)` wherever two statements belong together: it takes the write lock at once.
 * One connection serves a process, so inside a transaction use its handle only (`db` itself would wait for ever),
 * and wait for nothing but the metastore: other processes wait meanwhile.
 *
 * @throws SluiceError METASTORE_BUSY, STORAGE_FULL, STORAGE_FAILED; CONFLICT where a newer version of Sluice has
 * written the file
 */
export async function openMetastore(
  file: string,
  options: { readonly patienceMs?: number } = {},
): Promise<MetastoreDb> {
  const db = new Kysely<Metastore>({
    dialect: sqliteDialect({ file, patienceMs: options.patienceMs ?? 15_000 }),
  });
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}
