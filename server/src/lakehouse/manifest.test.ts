import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AvroRecordSchema } from './avro.ts';
import { readAvro, writeAvro } from './avro.ts';
import { decodeManifest, encodeManifest, type ManifestEntry } from './manifest.ts';
import { decodeManifestList, encodeManifestList, type ManifestFile } from './manifest-list.ts';
import { aDataFile } from './test-files.ts';

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const fieldId = fc.integer({ min: 1, max: 2_147_483_647 });
const counts = fc.array(fc.tuple(fieldId, count)).map((pairs) => new Map(pairs));
const bounds = fc
  .array(
    fc.tuple(
      fieldId,
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ),
  )
  .map((pairs) => new Map(pairs));
const id = fc.oneof(count, fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }));

const entryOf = (contents: readonly ManifestEntry['file']['content'][]): fc.Arbitrary<ManifestEntry> =>
  fc.record({
    status: fc.constantFrom('existing', 'added', 'deleted'),
    snapshotId: id,
    sequence: count,
    fileSequence: count,
    file: fc.record({
      content: fc.constantFrom(...contents),
      path: fc.string({ unit: 'binary' }).map((text) => `file:///${text}`),
      records: count,
      bytes: count,
      columnSizes: counts,
      valueCounts: counts,
      nullCounts: counts,
      nanCounts: counts,
      lowerBounds: bounds,
      upperBounds: bounds,
      referencedDataFile: fc.option(fc.string()),
    }),
    kept: fc.record({
      format: fc.constantFrom('PARQUET', 'ORC', 'AVRO'),
      keyMetadata: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
      splitOffsets: fc.option(fc.array(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }))),
      equalityIds: fc.option(fc.array(fieldId)),
      sortOrderId: fc.option(fc.nat({ max: 100 })),
    }),
  });

const SCHEMA = { type: 'struct', 'schema-id': 3, fields: [] } as const;
const LINE: ManifestFile = {
  path: 'file:///m.avro',
  bytes: 1,
  specId: 0,
  content: 'data',
  sequence: 7,
  minSequence: 7,
  addedSnapshotId: 9_007_199_254_740_993n,
  addedFiles: 1,
  existingFiles: 0,
  deletedFiles: 0,
  addedRows: 1,
  existingRows: 0,
  deletedRows: 0,
  partitions: null,
  keyMetadata: null,
};

