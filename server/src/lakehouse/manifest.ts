import { SluiceError } from '@sluice/contract';
import { type AvroRecord, readAvro, writeAvro } from './avro.ts';
import type { ContentFile } from './data-file.ts';
import type { ManifestFile } from './manifest-list.ts';
import { fieldReader, MANIFEST_ENTRY, recordOf } from './manifest-schema.ts';
import type { IcebergSchema, SnapshotId } from './metadata.ts';
import { snapshotId } from './snapshot-id.ts';

export type EntryStatus = 'existing' | 'added' | 'deleted';

/** A file as one manifest tells of it (spec section "Manifests", struct manifest_entry). */
export interface ManifestEntry {
  readonly status: EntryStatus;
  /** The snapshot that added the file, or that deleted it. */
  readonly snapshotId: SnapshotId;
  /** Data sequence number; null in a manifest that is being written: its commit's. */
  readonly sequence: number | null;
  /** The sequence number of the commit that brought the file; null as above. */
  readonly fileSequence: number | null;
  readonly file: ContentFile;
  readonly kept: KeptFields;
}

/** What other writers may say of a file and what must not be lost when its manifest is rewritten. */
export interface KeptFields {
  readonly format: string;
  readonly keyMetadata: Buffer | null;
  readonly splitOffsets: readonly bigint[] | null;
  readonly equalityIds: readonly number[] | null;
  readonly sortOrderId: number | null;
}

/** Of a file that we write. Sort order 0 is "unsorted"; delete files have none. */
export function keptFields(file: ContentFile): KeptFields {
  const sortOrderId = file.content === 'data' ? 0 : null;
  return { format: 'PARQUET', keyMetadata: null, splitOffsets: null, equalityIds: null, sortOrderId };
}

const STATUS: readonly EntryStatus[] = ['existing', 'added', 'deleted'];
const CONTENT: readonly ContentFile['content'][] = ['data', 'position-deletes', 'equality-deletes'];

/** All entries must be of one kind, data or deletes, of an unpartitioned table. */
export function encodeManifest(
  entries: readonly ManifestEntry[],
  schema: IcebergSchema,
  specId: number,
): Buffer {
  const deletes = entries[0]?.file.content !== 'data';
  return writeAvro(MANIFEST_ENTRY, entries.map(toRecord), {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': '[]',
    'partition-spec-id': String(specId),
    'format-version': '2',
    content: deletes ? 'deletes' : 'data',
  });
}

function toRecord({ status, snapshotId: id, sequence, fileSequence, file, kept }: ManifestEntry): AvroRecord {
  return {
    status: STATUS.indexOf(status),
    snapshot_id: BigInt(id),
    sequence_number: sequence === null ? null : BigInt(sequence),
    file_sequence_number: fileSequence === null ? null : BigInt(fileSequence),
    data_file: {
      content: CONTENT.indexOf(file.content),
      file_path: file.path,
      file_format: kept.format,
      partition: {},
      record_count: BigInt(file.records),
      file_size_in_bytes: BigInt(file.bytes),
      column_sizes: counts(file.columnSizes),
      value_counts: counts(file.valueCounts),
      null_value_counts: counts(file.nullCounts),
      nan_value_counts: counts(file.nanCounts),
      lower_bounds: bounds(file.lowerBounds),
      upper_bounds: bounds(file.upperBounds),
      key_metadata: kept.keyMetadata,
      split_offsets: kept.splitOffsets,
      equality_ids: kept.equalityIds,
      sort_order_id: kept.sortOrderId,
      referenced_data_file: file.referencedDataFile,
    },
  };
}

type Pairs<T> = readonly { readonly key: number; readonly value: T }[];

// An empty map rather than none: PyIceberg's table of entries takes them for granted.
function counts(map: ReadonlyMap<number, number>): Pairs<bigint> {
  return Array.from(map, ([key, value]) => ({ key, value: BigInt(value) }));
}

function bounds(map: ReadonlyMap<number, Uint8Array>): Pairs<Buffer> {
  return Array.from(map, ([key, value]) => ({ key, value: Buffer.from(value) }));
}

/**
 * Reads manifests of format versions 1 to 3; what an entry leaves out it inherits from the manifest list's line
 * (spec section "Sequence Number Inheritance").
 * @throws SluiceError STORAGE_FAILED where a file cannot be read as we would have to
 */
export function decodeManifest(bytes: Buffer, manifest: ManifestFile): ManifestEntry[] {
  const { schema, records } = readAvro(bytes, manifest.path);
  const entryField = fieldReader(schema);
  const fileField = fieldReader(recordOf(schema, 2));
  return records.map((record) => {
    const status = STATUS[Number(entryField(record, 0))] ?? 'existing';
    const ownId = entryField(record, 1) as bigint | null;
    const inherited = status === 'added' ? manifest.sequence : null;
    const data = entryField(record, 2) as AvroRecord;
    return {
      status,
      snapshotId: ownId === null ? manifest.addedSnapshotId : snapshotId(ownId),
      // Only version 1 may leave out what cannot be inherited; its files have sequence number 0.
      sequence: numberOr(entryField(record, 3), inherited ?? 0),
      fileSequence: numberOr(entryField(record, 4), inherited ?? 0),
      file: toFile(data, fileField, manifest.path),
      kept: {
        format: String(fileField(data, 101)),
        keyMetadata: fileField(data, 131) as Buffer | null,
        splitOffsets: fileField(data, 132) as bigint[] | null,
        equalityIds: fileField(data, 135) as number[] | null,
        sortOrderId: fileField(data, 140) as number | null,
      },
    };
  });
}

function toFile(record: AvroRecord, field: ReturnType<typeof fieldReader>, manifest: string): ContentFile {
  const path = String(field(record, 100));
  const content = CONTENT[Number(field(record, 134) ?? 0)];
  if (content === undefined || field(record, 144) !== null)
    throw new SluiceError(
      'STORAGE_FAILED',
      `${manifest} lists ${path}, a kind of file that is not supported.`,
    );
  return {
    content,
    path,
    records: Number(field(record, 103)),
    bytes: Number(field(record, 104)),
    columnSizes: toCounts(field(record, 108)),
    valueCounts: toCounts(field(record, 109)),
    nullCounts: toCounts(field(record, 110)),
    nanCounts: toCounts(field(record, 137)),
    lowerBounds: new Map((field(record, 125) as Pairs<Buffer> | null)?.map(({ key, value }) => [key, value])),
    upperBounds: new Map((field(record, 128) as Pairs<Buffer> | null)?.map(({ key, value }) => [key, value])),
    referencedDataFile: field(record, 143) as string | null,
  };
}

function toCounts(pairs: unknown): ReadonlyMap<number, number> {
  return new Map((pairs as Pairs<bigint> | null)?.map(({ key, value }) => [key, Number(value)]));
}

function numberOr(value: unknown, otherwise: number): number {
  return value === null ? otherwise : Number(value);
}
