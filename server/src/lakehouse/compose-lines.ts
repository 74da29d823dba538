import { SluiceError } from '@sluice/contract';
import { widens } from '../model/logical-type.ts';
import type { LiveFile } from './data-file.ts';
import { icebergTypeText, toLogical } from './iceberg-type.ts';
import type { ManifestEntry } from './manifest.ts';
import { readManifestList } from './manifest-cache.ts';
import type { IcebergField, IcebergSchema, TableMetadata } from './metadata.ts';
import { liveFiles, snapshotManifests, snapshotOf } from './scan.ts';
import { deleted } from './snapshot.ts';
import { beginDraft, type DraftManifest, finishDraft } from './snapshot-draft.ts';
import { summarize, totalsOf } from './snapshot-summary.ts';
import type { Storage } from './storage.ts';

/**
 * Makes a snapshot in `target`, under its current schema, whose contents are those of all `lines` together: other lines
 * of metadata of the same table, which were made beside it and have no file in common. What was live in `target` and is
 * in no line is deleted.
 *
 * The manifests of the lines are taken as they are, so each file keeps its data sequence number, and position deletes
 * name the file that they hit: which deletes hit which data stays what it was within each line, and no line's deletes
 * hit another's data. The new snapshot's number is larger than any of all lines, so it is larger than those of its
 * files, as the spec wants it.
 * @throws SluiceError TABLE_SCHEMA where a field id means another thing in two of them; STORAGE_*
 */
export async function composeLines(
  storage: Storage,
  target: TableMetadata,
  lines: readonly TableMetadata[],
  summary: Readonly<Record<string, string>>,
  nowMs = Date.now(),
): Promise<TableMetadata> {
  for (const line of lines) {
    if (target.location !== line.location)
      throw new SluiceError('TABLE_SCHEMA', `${line.location} cannot take the place of ${target.location}.`);
    for (const schema of line.schemas) checkFields(target.schemas, schema);
    // Refuses what cannot be continued.
    beginDraft(line, nowMs);
  }
  const draft = beginDraft(target, nowMs, Math.max(0, ...lines.map((line) => line['last-sequence-number'])));
  const manifests: DraftManifest[] = [];
  const live = new Map<string, LiveFile>();
  for (const line of lines) {
    const snapshot = snapshotOf(line);
    if (snapshot === null) continue;
    for (const manifest of await readManifestList(storage, snapshot['manifest-list']))
      if (manifest.addedFiles + manifest.existingFiles > 0) manifests.push({ kind: 'reused', manifest });
    for (const file of await liveFiles(storage, line)) {
      if (live.has(file.path)) throw new Error(`${file.path} is in two lines of ${target.location}`);
      live.set(file.path, file);
    }
  }
  const going = await liveEntries(storage, target, (path) => !live.has(path));
  for (const data of [true, false]) {
    const entries = going.filter((entry) => (entry.file.content === 'data') === data);
    if (entries.length > 0)
      manifests.push({ kind: 'new', entries: entries.map((entry) => deleted(entry, draft)) });
  }
  const was = new Set((await liveFiles(storage, target)).map((file) => file.path));
  const added = [...live.values()].filter((file) => !was.has(file.path));
  const removed = totalsOf(going.map((entry) => entry.file));
  // Never an append, though it may add rows alone: who reads appends one by one looks for manifests that this very
  // snapshot added, and would pass these over.
  return finishDraft(
    storage,
    target,
    draft,
    manifests,
    summarize('overwrite', summary, totalsOf(added), removed, totalsOf(live.values())),
  );
}

async function liveEntries(
  storage: Storage,
  metadata: TableMetadata,
  wanted: (path: string) => boolean,
): Promise<readonly ManifestEntry[]> {
  const snapshot = snapshotOf(metadata);
  if (snapshot === null) return [];
  return (await snapshotManifests(storage, snapshot))
    .flatMap(({ entries }) => entries)
    .filter((entry) => entry.status !== 'deleted' && wanted(entry.file.path));
}

/** Columns of older snapshots are read by these ids too, so an id must not change its meaning. */
export function checkFields(schemas: readonly IcebergSchema[], schema: IcebergSchema): void {
  for (const field of schema.fields)
    for (const other of schemas)
      for (const old of other.fields)
        if (old.id === field.id && !promotable(old, field))
          throw new SluiceError(
            'TABLE_SCHEMA',
            `The column ${field.name} (${icebergTypeText(field.type)}) has the id of ${old.name} (${icebergTypeText(old.type)}).`,
          );
}

function promotable(a: IcebergField, b: IcebergField): boolean {
  const from = toLogical(a.type);
  const to = toLogical(b.type);
  return widens(from, to) || widens(to, from);
}
