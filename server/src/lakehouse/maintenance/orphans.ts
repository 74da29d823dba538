import type { LoadedTable } from '../catalog.ts';
import { isInside } from '../file-storage.ts';
import { reachableFiles } from '../reachability.ts';
import type { Storage } from '../storage.ts';

export interface OrphanRule {
  /** Younger files stay: what a writer is making is in no metadata yet. */
  readonly minAgeMs: number;
  readonly nowMs: number;
  /** Files that something else than metadata knows of (what maintenance has prepared), however old. */
  readonly isKept: (location: string) => boolean;
  /** Other metadata that has its files in the table's folders (the lines of a merged table). */
  readonly lines?: () => Promise<readonly LoadedTable[]>;
}

export const DEFAULT_ORPHAN_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * Removes the files in a table's own data and metadata folders that none of its kept snapshots needs: what crashed writers
 * left. The metadata is loaded after the folders were listed, so that what was committed meanwhile is known.
 * @param load the table as it is in the catalog; null: it is gone, and then nothing is removed
 * @returns the locations that were removed
 */
export async function removeOrphans(
  storage: Storage,
  location: string,
  load: () => Promise<LoadedTable | null>,
  rule: OrphanRule,
): Promise<readonly string[]> {
  const old: string[] = [];
  for (const part of ['data', 'metadata'])
    for await (const file of storage.list(storage.join(location, part)))
      if (rule.nowMs - file.modifiedMs > rule.minAgeMs) old.push(file.location);
  if (old.length === 0) return [];
  const table = await load();
  // A table that was moved meanwhile has its files elsewhere; what is here is not known then.
  if (table === null || table.metadata.location !== location) return [];
  const reachable = new Set<string>();
  for (const { metadata, metadataLocation } of [table, ...((await rule.lines?.()) ?? [])])
    for (const file of await reachableFiles(storage, metadata, metadataLocation)) reachable.add(file);
  // Other writers write the same path in other forms (file:/…).
  const needed = new Set([...reachable].map((file) => storage.localPath(file)));
  const orphans = old.filter(
    (file) => isInside(storage, location, file) && !needed.has(storage.localPath(file)) && !rule.isKept(file),
  );
  await storage.remove(orphans);
  return orphans;
}
