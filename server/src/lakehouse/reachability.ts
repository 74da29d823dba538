import { readManifest, readManifestList } from './manifest-cache.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';
import type { Storage } from './storage.ts';

/** A statistics entry of table metadata, as far as its file goes (spec section "Table Statistics"). */
export interface StatisticsFile {
  readonly 'snapshot-id': number | bigint;
  readonly 'statistics-path': string;
}

export function statisticsOf(metadata: TableMetadata): readonly StatisticsFile[] {
  return [...(metadata.statistics ?? []), ...(metadata['partition-statistics'] ?? [])] as StatisticsFile[];
}

/**
 * Adds all files that the snapshots need to be read: manifest lists, manifests, live data and delete files.
 * Manifests that are in `skip` are taken as known already, with what they list.
 */
export async function addReachable(
  storage: Storage,
  snapshots: readonly Snapshot[],
  into: Set<string>,
  skip: ReadonlySet<string> = new Set(),
): Promise<void> {
  const seen = new Set(skip);
  for (const snapshot of snapshots) {
    into.add(snapshot['manifest-list']);
    for (const manifest of await readManifestList(storage, snapshot['manifest-list'])) {
      if (seen.has(manifest.path)) continue;
      seen.add(manifest.path);
      into.add(manifest.path);
      for (const { status, file } of await readManifest(storage, manifest))
        if (status !== 'deleted') into.add(file.path);
    }
  }
}

/** Every file that belongs to a table whose current metadata file is `location`: all others in its folder are orphans. */
export async function reachableFiles(
  storage: Storage,
  metadata: TableMetadata,
  location: string,
): Promise<ReadonlySet<string>> {
  const files = new Set([location]);
  for (const entry of metadata['metadata-log']) files.add(entry['metadata-file']);
  for (const entry of statisticsOf(metadata)) files.add(entry['statistics-path']);
  await addReachable(storage, metadata.snapshots, files);
  return files;
}
