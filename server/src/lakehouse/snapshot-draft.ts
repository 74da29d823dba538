import { randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/contract';
import { encodeManifest, type ManifestEntry } from './manifest.ts';
import { keepManifest, keepManifestList, readManifest } from './manifest-cache.ts';
import { encodeManifestList, type ManifestFile } from './manifest-list.ts';
import type { Snapshot, SnapshotSummary, TableMetadata } from './metadata.ts';
import { newSnapshotId } from './snapshot-id.ts';
import type { Storage } from './storage.ts';
import { currentSchema } from './table-metadata.ts';

/** A snapshot in the making: its numbers are known, its files are not written yet. */
export interface Draft {
  readonly id: number;
  readonly sequence: number;
  readonly timestampMs: number;
}

/** A manifest of the new snapshot: one that is there already, or entries to be written. */
export type DraftManifest =
  | { readonly kind: 'reused'; readonly manifest: ManifestFile }
  | { readonly kind: 'new'; readonly entries: readonly ManifestEntry[] };

/** @throws SluiceError TABLE_SCHEMA for tables that other writers made in a way that ours cannot continue */
export function beginDraft(metadata: TableMetadata, nowMs: number, afterSequence = 0): Draft {
  if (metadata['format-version'] !== 2)
    throw new SluiceError(
      'TABLE_SCHEMA',
      `Tables of format version ${metadata['format-version']} are not written.`,
    );
  if (metadata['partition-specs'].some((spec) => spec.fields.length > 0))
    throw new SluiceError('TABLE_SCHEMA', 'Partitioned tables are not written.');
  return {
    id: newSnapshotId(new Set(metadata.snapshots.map((snapshot) => snapshot['snapshot-id']))),
    sequence: Math.max(metadata['last-sequence-number'], afterSequence) + 1,
    // Readers travel by time, so it never goes back, whatever the clock does.
    timestampMs: Math.max(nowMs, metadata['last-updated-ms']),
  };
}

/** More small manifests of one kind than this are put together into few. */
const SMALL_MANIFESTS = 32;
const SMALL_ENTRIES = 5_000;
const MANIFEST_ENTRIES = 10_000;

/**
 * Keeps the number of manifests small. What is old in a merged manifest becomes 'existing', what an older
 * snapshot deleted goes, and this snapshot's own entries stay as they are.
 */
export async function mergeSmall(
  storage: Storage,
  manifests: readonly DraftManifest[],
): Promise<readonly DraftManifest[]> {
  const merged: DraftManifest[] = [];
  for (const kind of ['data', 'deletes'] as const) {
    const ofKind = manifests.filter((one) => contentOf(one) === kind);
    const small = ofKind.filter((one) => entryCount(one) < SMALL_ENTRIES);
    if (small.length <= SMALL_MANIFESTS) {
      merged.push(...ofKind);
      continue;
    }
    merged.push(...ofKind.filter((one) => entryCount(one) >= SMALL_ENTRIES));
    const entries: ManifestEntry[] = [];
    for (const one of small)
      entries.push(
        ...(one.kind === 'new' ? one.entries : carriedOver(await readManifest(storage, one.manifest))),
      );
    merged.push({ kind: 'new', entries });
  }
  return merged;
}

function carriedOver(entries: readonly ManifestEntry[]): ManifestEntry[] {
  return entries.filter((entry) => entry.status !== 'deleted').map(existing);
}

export function existing(entry: ManifestEntry): ManifestEntry {
  return entry.status === 'existing' ? entry : { ...entry, status: 'existing' };
}

function entryCount(one: DraftManifest): number {
  return one.kind === 'new' ? one.entries.length : one.manifest.addedFiles + one.manifest.existingFiles;
}

function contentOf(one: DraftManifest): 'data' | 'deletes' {
  if (one.kind === 'reused') return one.manifest.content;
  return one.entries[0]?.file.content === 'data' ? 'data' : 'deletes';
}

/** Writes the manifests and the manifest list, and makes the snapshot the table's current one. */
export async function finishDraft(
  storage: Storage,
  metadata: TableMetadata,
  draft: Draft,
  manifests: readonly DraftManifest[],
  summary: SnapshotSummary,
): Promise<TableMetadata> {
  const listed: ManifestFile[] = [];
  for (const one of manifests) {
    if (one.kind === 'reused') listed.push(one.manifest);
    else
      for (let start = 0; start < one.entries.length; start += MANIFEST_ENTRIES)
        listed.push(
          await writeManifest(storage, metadata, draft, one.entries.slice(start, start + MANIFEST_ENTRIES)),
        );
  }
  const parent = metadata['current-snapshot-id'] ?? null;
  const hasParent = parent !== null && parent !== -1;
  const list = storage.join(metadata.location, 'metadata', `snap-${draft.id}-1-${randomUUID()}.avro`);
  const bytes = encodeManifestList(listed, {
    ...{ id: draft.id, parent: hasParent ? parent : null, sequence: draft.sequence },
  });
  await storage.create(list, bytes);
  keepManifestList(storage, list, bytes);
  const snapshot: Snapshot = {
    'snapshot-id': draft.id,
    ...(hasParent ? { 'parent-snapshot-id': parent } : {}),
    'sequence-number': draft.sequence,
    'timestamp-ms': draft.timestampMs,
    'manifest-list': list,
    summary,
    'schema-id': metadata['current-schema-id'],
  };
  return {
    ...metadata,
    'last-sequence-number': draft.sequence,
    'last-updated-ms': draft.timestampMs,
    snapshots: [...metadata.snapshots, snapshot],
    'snapshot-log': [
      ...metadata['snapshot-log'],
      { 'snapshot-id': draft.id, 'timestamp-ms': draft.timestampMs },
    ],
    'current-snapshot-id': draft.id,
    refs: { ...metadata.refs, main: { ...metadata.refs.main, 'snapshot-id': draft.id, type: 'branch' } },
  };
}

async function writeManifest(
  storage: Storage,
  metadata: TableMetadata,
  draft: Draft,
  entries: readonly ManifestEntry[],
): Promise<ManifestFile> {
  const specId = metadata['default-spec-id'];
  const bytes = encodeManifest(entries, currentSchema(metadata), specId);
  const content = entries[0]?.file.content === 'data' ? 'data' : 'deletes';
  const path = storage.join(metadata.location, 'metadata', `${randomUUID()}-m-${content}.avro`);
  await storage.create(path, bytes);
  const files = { existing: 0, added: 0, deleted: 0 };
  const rows = { existing: 0, added: 0, deleted: 0 };
  let minSequence = draft.sequence;
  for (const { status, sequence, file } of entries) {
    files[status]++;
    rows[status] += file.records;
    if (status !== 'deleted') minSequence = Math.min(minSequence, sequence ?? draft.sequence);
  }
  const manifest: ManifestFile = {
    path,
    bytes: bytes.length,
    specId,
    content,
    sequence: draft.sequence,
    minSequence,
    addedSnapshotId: draft.id,
    addedFiles: files.added,
    existingFiles: files.existing,
    deletedFiles: files.deleted,
    addedRows: rows.added,
    existingRows: rows.existing,
    deletedRows: rows.deleted,
    partitions: null,
    keyMetadata: null,
  };
  keepManifest(storage, manifest, bytes);
  return manifest;
}
