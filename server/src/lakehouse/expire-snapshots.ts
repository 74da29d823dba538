import { isInside } from './file-storage.ts';
import type { Snapshot, SnapshotId, TableMetadata } from './metadata.ts';
import { addReachable, type StatisticsFile, statisticsOf } from './reachability.ts';
import type { Storage } from './storage.ts';

export interface ExpiryRule {
  /** At least so many of each branch's newest snapshots stay; 1 or more. */
  readonly keepLast: number;
  /** Younger snapshots stay. */
  readonly olderThanMs: number;
  readonly nowMs: number;
}

/**
 * Forgets old snapshots. The files are for removal after the new metadata is committed, never before.
 * Heads of branches and tags always stay, and so does every file that a snapshot which stays needs.
 */
export async function expireSnapshots(
  storage: Storage,
  metadata: TableMetadata,
  rule: ExpiryRule,
): Promise<{ readonly metadata: TableMetadata; readonly filesToRemove: readonly string[] }> {
  const keep = keptIds(metadata, rule);
  const expired = metadata.snapshots.filter((snapshot) => !keep.has(snapshot['snapshot-id']));
  if (expired.length === 0) return { metadata, filesToRemove: [] };
  const after = removeSnapshots(metadata, new Set(expired.map((snapshot) => snapshot['snapshot-id'])));
  const needed = new Set<string>();
  await addReachable(storage, after.snapshots, needed);
  for (const entry of statisticsOf(after)) needed.add(entry['statistics-path']);
  const candidates = new Set<string>();
  // What a manifest that stays lists is needed already, so those need not be read twice.
  await addReachable(storage, expired, candidates, needed);
  for (const entry of statisticsOf(metadata)) candidates.add(entry['statistics-path']);
  // Files that another writer took in from elsewhere are not the table's own.
  const filesToRemove = [...candidates].filter(
    (file) => !needed.has(file) && isInside(storage, metadata.location, file),
  );
  return { metadata: after, filesToRemove };
}

function keptIds(metadata: TableMetadata, rule: ExpiryRule): ReadonlySet<SnapshotId> {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]));
  const keep = new Set<SnapshotId>();
  const oldest = rule.nowMs - rule.olderThanMs;
  for (const snapshot of metadata.snapshots)
    if (snapshot['timestamp-ms'] >= oldest) keep.add(snapshot['snapshot-id']);
  const head = metadata['current-snapshot-id'] ?? null;
  if (head !== null) keepAncestors(byId, head, rule.keepLast, keep);
  for (const ref of Object.values(metadata.refs))
    if (ref.type === 'tag') keep.add(ref['snapshot-id']);
    else {
      const count = Math.max(1, rule.keepLast, ref['min-snapshots-to-keep'] ?? 0);
      keepAncestors(byId, ref['snapshot-id'], count, keep);
    }
  return keep;
}

function keepAncestors(
  byId: ReadonlyMap<SnapshotId, Snapshot>,
  head: SnapshotId,
  count: number,
  keep: Set<SnapshotId>,
): void {
  let snapshot = byId.get(head);
  for (let left = Math.max(1, count); left > 0 && snapshot; left--) {
    keep.add(snapshot['snapshot-id']);
    const parent = snapshot['parent-snapshot-id'];
    snapshot = parent === undefined ? undefined : byId.get(parent);
  }
}

/** Takes snapshots out of the metadata, with what speaks of them: references, statistics, the log up to them. */
export function removeSnapshots(metadata: TableMetadata, ids: ReadonlySet<SnapshotId>): TableMetadata {
  const stays = (entry: { readonly 'snapshot-id': SnapshotId }): boolean => !ids.has(entry['snapshot-id']);
  const log = metadata['snapshot-log'];
  // A log with a hole would say that an older snapshot was current when it was not; so it begins behind the last one.
  const cut = log.findLastIndex((entry) => !stays(entry)) + 1;
  const head = metadata['current-snapshot-id'] ?? null;
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter(stays),
    'snapshot-log': log.slice(cut),
    refs: Object.fromEntries(Object.entries(metadata.refs).filter(([, ref]) => stays(ref))),
    'current-snapshot-id': head !== null && ids.has(head) ? null : head,
    ...(metadata.statistics && { statistics: (metadata.statistics as StatisticsFile[]).filter(stays) }),
    ...(metadata['partition-statistics'] && {
      'partition-statistics': (metadata['partition-statistics'] as StatisticsFile[]).filter(stays),
    }),
  };
}
