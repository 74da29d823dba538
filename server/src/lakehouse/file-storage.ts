import { closeSync, fsync as fsyncThen, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { opendir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { SluiceError } from '@sluice/contract';
import type { Storage } from './storage.ts';

/**
 * A folder of this machine as a warehouse. The path stands in the location as it is, behind `file://`, without
 * percent-encoding: no reader decodes it (Hadoop's Path, pyarrow, ClickHouse and DuckDB all cut the scheme off
 * and open the rest), and positions' `file_path` must equal the manifest's text byte for byte.
 */
export function fileStorage(): Storage {
  return {
    join: (base, ...parts) => [base.replace(/\/+$/, ''), ...parts].join('/'),
    localPath,
    location: (path) => `file://${resolve(path)}`,
    read: (location) => attempt('read', location, () => readFile(localPath(location))),
    create: (location, bytes) =>
      attempt('write', location, () => createFile(localPath(location), bytes, 'durable')),
    write: (location, bytes) =>
      attempt('write', location, () => createFile(localPath(location), bytes, 'later')),
    sync: syncAll,
    // No fsync: a removed file that a power cut brings back is an orphan, and no reader sees it.
    remove: (locations) =>
      inParallel(locations, (location) =>
        attempt('remove', location, () => unlink(localPath(location)).catch(ignoreMissing)),
      ),
    makeFolder: (location) => attempt('make', location, () => makeDurableFolder(localPath(location))),
    list: (base) => listFiles(localPath(base)),
  };
}

const PARALLEL = 8;

/** Hadoop writes `file:/path`, some tools the bare path; both mean the same file. */
function localPath(location: string): string {
  if (location.startsWith('file:///')) return location.slice('file://'.length);
  if (/^file:\/(?!\/)/.test(location)) return location.slice('file:'.length);
  if (location.startsWith('/')) return location;
  throw new SluiceError('STORAGE_FAILED', `${location} is not a file on this machine.`);
}

/** Whether a location lies in a folder, `..` resolved; the folder itself does not. */
export function isInside(storage: Storage, folder: string, location: string): boolean {
  try {
    const inner = resolve(storage.localPath(location));
    return inner.startsWith(resolve(storage.localPath(folder)).replace(/\/+$/, '') + sep);
  } catch {
    return false;
  }
}

const fsync = promisify(fsyncThen);

/**
 * To open, write and close a small file costs less than to have another thread do it; what waits for the disk is the
 * fsync. A commit makes dozens of these.
 */
async function createFile(path: string, bytes: Uint8Array, synced: 'durable' | 'later'): Promise<void> {
  const file = await openNew(path);
  try {
    writeFileSync(file, bytes);
    if (synced === 'durable') await fsync(file);
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    closeSync(file);
  }
  if (synced === 'durable') await syncPath(dirname(path));
}

async function openNew(path: string): Promise<number> {
  try {
    return openSync(path, 'wx');
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
    await makeDurableFolder(dirname(path));
    return openSync(path, 'wx');
  }
}

async function makeDurableFolder(path: string): Promise<void> {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await syncPath(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

async function syncAll(locations: readonly string[]): Promise<void> {
  await inParallel(locations, (location) => attempt('write', location, () => syncPath(localPath(location))));
  const folders = new Set(locations.map((location) => dirname(localPath(location))));
  await inParallel([...folders], (folder) => attempt('write', folder, () => syncPath(folder)));
}

async function syncPath(path: string): Promise<void> {
  const file = openSync(path, 'r');
  try {
    await fsync(file);
  } finally {
    closeSync(file);
  }
}

async function* listFiles(folder: string): ReturnType<Storage['list']> {
  const entries = await attempt('list', folder, () => opendir(folder).catch(ignoreMissing));
  if (entries === undefined) return;
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* listFiles(path);
    if (!entry.isFile()) continue;
    // Gone since the folder was read: it is not there.
    const found = await attempt('list', path, () => stat(path).catch(ignoreMissing));
    if (found) yield { location: `file://${path}`, bytes: found.size, modifiedMs: found.mtimeMs };
  }
}

async function inParallel(items: readonly string[], each: (item: string) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await each(item);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
}

async function attempt<T>(verb: string, location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(verb, location, error);
  }
}

/** What an operation of the file system failed with, in our words. */
export function storageError(verb: string, location: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = errno(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SluiceError('STORAGE_FULL', `The disk is full: could not ${verb} ${location}.`, {
      cause: error,
    });
  return new SluiceError('STORAGE_FAILED', `Could not ${verb} ${location}: ${code ?? String(error)}.`, {
    cause: error,
  });
}

function ignoreMissing(error: unknown): undefined {
  if (errno(error) !== 'ENOENT') throw error;
  return undefined;
}

function errno(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
