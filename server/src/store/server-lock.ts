import { readFile, unlink, writeFile } from 'node:fs/promises';
import { SluiceError } from '@sluice/contract';
import Database from 'libsql';
import type { DataDir } from './data-dir.ts';
import { metastoreError } from './metastore-error.ts';

/**
 * One server has a data folder at a time. The lock is SQLite's on a file of its own: the operating system gives it
 * up when the process dies, however it dies, so no lock is ever stale. The pid beside it is for the message only.
 * @returns what gives the lock back
 * @throws SluiceError CONFLICT where another server has it
 */
export async function lockDataDir(layout: DataDir): Promise<() => Promise<void>> {
  let database: Database.Database | null = null;
  try {
    database = new Database(layout.lock);
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    const known = metastoreError(error);
    if (known.code !== 'METASTORE_BUSY') throw known;
    const pid = await readFile(layout.pid, 'utf8').catch(() => 'unknown');
    throw new SluiceError(
      'CONFLICT',
      `Another server (process ${pid.trim()}) works with the data folder ${layout.root}.`,
      { remedy: 'Use that server, stop it, or choose another folder with --data-dir.' },
    );
  }
  const held = database;
  await writeFile(layout.pid, `${process.pid}\n`, { mode: 0o600 });
  let released = false;
  return async () => {
    if (released) return;
    released = true;
    await unlink(layout.pid).catch(() => {});
    held.exec('ROLLBACK');
    held.close();
  };
}
