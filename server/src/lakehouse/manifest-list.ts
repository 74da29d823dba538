import { SluiceError } from '@sluice/contract';
import { type AvroRecord, readAvro, writeAvro } from './avro.ts';
import { fieldReader, MANIFEST_FILE } from './manifest-schema.ts';
import type { SnapshotId } from './metadata.ts';
import { snapshotId } from './snapshot-id.ts';

/** A line of a manifest list (spec section "Manifest Lists", struct manifest_file). */
export interface ManifestFile {
  readonly path: string;
  readonly bytes: number;
  readonly specId: number;
  readonly content: 'data' | 'deletes';
  /** Of the commit that added the manifest. */
  readonly sequence: number;
  /** The smallest data sequence number of its live files. */
  readonly minSequence: number;
  readonly addedSnapshotId: SnapshotId;
  readonly addedFiles: number;
  readonly existingFiles: number;
  readonly deletedFiles: number;
  readonly addedRows: number;
  readonly existingRows: number;
  readonly deletedRows: number;
  /** Summaries of partition values as other writers left them. */
  readonly partitions: unknown;
  readonly keyMetadata: Buffer | null;
}

export interface ListedSnapshot {
  readonly id: SnapshotId;
  readonly parent: SnapshotId | null;
  readonly sequence: number;
}

export function encodeManifestList(manifests: readonly ManifestFile[], snapshot: ListedSnapshot): Buffer {
  return writeAvro(MANIFEST_FILE, manifests.map(toRecord), {
    'snapshot-id': String(snapshot.id),
    'parent-snapshot-id': String(snapshot.parent),
    'sequence-number': String(snapshot.sequence),
    'format-version': '2',
  });
}

function toRecord(manifest: ManifestFile): AvroRecord {
  return {
    manifest_path: manifest.path,
    manifest_length: BigInt(manifest.bytes),
    partition_spec_id: manifest.specId,
    content: manifest.content === 'data' ? 0 : 1,
    sequence_number: BigInt(manifest.sequence),
    min_sequence_number: BigInt(manifest.minSequence),
    added_snapshot_id: BigInt(manifest.addedSnapshotId),
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: manifest.deletedFiles,
    added_rows_count: BigInt(manifest.addedRows),
    existing_rows_count: BigInt(manifest.existingRows),
    deleted_rows_count: BigInt(manifest.deletedRows),
    partitions: manifest.partitions,
    key_metadata: manifest.keyMetadata,
  };
}

/** @throws SluiceError STORAGE_FAILED */
export function decodeManifestList(bytes: Buffer, location: string): ManifestFile[] {
  const { schema, records } = readAvro(bytes, location);
  const field = fieldReader(schema);
  return records.map((record) => {
    const count = (id: number): number => {
      const value = field(record, id);
      // Optional in version 1 only; without them a manifest's live files cannot be told from the list.
      if (value === null)
        throw new SluiceError('STORAGE_FAILED', `${location} lacks the file counts of its manifests.`);
      return Number(value);
    };
    return {
      path: String(field(record, 500)),
      bytes: Number(field(record, 501)),
      specId: Number(field(record, 502)),
      content: field(record, 517) === 1 ? 'deletes' : 'data',
      // Absent in version 1, where both are 0.
      sequence: Number(field(record, 515) ?? 0),
      minSequence: Number(field(record, 516) ?? 0),
      addedSnapshotId: snapshotId(field(record, 503) as bigint),
      addedFiles: count(504),
      existingFiles: count(505),
      deletedFiles: count(506),
      addedRows: count(512),
      existingRows: count(513),
      deletedRows: count(514),
      partitions: field(record, 507),
      keyMetadata: field(record, 519) as Buffer | null,
    };
  });
}
