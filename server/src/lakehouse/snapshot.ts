import { SluiceError } from '@sluice/contract';
import type { ContentFile } from './data-file.ts';
import { keptFields, type ManifestEntry } from './manifest.ts';
import { readManifest, readManifestList } from './manifest-cache.ts';
import type { ManifestFile } from './manifest-list.ts';
import type { Snapshot, SnapshotSummary, TableMetadata } from './metadata.ts';
import { liveFiles, snapshotOf } from './scan.ts';
import {
  beginDraft,
  type Draft,
  type DraftManifest,
  existing,
  finishDraft,
  mergeSmall,
} from './snapshot-draft.ts';
import { moveTotals, NO_TOTALS, statedTotals, summarize, type Totals, totalsOf } from './snapshot-summary.ts';
import type { Storage } from './storage.ts';

export interface SnapshotChange {
  /** Data files and position-delete files; durable, and not in the table yet. */
  readonly add: readonly ContentFile[];
  /** Paths of live files, data or delete. */
  readonly remove: ReadonlySet<string>;
  /** Every file that is live before goes, whatever `remove` says. */
  readonly replaceAll?: boolean;
  readonly operation: SnapshotSummary['operation'];
  /** Joins the snapshot's summary (sluice.position, …). */
  readonly summary: Readonly<Record<string, string>>;
  /**
   * Data sequence number of the added data files: of a rewrite, the largest one of the files that it replaces,
   * so that deletes committed meanwhile still hit. Otherwise the new snapshot's.
   */
  readonly sequence?: number;
  readonly nowMs?: number;
}

/**
 * Writes the manifests of a new current snapshot, durably. The pointer to the table is not moved: that is the
 * catalog's. A delete file whose only data file is removed goes with it.
 * @throws SluiceError COMMIT_CONFLICT where a file to remove is not live; TABLE_SCHEMA, STORAGE_*
 */
export async function writeSnapshot(
  storage: Storage,
  metadata: TableMetadata,
  change: SnapshotChange,
): Promise<TableMetadata> {
  const draft = beginDraft(metadata, change.nowMs ?? Date.now());
  const base = snapshotOf(metadata);
  const before = base === null ? [] : await readManifestList(storage, base['manifest-list']);
  const { manifests, removed } = await takeOut(storage, before, change, draft);
  manifests.push(...newManifests(change, draft));
  const added = totalsOf(change.add);
  const gone = totalsOf(removed);
  const total = moveTotals(await totalsBefore(storage, metadata, base), added, gone);
  const summary = summarize(change.operation, change.summary, added, gone, total);
  return finishDraft(storage, metadata, draft, await mergeSmall(storage, manifests), summary);
}

export async function totalsBefore(
  storage: Storage,
  metadata: TableMetadata,
  base: Snapshot | null,
): Promise<Totals> {
  if (base === null) return NO_TOTALS;
  // Totals are optional for other writers; then they are counted.
  return statedTotals(base.summary) ?? totalsOf(await liveFiles(storage, metadata, base['snapshot-id']));
}

function newManifests(change: SnapshotChange, draft: Draft): DraftManifest[] {
  const entry = (file: ContentFile): ManifestEntry => ({
    status: 'added',
    snapshotId: draft.id,
    sequence: file.content === 'data' ? (change.sequence ?? null) : null,
    fileSequence: null,
    file,
    kept: keptFields(file),
  });
  const data = change.add.filter((file) => file.content === 'data').map(entry);
  const deletes = change.add.filter((file) => file.content !== 'data').map(entry);
  return [data, deletes]
    .filter((entries) => entries.length > 0)
    .map((entries) => ({ kind: 'new', entries }) as const);
}

interface TakenOut {
  readonly manifests: DraftManifest[];
  readonly removed: readonly ContentFile[];
}

/** Manifests without a removed file are taken as they are; those whose last live file went before now go too. */
async function takeOut(
  storage: Storage,
  before: readonly ManifestFile[],
  change: SnapshotChange,
  draft: Draft,
): Promise<TakenOut> {
  const alive = before.filter((manifest) => manifest.addedFiles + manifest.existingFiles > 0);
  if (!change.replaceAll && change.remove.size === 0)
    return { manifests: alive.map((manifest) => ({ kind: 'reused', manifest })), removed: [] };
  const removed = new Map<string, ContentFile>();
  const manifests: DraftManifest[] = [];
  const goes = (file: ContentFile): boolean =>
    change.replaceAll === true ||
    change.remove.has(file.path) ||
    (file.referencedDataFile !== null && removed.has(file.referencedDataFile));
  // Data first: which data files go decides which delete files do.
  for (const content of ['data', 'deletes'])
    for (const manifest of alive.filter((one) => one.content === content)) {
      const live = (await readManifest(storage, manifest)).filter((entry) => entry.status !== 'deleted');
      const going = new Set(live.filter((entry) => goes(entry.file)));
      for (const { file } of going) removed.set(file.path, file);
      if (going.size === 0) manifests.push({ kind: 'reused', manifest });
      else
        manifests.push({
          kind: 'new',
          entries: live.map((entry) => (going.has(entry) ? deleted(entry, draft) : existing(entry))),
        });
    }
  for (const path of change.remove)
    if (!removed.has(path))
      throw new SluiceError('COMMIT_CONFLICT', `${path} is no longer part of the table.`);
  return { manifests, removed: [...removed.values()] };
}

export function deleted(entry: ManifestEntry, draft: Draft): ManifestEntry {
  return { ...entry, status: 'deleted', snapshotId: draft.id };
}
