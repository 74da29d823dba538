import { SluiceError } from '@sluice/contract';
import type { LiveFile } from './data-file.ts';
import type { ManifestEntry } from './manifest.ts';
import { readManifest, readManifestList } from './manifest-cache.ts';
import type { ManifestFile } from './manifest-list.ts';
import type { Snapshot, SnapshotId, TableMetadata } from './metadata.ts';
import type { Storage } from './storage.ts';

/**
 * All data and delete files of a snapshot, the current one unless told; none where the table has no snapshot.
 * @throws SluiceError NOT_FOUND where the table has no such snapshot, STORAGE_FAILED
 */
export async function liveFiles(
  storage: Storage,
  metadata: TableMetadata,
  id?: SnapshotId,
): Promise<readonly LiveFile[]> {
  const snapshot = snapshotOf(metadata, id);
  if (snapshot === null) return [];
  const files: LiveFile[] = [];
  for (const { entries } of await snapshotManifests(storage, snapshot))
    for (const entry of entries)
      if (entry.status !== 'deleted') files.push({ ...entry.file, sequence: entry.sequence ?? 0 });
  return files;
}

/** @throws SluiceError NOT_FOUND where `id` is given and the table has no such snapshot */
export function snapshotOf(metadata: TableMetadata, id?: SnapshotId): Snapshot | null {
  const wanted = id ?? metadata['current-snapshot-id'] ?? null;
  // Java writes -1 where there is no current snapshot.
  if (wanted === null || wanted === -1) return null;
  const snapshot = metadata.snapshots.find((one) => one['snapshot-id'] === wanted);
  if (!snapshot) throw new SluiceError('NOT_FOUND', `The table has no snapshot ${wanted}.`);
  return snapshot;
}

export interface ReadManifest {
  readonly manifest: ManifestFile;
  readonly entries: readonly ManifestEntry[];
}

/** A snapshot's manifests with their entries, deleted ones included. */
export async function snapshotManifests(
  storage: Storage,
  snapshot: Snapshot,
): Promise<readonly ReadManifest[]> {
  const read: ReadManifest[] = [];
  for (const manifest of await readManifestList(storage, snapshot['manifest-list']))
    read.push({ manifest, entries: await readManifest(storage, manifest) });
  return read;
}
