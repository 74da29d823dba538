import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContentFile } from './data-file.ts';
import { expireSnapshots } from './expire-snapshots.ts';
import { readManifestList } from './manifest-cache.ts';
import type { TableMetadata } from './metadata.ts';
import { reachableFiles } from './reachability.ts';
import { liveFiles, snapshotManifests, snapshotOf } from './scan.ts';
import { editSchema } from './schema-edit.ts';
import { type SnapshotChange, writeSnapshot } from './snapshot.ts';
import { adoptSnapshot } from './snapshot-adopt.ts';
import { createTable, currentSchema } from './table-metadata.ts';
import { aDataFile, memoryStorage } from './test-files.ts';

const LOCATION = 'file:///w/s/t';
const newTable = (): TableMetadata =>
  createTable({
    location: LOCATION,
    columns: [{ name: 'id', type: { kind: 'long' }, required: true }],
    identifier: ['id'],
    properties: {},
    nowMs: 1,
  });
const change = (part: Partial<SnapshotChange>): SnapshotChange => ({
  add: [],
  remove: new Set(),
  operation: 'overwrite',
  summary: {},
  ...part,
});

let made = 0;
const data = (records = 10): ContentFile =>
  aDataFile(`${LOCATION}/data/${++made}.parquet`, { records, bytes: records * 7 + 1 });
const deletes = (of: string | null, records = 2): ContentFile =>
  aDataFile(`${LOCATION}/data/${++made}-deletes.parquet`, {
    content: 'position-deletes',
    records,
    bytes: 50,
    referencedDataFile: of,
  });

const total = (files: Iterable<ContentFile>, part: (file: ContentFile) => number): string => {
  let sum = 0;
  for (const file of files) sum += part(file);
  return String(sum);
};
const isData = (file: ContentFile): number => Number(file.content === 'data');

function expectTotals(metadata: TableMetadata, files: readonly ContentFile[]): void {
  expect(snapshotOf(metadata)!.summary).toMatchObject({
    'total-records': total(files, (file) => isData(file) * file.records),
    'total-position-deletes': total(files, (file) => (1 - isData(file)) * file.records),
    'total-equality-deletes': '0',
    'total-data-files': total(files, isData),
    'total-delete-files': total(files, (file) => 1 - isData(file)),
    'total-files-size': total(files, (file) => file.bytes),
  });
}

async function paths(storage: ReturnType<typeof memoryStorage>, metadata: TableMetadata): Promise<string[]> {
  return (await liveFiles(storage, metadata)).map((file) => file.path).sort();
}

/** What a manifest list says of its manifests must be what is in them. */
async function expectListed(
  storage: ReturnType<typeof memoryStorage>,
  metadata: TableMetadata,
): Promise<void> {
  const snapshot = snapshotOf(metadata)!;
  for (const { manifest, entries } of await snapshotManifests(storage, snapshot)) {
    const count = (status: string): [number, number] => {
      const files = entries.filter((entry) => entry.status === status).map((entry) => entry.file);
      return [files.length, Number(total(files, (file) => file.records))];
    };
    expect([manifest.addedFiles, manifest.addedRows]).toEqual(count('added'));
    expect([manifest.existingFiles, manifest.existingRows]).toEqual(count('existing'));
    expect([manifest.deletedFiles, manifest.deletedRows]).toEqual(count('deleted'));
    expect(manifest.bytes).toBe(storage.files.get(manifest.path)!.length);
    const live = entries.filter((entry) => entry.status !== 'deleted');
    if (live.length > 0) expect(manifest.minSequence).toBe(Math.min(...live.map((entry) => entry.sequence!)));
    for (const entry of entries)
      if (entry.status !== 'existing' && manifest.addedSnapshotId === snapshot['snapshot-id'])
        expect(entry.snapshotId).toBe(snapshot['snapshot-id']);
    for (const { file } of entries) expect(file.content === 'data').toBe(manifest.content === 'data');
  }
}