describe('manifests', () => {
  it('come back as they went', () => {
    const entries = fc.oneof(
      fc.array(entryOf(['data']), { minLength: 1 }),
      fc.array(entryOf(['position-deletes', 'equality-deletes']), { minLength: 1 }),
    );
    fc.assert(
      fc.property(entries, (entries) => {
        expect(decodeManifest(encodeManifest(entries, SCHEMA, 0), LINE)).toEqual(entries);
      }),
    );
  });

  it('of many entries come back whole', () => {
    const kept = {
      format: 'PARQUET',
      keyMetadata: null,
      splitOffsets: null,
      equalityIds: null,
      sortOrderId: 0,
    };
    const entries = Array.from({ length: 5001 }, (_, i): ManifestEntry => {
      const file = aDataFile(`file:///${i}`);
      return { status: 'added', snapshotId: i, sequence: 1, fileSequence: 1, file, kept };
    });
    expect(decodeManifest(encodeManifest(entries, SCHEMA, 0), LINE).map((entry) => entry.file.path)).toEqual(
      entries.map((entry) => entry.file.path),
    );
  });

  it('say in their header what readers look for', () => {
    const kept = {
      format: 'PARQUET',
      keyMetadata: null,
      splitOffsets: null,
      equalityIds: null,
      sortOrderId: 0,
    };
    const file = aDataFile('file:///x', { content: 'position-deletes' });
    const entry: ManifestEntry = {
      status: 'added',
      snapshotId: 1,
      sequence: null,
      fileSequence: null,
      file,
      kept,
    };
    const { meta } = readAvro(encodeManifest([entry], SCHEMA, 0), 'x');
    expect(Object.fromEntries(meta)).toMatchObject({
      schema: JSON.stringify(SCHEMA),
      'schema-id': '3',
      'partition-spec': '[]',
      'partition-spec-id': '0',
      'format-version': '2',
      content: 'deletes',
    });
    const schema = meta.get('avro.schema');
    for (const part of ['"field-id":134', '"element-id":133', '"logicalType":"map"'])
      expect(schema).toContain(part);
  });

  it('inherit what an added entry leaves out, and nothing else does', () => {
    const kept = {
      format: 'PARQUET',
      keyMetadata: null,
      splitOffsets: null,
      equalityIds: null,
      sortOrderId: 0,
    };
    const entry = (status: ManifestEntry['status']): ManifestEntry => ({
      status,
      snapshotId: 1,
      sequence: null,
      fileSequence: null,
      file: aDataFile('file:///x'),
      kept,
    });
    const read = decodeManifest(encodeManifest([entry('added'), entry('existing')], SCHEMA, 0), LINE);
    expect(read.map(({ sequence, fileSequence }) => [sequence, fileSequence])).toEqual([
      [7, 7],
      [0, 0],
    ]);
  });

  it('are read by field id, whatever other writers call the fields, and as version 1 has them', () => {
    const schema: AvroRecordSchema = {
      type: 'record',
      name: 'manifest_entry',
      fields: [
        { name: 'status', type: 'int', 'field-id': 0 },
        { name: 'snapshot', type: ['null', 'long'], default: null, 'field-id': 1 },
        {
          name: 'file',
          'field-id': 2,
          type: {
            type: 'record',
            name: 'r2',
            fields: [
              { name: 'path', type: 'string', 'field-id': 100 },
              { name: 'format', type: 'string', 'field-id': 101 },
              { name: 'rows', type: 'long', 'field-id': 103 },
              { name: 'size', type: 'long', 'field-id': 104 },
            ],
          },
        },
      ],
    };
    const file = { path: 'file:///p', format: 'PARQUET', rows: 3n, size: 4n };
    const bytes = writeAvro(schema, [{ status: 1, snapshot: null, file }], {});
    const [entry] = decodeManifest(bytes, { ...LINE, sequence: 0 });
    expect(entry).toMatchObject({
      status: 'added',
      snapshotId: LINE.addedSnapshotId,
      sequence: 0,
      file: { content: 'data', path: 'file:///p', records: 3, bytes: 4, referencedDataFile: null },
    });
  });

  it('that are damaged are refused', () => {
    const bytes = encodeManifestList([LINE], { id: 1, parent: null, sequence: 1 });
    for (const broken of [bytes.subarray(0, -1), bytes.subarray(0, 100), bytes.subarray(4), Buffer.from('')])
      expect(() => decodeManifestList(broken, 'x')).toThrowError(/not a readable Avro file/);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 1]! ^= 1;
    expect(() => decodeManifestList(flipped, 'x')).toThrowError(/damaged/);
  });
});

describe('manifest lists', () => {
  it('come back as they went', () => {
    const small = fc.nat({ max: 2_147_483_647 });
    const line: fc.Arbitrary<ManifestFile> = fc.record({
      path: fc.string(),
      bytes: count,
      specId: small,
      content: fc.constantFrom('data', 'deletes'),
      sequence: count,
      minSequence: count,
      addedSnapshotId: id,
      addedFiles: small,
      existingFiles: small,
      deletedFiles: small,
      addedRows: count,
      existingRows: count,
      deletedRows: count,
      partitions: fc.constantFrom(null, [
        { contains_null: true, contains_nan: null, lower_bound: Buffer.from('a'), upper_bound: null },
      ]),
      keyMetadata: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
    });
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const bytes = encodeManifestList(lines, { id: 5, parent: 4n, sequence: 3 });
        const read = decodeManifestList(bytes, 'x');
        expect(JSON.parse(JSON.stringify(read, plain))).toEqual(JSON.parse(JSON.stringify(lines, plain)));
      }),
    );
  });
});

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
