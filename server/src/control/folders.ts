import { type Folder, SluiceError, type VCluster } from '@sluice/contract';
import { isForeignKeyViolation, isUniqueViolation } from '../store/metastore-error.ts';
import { type Control, isoTime } from './context.ts';
import { findNamed } from './references.ts';

export async function listFolders({ db }: Control): Promise<Folder[]> {
  const rows = await db
    .selectFrom('folders')
    .leftJoin('tasks', 'tasks.folder_id', 'folders.id')
    .groupBy('folders.id')
    .orderBy('folders.name')
    .select(({ fn }) => [
      'folders.id',
      'folders.name',
      'folders.created_at',
      fn.count<number>('tasks.id').as('tasks'),
    ])
    .execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    tasks: row.tasks,
    createdAt: isoTime(row.created_at),
  }));
}

export async function createFolder({ db }: Control, name: string): Promise<Folder> {
  const now = Date.now();
  try {
    const { insertId } = await db
      .insertInto('folders')
      .values({ name, created_at: now })
      .executeTakeFirstOrThrow();
    return { id: Number(insertId), name, tasks: 0, createdAt: isoTime(now) };
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new SluiceError('ALREADY_EXISTS', `A folder ${JSON.stringify(name)} exists already.`);
  }
}

export async function deleteFolder({ db }: Control, ref: string): Promise<{ deleted: string }> {
  const row = await findNamed(db, 'folders', ref);
  try {
    await db.deleteFrom('folders').where('id', '=', row.id).execute();
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw new SluiceError('CONFLICT', `The folder ${row.name} is not empty.`, {
      remedy: 'Delete its tasks first.',
    });
  }
  return { deleted: row.name };
}

export async function listVClusters({ db }: Control): Promise<VCluster[]> {
  const rows = await db.selectFrom('vclusters').selectAll().orderBy('name').execute();
  return rows.map((row) => ({ id: row.id, name: row.name, type: row.type }));
}
