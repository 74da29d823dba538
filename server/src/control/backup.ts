import { makeBackup, type Restored, readBackup, restoreBackup } from '../store/backup.ts';
import { VERSION } from './server-status.ts';

export interface BackupMade {
  readonly folder: string;
  readonly madeAt: string;
  readonly bytes: number;
}

export async function backup(dataDir: string, folder: string): Promise<BackupMade> {
  const { madeAt, files } = await makeBackup(dataDir, folder, VERSION);
  return { folder, madeAt, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
}

/** What a restore would do, for a person to agree to. @throws SluiceError where it could not */
export async function restorePlan(dataDir: string, folder: string): Promise<string> {
  const { madeAt, schemaVersion } = await readBackup(folder);
  return (
    `The metastore of ${dataDir} becomes that of ${madeAt} (schema ${schemaVersion}): data sources, tasks, positions ` +
    'and the tables that readers see are as they were then. The present one is kept beside it. No task begins by itself.'
  );
}

export function restore(dataDir: string, folder: string): Promise<Restored> {
  return restoreBackup(folder, dataDir);
}
