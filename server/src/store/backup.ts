import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, copyFile, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '@sluice/contract';
import Database from 'libsql';
import { z } from 'zod';
import { type DataDir, dataDirLayout, prepareDataDir } from './data-dir.ts';
import { metastoreError } from './metastore-error.ts';
import { SCHEMA_VERSION } from './migrations/migrate.ts';
import { lockDataDir } from './server-lock.ts';

const MANIFEST = 'backup.json';
const FILES = ['metastore.db', 'secret.key'] as const;

/** Written last: a folder that has it is whole. */
const Manifest = z.object({
  format: z.literal(1),
  sluice: z.string(),
  schemaVersion: z.int(),
  madeAt: z.string(),
  dataDir: z.string(),
  files: z.array(z.object({ name: z.enum(FILES), bytes: z.int(), sha256: z.string() })),
});
export type BackupManifest = z.infer<typeof Manifest>;

/**
 * Copies the metastore, and the key that its passwords are sealed with, into a new folder; a server may run meanwhile.
 * @throws SluiceError NOT_FOUND where there is no metastore, ALREADY_EXISTS, STORAGE_*
 */
export async function makeBackup(dataDir: string, folder: string, version: string): Promise<BackupManifest> {
  const layout = dataDirLayout(dataDir);
  if (!(await exists(layout.metastore)))
    throw new SluiceError('NOT_FOUND', `There is no metastore in ${layout.root}.`, {
      remedy: 'Name the data folder with --data-dir.',
    });
  const target = resolve(folder);
  await emptyFolder(target);
  try {
    const schemaVersion = copyMetastore(layout.metastore, join(target, 'metastore.db'));
    if (await exists(layout.secretKey)) await copyFile(layout.secretKey, join(target, 'secret.key'));
    const files = [];
    for (const name of FILES) if (await exists(join(target, name))) files.push(await sealed(target, name));
    const manifest: BackupManifest = {
      format: 1,
      sluice: version,
      schemaVersion,
      madeAt: new Date().toISOString(),
      dataDir: layout.root,
      files,
    };
    await writeSynced(join(target, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await syncFolder(target);
    await syncFolder(dirname(target));
    return manifest;
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw storageError(error, target);
  }
}

export interface Restored {
  readonly madeAt: string;
  /** The metastore that was there before; null: there was none. */
  readonly keptAside: string | null;
  /** Runs that were under way in the back-up: they are stopped, so that nothing begins by itself. */
  readonly stoppedRuns: number;
  /** Tables of the lake whose metadata is not there any more, and changes kept for loading tables. */
  readonly missingTables: readonly string[];
  readonly missingSegments: number;
}

/** @throws SluiceError INVALID_REQUEST where the folder is no whole back-up, or of a newer version */
export async function readBackup(folder: string): Promise<BackupManifest> {
  const from = resolve(folder);
  let manifest: BackupManifest;
  try {
    manifest = Manifest.parse(JSON.parse(await readFile(join(from, MANIFEST), 'utf8')));
  } catch (error) {
    throw new SluiceError('INVALID_REQUEST', `${from} is no whole back-up of Sluice.`, {
      remedy: 'Name the folder that `sluice backup` made; it holds backup.json.',
      cause: error,
    });
  }
  if (manifest.schemaVersion > SCHEMA_VERSION)
    throw new SluiceError('CONFLICT', 'The back-up was made by a newer version of Sluice.', {
      remedy: `Restore it with Sluice ${manifest.sluice} or newer.`,
    });
  for (const file of manifest.files) {
    const found = await sealed(from, file.name).catch(() => null);
    if (found?.sha256 !== file.sha256)
      throw new SluiceError('INVALID_REQUEST', `${file.name} in ${from} is not as it was backed up.`, {
        remedy: 'Take another back-up; this one is damaged.',
      });
  }
  if (!manifest.files.some((file) => file.name === 'metastore.db'))
    throw new SluiceError('INVALID_REQUEST', `${from} holds no metastore.`);
  return manifest;
}

/**
 * Puts a back-up in the place of a data folder's metastore, which is kept beside it.
 * @throws SluiceError CONFLICT where a server works with the folder, INVALID_REQUEST, STORAGE_*
 */
export async function restoreBackup(folder: string, dataDir: string): Promise<Restored> {
  const from = resolve(folder);
  const manifest = await readBackup(from);
  const layout = await prepareDataDir(dataDir);
  const release = await lockDataDir(layout);
  const fresh = `${layout.metastore}.restoring-${randomUUID()}`;
  try {
    await copyFile(join(from, 'metastore.db'), fresh);
    const { stoppedRuns, tables, segments } = quieten(fresh);
    await syncFile(fresh);
    const missingTables = [];
    for (const { name, location } of tables) if (!(await exists(pathOf(location)))) missingTables.push(name);
    let missingSegments = 0;
    for (const path of segments) if (!(await exists(path))) missingSegments++;
    const keptAside = await putAside(layout);
    await rename(fresh, layout.metastore);
    await takeKey(from, layout, keptAside);
    await syncFolder(layout.root);
    return { madeAt: manifest.madeAt, keptAside, stoppedRuns, missingTables, missingSegments };
  } catch (error) {
    await rm(fresh, { force: true });
    throw storageError(error, layout.root);
  } finally {
    await release();
  }
}

/** As of one moment, whoever writes meanwhile; a file of its own, without a log beside it. @returns its version */
function copyMetastore(from: string, to: string): number {
  let database: Database.Database | null = null;
  try {
    database = new Database(from, { timeout: 15_000 });
    database.prepare('VACUUM INTO ?').run(to);
    const { user_version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    return user_version;
  } catch (error) {
    throw metastoreError(error);
  } finally {
    database?.close();
  }
}

/** Ends what was under way when the back-up was made, and tells what it refers to. @throws SluiceError STORAGE_FAILED */
function quieten(file: string): {
  readonly stoppedRuns: number;
  readonly tables: readonly { readonly name: string; readonly location: string }[];
  readonly segments: readonly string[];
} {
  const database = new Database(file);
  try {
    const [check] = database.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
    if (check?.integrity_check !== 'ok')
      throw new SluiceError(
        'STORAGE_FAILED',
        `The metastore in the back-up is damaged: ${check?.integrity_check}.`,
      );
    const now = BigInt(Date.now());
    database.prepare("UPDATE attempts SET state = 'stopped', ended_at = ? WHERE state = 'running'").run(now);
    const { changes } = database
      .prepare("UPDATE runs SET state = 'stopped', ended_at = ? WHERE state NOT IN ('stopped', 'failed')")
      .run(now);
    const tables = database
      .prepare("SELECT namespace || '.' || name AS name, metadata_location AS location FROM iceberg_tables")
      .all() as { name: string; location: string }[];
    const segments = (database.prepare('SELECT path FROM segments').all() as { path: string }[]).map(
      (row) => row.path,
    );
    return { stoppedRuns: changes, tables, segments };
  } catch (error) {
    throw metastoreError(error);
  } finally {
    database.close();
  }
}

/** With its log, under one name: it can be opened there. @returns null where there was none */
async function putAside(layout: DataDir): Promise<string | null> {
  if (!(await exists(layout.metastore))) return null;
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const aside = join(layout.root, `metastore-before-restore-${stamp}.db`);
  for (const part of ['-wal', '-shm', ''])
    if (await exists(layout.metastore + part)) await rename(layout.metastore + part, aside + part);
  return aside;
}

/** The key that the restored passwords are sealed with; another one stays beside the metastore that it belongs to. */
async function takeKey(from: string, layout: DataDir, keptAside: string | null): Promise<void> {
  const key = await readFile(join(from, 'secret.key')).catch(() => null);
  if (key === null) return;
  const present = await readFile(layout.secretKey).catch(() => null);
  if (present?.equals(key)) return;
  if (present !== null && keptAside !== null) await rename(layout.secretKey, `${keptAside}.secret.key`);
  await rm(layout.secretKey, { force: true });
  await copyFile(join(from, 'secret.key'), layout.secretKey);
  await syncFile(layout.secretKey);
}

async function emptyFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if ((await readdir(path)).length === 0) {
      // Made anew, so that it is nobody else's to read.
      await rmdir(path);
      await mkdir(path, { mode: 0o700 });
      return;
    }
  } catch (error) {
    throw storageError(error, path);
  }
  throw new SluiceError('ALREADY_EXISTS', `The folder ${path} is not empty.`, {
    remedy: 'Name a folder that does not exist yet.',
  });
}

async function sealed(
  folder: string,
  name: (typeof FILES)[number],
): Promise<BackupManifest['files'][number]> {
  await syncFile(join(folder, name));
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(join(folder, name)) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { name, bytes, sha256: hash.digest('hex') };
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const pathOf = (location: string): string =>
  location.startsWith('file:') ? fileURLToPath(location) : location;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function storageError(error: unknown, path: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  const full = code === 'ENOSPC';
  return new SluiceError(full ? 'STORAGE_FULL' : 'STORAGE_FAILED', `${path} cannot be used: ${message}.`, {
    cause: error,
  });
}
