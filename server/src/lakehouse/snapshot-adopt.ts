import { SluiceError } from '@sluice/contract';
import { widens } from '../model/logical-type.ts';
import { icebergTypeText, sameSchema, toLogical } from './iceberg-type.ts';
import type { ManifestEntry } from './manifest.ts';
import { readManifestList } from './manifest-cache.ts';
import type { IcebergField, IcebergSchema, TableMetadata } from './metadata.ts';
import { liveFiles, snapshotManifests, snapshotOf } from './scan.ts';
import { nextSchemaId } from './schema-edit.ts';
import { deleted, totalsBefore } from './snapshot.ts';
import { beginDraft, type DraftManifest, finishDraft } from './snapshot-draft.ts';
import { NO_TOTALS, summarize, totalsOf } from './snapshot-summary.ts';
import type { Storage } from './storage.ts';
import { currentSchema } from './table-metadata.ts';

/**
 * Makes a snapshot in `target` whose contents and current schema are those of `staged`: another line of metadata
 * of the same table, which was loaded beside it. What was live in `target` and is not in `staged` is deleted.
 *
 * The manifests of `staged` are taken as they are, so each file keeps its data sequence number, and of the
 * contents all come from one line: which deletes hit which data stays what it was. The new snapshot's number is
 * larger than any of both lines, so it is larger than those of its files, as the spec wants it.
 * @throws SluiceError TABLE_SCHEMA where a field id means another thing in the two lines; STORAGE_*
 */
export async function adoptSnapshot(
  storage: Storage,
  target: TableMetadata,
  staged: TableMetadata,
  summary: Readonly<Record<string, string>>,
  nowMs = Date.now(),
): Promise<TableMetadata> {
  if (target.location !== staged.location)
    throw new SluiceError('TABLE_SCHEMA', `${staged.location} cannot take the place of ${target.location}.`);
  const evolved = adoptSchema(target, staged);
  const draft = beginDraft(evolved, nowMs, staged['last-sequence-number']);
  beginDraft(staged, nowMs);
  const from = snapshotOf(staged);
  const contents = from === null ? [] : await readManifestList(storage, from['manifest-list']);
  const stays = new Set((await liveFiles(storage, staged)).map((file) => file.path));
  const going = await liveEntries(storage, target, (path) => !stays.has(path));
  const manifests: DraftManifest[] = contents
    .filter((manifest) => manifest.addedFiles + manifest.existingFiles > 0)
    .map((manifest) => ({ kind: 'reused', manifest }));
  for (const data of [true, false]) {
    const entries = going.filter((entry) => (entry.file.content === 'data') === data);
    if (entries.length > 0)
      manifests.push({ kind: 'new', entries: entries.map((entry) => deleted(entry, draft)) });
  }
  const was = new Set((await liveFiles(storage, target)).map((file) => file.path));
  const added = (await liveFiles(storage, staged)).filter((file) => !was.has(file.path));
  const total = from === null ? NO_TOTALS : await totalsBefore(storage, staged, from);
  const removed = totalsOf(going.map((entry) => entry.file));
  return finishDraft(
    storage,
    evolved,
    draft,
    manifests,
    summarize('overwrite', summary, totalsOf(added), removed, total),
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

/** Both lines' schemas, `staged`'s current one current. Ids of schemas that both lines gave away are given anew. */
function adoptSchema(target: TableMetadata, staged: TableMetadata): TableMetadata {
  let schemas = target.schemas;
  let current = target['current-schema-id'];
  for (const schema of staged.schemas) {
    checkFields(schemas, schema);
    const same = schemas.find((one) => sameSchema(one, schema));
    const id = same ? same['schema-id'] : nextSchemaId({ ...target, schemas });
    if (!same) schemas = [...schemas, { ...schema, 'schema-id': id }];
    if (schema === currentSchema(staged)) current = id;
  }
  return {
    ...target,
    schemas,
    'current-schema-id': current,
    'last-column-id': Math.max(target['last-column-id'], staged['last-column-id']),
  };
}

/** Columns of older snapshots are read by these ids too, so an id must not change its meaning. */
function checkFields(schemas: readonly IcebergSchema[], schema: IcebergSchema): void {
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