describe('snapshots', () => {
  it('hold what a simple model of live files holds, through any changes', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant('write' as const), data: fc.nat(3), deletes: fc.nat(3) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('rewrite' as const),
          picks: fc.array(fc.nat(), { maxLength: 4 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const), data: fc.nat(2) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('expire' as const),
          keepLast: fc.integer({ min: 1, max: 3 }),
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
        const storage = memoryStorage();
        let metadata = newTable();
        /** By path: the file and its data sequence number. */
        let live = new Map<string, { file: ContentFile; sequence: number }>();
        const history = new Map<number | bigint, string[]>();
        for (const one of steps) {
          const sequence = metadata['last-sequence-number'] + 1;
          const after = new Map(live);
          const of = [...live.values()].filter(({ file }) => file.content === 'data');
          let next: SnapshotChange;
          if (one.kind === 'expire') {
            const rule = { keepLast: one.keepLast, olderThanMs: 0, nowMs: metadata['last-updated-ms'] + 1 };
            const expired = await expireSnapshots(storage, metadata, rule);
            metadata = expired.metadata;
            await storage.remove(expired.filesToRemove);
            expect(expired.filesToRemove.filter((file) => live.has(file))).toEqual([]);
            if (snapshotOf(metadata)) expect(metadata.snapshots.length).toBeLessThanOrEqual(one.keepLast);
            continue;
          }
          if (one.kind === 'write') {
            const adds = Array.from({ length: one.data }, (_, i) => data(i + 1));
            for (let i = 0; i < one.deletes && of.length > 0; i++)
              adds.push(deletes(i === 0 ? null : of[i % of.length]!.file.path));
            next = change({ add: adds, summary: { n: '1' } });
          } else if (one.kind === 'rewrite') {
            const all = [...live.values()];
            const picked = one.picks.flatMap((pick) => (all.length > 0 ? [all[pick % all.length]!] : []));
            const remove = new Set(picked.map(({ file }) => file.path));
            const add = picked.some(({ file }) => file.content === 'data') ? [data()] : [];
            const kept = Math.max(0, ...picked.map((pick) => pick.sequence));
            next = change({ add, remove, operation: 'replace', ...(kept > 0 ? { sequence: kept } : {}) });
            for (const path of remove) after.delete(path);
            for (const [path, { file }] of after)
              if (file.referencedDataFile !== null && remove.has(file.referencedDataFile)) after.delete(path);
          } else {
            next = change({ add: Array.from({ length: one.data }, () => data()), replaceAll: true });
            after.clear();
          }
          for (const file of next.add)
            after.set(file.path, {
              file,
              sequence: file.content === 'data' ? (next.sequence ?? sequence) : sequence,
            });
          metadata = await writeSnapshot(storage, metadata, next);
          live = after;
          const files = await liveFiles(storage, metadata);
          expect(new Map(files.map((file) => [file.path, file.sequence]))).toEqual(
            new Map([...live].map(([path, entry]) => [path, entry.sequence])),
          );
          expect(files).toHaveLength(live.size);
          expectTotals(
            metadata,
            [...live.values()].map(({ file }) => file),
          );
          await expectListed(storage, metadata);
          history.set(metadata['current-snapshot-id']!, [...live.keys()].sort());
          const list = await readManifestList(storage, snapshotOf(metadata)!['manifest-list']);
          expect(list.length).toBeLessThanOrEqual(2 * 33);
        }
        // What was committed does not change, and what is kept can be read.
        for (const { 'snapshot-id': id } of metadata.snapshots) {
          const files = await liveFiles(storage, metadata, id);
          expect(files.map((file) => file.path).sort()).toEqual(history.get(id));
        }
        for (const file of await reachableFiles(storage, metadata, 'file:///m'))
          if (file.endsWith('.avro')) expect(storage.files.has(file)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('keep deleted files deleted when manifests are put together', async () => {
    const storage = memoryStorage();
    let metadata = newTable();
    const live = new Set<string>();
    for (let i = 0; i < 120; i++) {
      const file = data();
      const oldest = i % 3 === 0 ? [...live].slice(0, 1) : [];
      metadata = await writeSnapshot(storage, metadata, change({ add: [file], remove: new Set(oldest) }));
      for (const path of oldest) live.delete(path);
      live.add(file.path);
      expect(await paths(storage, metadata)).toEqual([...live].sort());
      await expectListed(storage, metadata);
    }
    expectTotals(metadata, await liveFiles(storage, metadata));
    const manifests = await snapshotManifests(storage, snapshotOf(metadata)!);
    const deleted = manifests.flatMap(({ entries }) => entries.filter((entry) => entry.status === 'deleted'));
    for (const entry of deleted)
      expect(metadata.snapshots.map((one) => one['snapshot-id'])).toContain(entry.snapshotId);
  });

  it('take old manifests over and put many small ones together', async () => {
    const storage = memoryStorage();
    let metadata = newTable();
    const added: string[] = [];
    const sizes: number[] = [];
    for (let i = 0; i < 80; i++) {
      const file = data();
      added.push(file.path);
      const files = storage.files.size;
      metadata = await writeSnapshot(storage, metadata, change({ add: [file], operation: 'append' }));
      expect(storage.files.size - files).toBe(2);
      sizes.push((await readManifestList(storage, snapshotOf(metadata)!['manifest-list'])).length);
    }
    expect(Math.max(...sizes)).toBe(32);
    expect(await paths(storage, metadata)).toEqual([...added].sort());
    const sequences = (await liveFiles(storage, metadata)).map((file) => [file.path, file.sequence]);
    expect(new Map(sequences as [string, number][])).toEqual(new Map(added.map((path, i) => [path, i + 1])));
    await expectListed(storage, metadata);
  });

  it('refuse to remove what is not there, and tables that ours cannot go on with', async () => {
    const storage = memoryStorage();
    const metadata = await writeSnapshot(storage, newTable(), change({ add: [data()] }));
    const refused = (of: TableMetadata, part: Partial<SnapshotChange>, code: string): Promise<void> =>
      expect(writeSnapshot(storage, of, change(part))).rejects.toMatchObject({ code });
    await refused(metadata, { remove: new Set(['file:///none']) }, 'COMMIT_CONFLICT');
    await refused({ ...metadata, 'format-version': 3 }, {}, 'TABLE_SCHEMA');
    const partitioned = [{ 'spec-id': 0, fields: [{}] }];
    await refused({ ...metadata, 'partition-specs': partitioned }, {}, 'TABLE_SCHEMA');
  });

  it('count a table whose writer left the totals out, and never let time go back', async () => {
    const storage = memoryStorage();
    const files = [data(), data(), deletes(null)];
    const first = await writeSnapshot(storage, newTable(), change({ add: files, nowMs: 1_000 }));
    const bare = first.snapshots.map((one) => ({ ...one, summary: { operation: 'append' as const } }));
    const more = data();
    const second = await writeSnapshot(
      storage,
      { ...first, snapshots: bare },
      change({ add: [more], nowMs: 500 }),
    );
    expectTotals(second, [...files, more]);
    expect(snapshotOf(second)!['timestamp-ms']).toBe(1_000);
    expect(snapshotOf(second)!['parent-snapshot-id']).toBe(first['current-snapshot-id']);
  });
});

describe('adopting another line', () => {
  it('takes its files, their sequence numbers and its schema', async () => {
    const storage = memoryStorage();
    const shared = data();
    const base = await writeSnapshot(storage, newTable(), change({ add: [shared] }));
    let target = base;
    for (let i = 0; i < 3; i++) target = await writeSnapshot(storage, target, change({ add: [data()] }));
    target = editSchema(target, [{ kind: 'add', name: 'x', type: { kind: 'int' } }], 1);
    let staged = editSchema(base, [{ kind: 'widen', id: 1, type: { kind: 'long' } }], 1);
    const loaded = data();
    staged = await writeSnapshot(storage, staged, change({ add: [loaded] }));
    const hit = deletes(loaded.path);
    staged = await writeSnapshot(storage, staged, change({ add: [hit] }));
    const after = await adoptSnapshot(storage, target, staged, { 'sluice.position': '5' });
    const files = await liveFiles(storage, after);
    expect(new Map(files.map((file) => [file.path, file.sequence]))).toEqual(
      new Map((await liveFiles(storage, staged)).map((file) => [file.path, file.sequence])),
    );
    expectTotals(after, files);
    await expectListed(storage, after);
    const snapshot = snapshotOf(after)!;
    expect(snapshot.summary).toMatchObject({
      operation: 'overwrite',
      'sluice.position': '5',
      'added-data-files': '1',
      'added-delete-files': '1',
      'deleted-data-files': '3',
    });
    expect(snapshot['sequence-number']).toBe(5);
    expect(snapshot['parent-snapshot-id']).toBe(target['current-snapshot-id']);
    expect(currentSchema(after).fields.map((field) => field.name)).toEqual(['id']);
    expect(after['last-column-id']).toBe(2);
    // The table goes on from there.
    const next = data();
    const gone = await writeSnapshot(storage, after, change({ add: [next], remove: new Set([loaded.path]) }));
    expect(await paths(storage, gone)).toEqual([shared.path, next.path].sort());
    expectTotals(gone, await liveFiles(storage, gone));
  });

  it('numbers the snapshot above both lines, and schemas apart', async () => {
    const storage = memoryStorage();
    const base = newTable();
    const target = editSchema(base, [{ kind: 'add', name: 'a', type: { kind: 'int' } }], 1);
    let staged = editSchema(base, [{ kind: 'add', name: 'b', type: { kind: 'int' } }], 1);
    for (let i = 0; i < 4; i++) staged = await writeSnapshot(storage, staged, change({ add: [data()] }));
    const after = await adoptSnapshot(storage, target, staged, {});
    expect(after['last-sequence-number']).toBe(5);
    expect(after.schemas.map((schema) => schema['schema-id'])).toEqual([0, 1, 2]);
    expect(snapshotOf(after)!['schema-id']).toBe(2);
    expect(currentSchema(after).fields.at(-1)!.name).toBe('b');
    const text = editSchema(base, [{ kind: 'add', name: 'b', type: { kind: 'string' } }], 1);
    await expect(adoptSnapshot(storage, target, text, {})).rejects.toMatchObject({ code: 'TABLE_SCHEMA' });
    const moved = { ...staged, location: 'file:///other' };
    await expect(adoptSnapshot(storage, target, moved, {})).rejects.toMatchObject({ code: 'TABLE_SCHEMA' });
  });

  it('of an empty line empties the table', async () => {
    const storage = memoryStorage();
    const target = await writeSnapshot(storage, newTable(), change({ add: [data(), deletes(null)] }));
    const after = await adoptSnapshot(storage, target, newTable(), {});
    expect(await paths(storage, after)).toEqual([]);
    expectTotals(after, []);
  });
});

describe('expiry', () => {
  it('keeps branches, tags and young snapshots, and removes what only old ones need', async () => {
    const storage = memoryStorage();
    let metadata = newTable();
    const files = Array.from({ length: 5 }, () => data());
    for (const [i, file] of files.entries()) {
      const remove = new Set(i === 0 ? [] : [files[i - 1]!.path]);
      metadata = await writeSnapshot(
        storage,
        metadata,
        change({ add: [file], remove, nowMs: 1000 * (i + 1) }),
      );
    }
    const ids = metadata.snapshots.map((snapshot) => snapshot['snapshot-id']);
    metadata = {
      ...metadata,
      refs: { ...metadata.refs, old: { type: 'tag', 'snapshot-id': ids[1]! } },
      statistics: [0, 1].map((i) => ({
        'snapshot-id': ids[i],
        'statistics-path': `${LOCATION}/metadata/${i}.puffin`,
      })),
    };
    const rule = { keepLast: 1, olderThanMs: 1500, nowMs: 5000 };
    const { metadata: after, filesToRemove } = await expireSnapshots(storage, metadata, rule);
    expect(after.snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual([ids[1], ids[3], ids[4]]);
    expect(after['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([ids[3], ids[4]]);
    expect(after.statistics).toHaveLength(1);
    expect(filesToRemove).toEqual(expect.arrayContaining([files[0]!.path, files[2]!.path]));
    expect(filesToRemove).toContain(`${LOCATION}/metadata/0.puffin`);
    for (const i of [1, 3, 4]) expect(filesToRemove).not.toContain(files[i]!.path);
    const expired = metadata.snapshots.filter((snapshot) => !after.snapshots.includes(snapshot));
    for (const snapshot of expired) expect(filesToRemove).toContain(snapshot['manifest-list']);
    const none = await expireSnapshots(storage, after, rule);
    expect(none).toEqual({ metadata: after, filesToRemove: [] });
  });

  it('leaves alone what lies outside the table', async () => {
    const storage = memoryStorage();
    const foreign = aDataFile('file:///elsewhere/x.parquet');
    const before = await writeSnapshot(storage, newTable(), change({ add: [foreign] }));
    const metadata = await writeSnapshot(storage, before, change({ replaceAll: true }));
    const rule = { keepLast: 1, olderThanMs: 0, nowMs: metadata['last-updated-ms'] + 1 };
    const { filesToRemove } = await expireSnapshots(storage, metadata, rule);
    expect(filesToRemove.length).toBeGreaterThan(0);
    expect(filesToRemove).not.toContain(foreign.path);
  });
});
