import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshSeed } from '../../../tests/support/seed.ts';
import { composeLines } from './compose-lines.ts';
import type { ContentFile } from './data-file.ts';
import { expireSnapshots } from './expire-snapshots.ts';
import type { TableMetadata } from './metadata.ts';
import { liveFiles, snapshotManifests, snapshotOf } from './scan.ts';
import { editSchema } from './schema-edit.ts';
import { writeSnapshot } from './snapshot.ts';
import { createTable } from './table-metadata.ts';
import { aDataFile, memoryStorage } from './test-files.ts';

const LOCATION = 'file:///w/s/t';
const root = (): TableMetadata =>
  createTable({
    location: LOCATION,
    columns: [{ name: 'id', type: { kind: 'long' }, required: true }],
    identifier: ['id'],
    properties: {},
    nowMs: 1,
  });

let made = 0;
const data = (records = 10): ContentFile => aDataFile(`${LOCATION}/data/${++made}.parquet`, { records });
const deletes = (of: ContentFile): ContentFile =>
  aDataFile(`${LOCATION}/data/${++made}-deletes.parquet`, {
    content: 'position-deletes',
    records: 2,
    referencedDataFile: of.path,
  });

type Memory = ReturnType<typeof memoryStorage>;

async function add(storage: Memory, line: TableMetadata, ...files: ContentFile[]): Promise<TableMetadata> {
  return writeSnapshot(storage, line, { add: files, remove: new Set(), operation: 'overwrite', summary: {} });
}

async function remove(storage: Memory, line: TableMetadata, file: ContentFile): Promise<TableMetadata> {
  const gone = new Set([file.path]);
  return writeSnapshot(storage, line, { add: [], remove: gone, operation: 'delete', summary: {} });
}

/** Which files are live, and by which number. */
async function sequences(storage: Memory, ...lines: TableMetadata[]): Promise<ReadonlyMap<string, number>> {
  const files = await Promise.all(lines.map((line) => liveFiles(storage, line)));
  return new Map(files.flat().map((file) => [file.path, file.sequence]));
}

async function expectComposed(
  storage: Memory,
  visible: TableMetadata,
  lines: TableMetadata[],
): Promise<void> {
  const together = await sequences(storage, ...lines);
  expect(await sequences(storage, visible)).toEqual(together);
  const snapshot = snapshotOf(visible)!;
  for (const sequence of together.values()) expect(snapshot['sequence-number']).toBeGreaterThan(sequence);
  const files = (await Promise.all(lines.map((line) => liveFiles(storage, line)))).flat();
  const rows = files.filter((file) => file.content === 'data').reduce((all, file) => all + file.records, 0);
  expect(snapshot.summary).toMatchObject({
    operation: 'overwrite',
    'total-records': String(rows),
    'total-data-files': String(files.filter((file) => file.content === 'data').length),
    'total-delete-files': String(files.filter((file) => file.content !== 'data').length),
  });
}

describe('lines of one table, composed', () => {
  it('are its contents together, each file under its own number', async () => {
    const storage = memoryStorage();
    const [a, b] = [data(), data(7)];
    let one = await add(storage, root(), a);
    one = await add(storage, one, data(), deletes(a));
    let other = await add(storage, root(), b);
    const first = await composeLines(storage, root(), [one, other], { 'sluice.position': '5' });
    await expectComposed(storage, first, [one, other]);
    expect(snapshotOf(first)!.summary).toMatchObject({ 'sluice.position': '5', 'added-records': '27' });
    // One of them goes on; the other stays as it is.
    other = await add(storage, other, data(1), deletes(b));
    const second = await composeLines(storage, first, [one, other], {});
    await expectComposed(storage, second, [one, other]);
    expect(snapshotOf(second)!.summary).toMatchObject({ 'added-data-files': '1', 'added-delete-files': '1' });
    expect(snapshotOf(second)!['parent-snapshot-id']).toBe(first['current-snapshot-id']);
  });

  it('join later, are replaced by another, and leave', async () => {
    const storage = memoryStorage();
    const one = await add(storage, root(), data());
    const old = await add(storage, root(), data(3), data(4));
    let visible = await composeLines(storage, root(), [one], {});
    visible = await composeLines(storage, visible, [one, old], {});
    await expectComposed(storage, visible, [one, old]);
    // Loaded anew: only its own rows go.
    const fresh = await add(storage, root(), data(9));
    visible = await composeLines(storage, visible, [one, fresh], {});
    await expectComposed(storage, visible, [one, fresh]);
    expect(snapshotOf(visible)!.summary).toMatchObject({
      'deleted-data-files': '2',
      'added-data-files': '1',
    });
    const gone = (await snapshotManifests(storage, snapshotOf(visible)!))
      .flatMap(({ entries }) => entries)
      .filter((entry) => entry.status === 'deleted');
    expect(gone.map((entry) => entry.snapshotId)).toEqual(Array(2).fill(visible['current-snapshot-id']));
    visible = await composeLines(storage, visible, [], {});
    expect(await liveFiles(storage, visible)).toEqual([]);
  });

  it('are refused where they are no lines of it', async () => {
    const storage = memoryStorage();
    const moved = { ...root(), location: 'file:///other' };
    await expect(composeLines(storage, root(), [moved], {})).rejects.toMatchObject({ code: 'TABLE_SCHEMA' });
    const text = editSchema(root(), [{ kind: 'add', name: 'x', type: { kind: 'string' } }], 1);
    const whole = editSchema(root(), [{ kind: 'add', name: 'x', type: { kind: 'int' } }], 1);
    await expect(composeLines(storage, text, [whole], {})).rejects.toMatchObject({ code: 'TABLE_SCHEMA' });
    const line = await add(storage, root(), data());
    await expect(composeLines(storage, root(), [line, line], {})).rejects.toThrow('is in two lines');
  });

  const seed = freshSeed();
  const work = fc.record({
    line: fc.nat(3),
    kind: fc.constantFrom('add', 'add', 'delete', 'compact', 'anew'),
    commit: fc.boolean(),
    expire: fc.boolean(),
  });

  it(`are the table after every commit, and what expires is needed by none of them (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(work, { maxLength: 40 }), async (script) => {
        const storage = memoryStorage();
        const lines: TableMetadata[] = [root(), root(), root(), root()];
        let visible = root();
        let now = 10;
        for (const { line: at, kind, commit, expire } of script) {
          const line = lines[at]!;
          const some = (await liveFiles(storage, line)).find((file) => file.content === 'data');
          if (kind === 'add') lines[at] = await add(storage, line, data());
          else if (kind === 'anew') lines[at] = await add(storage, root(), data(5));
          else if (some !== undefined)
            lines[at] = await (kind === 'delete'
              ? add(storage, line, deletes(some))
              : remove(storage, line, some));
          if (!commit) continue;
          now += 10;
          visible = await composeLines(storage, visible, lines, {}, now);
          await expectComposed(storage, visible, lines);
          if (!expire) continue;
          const expired = await expireSnapshots(storage, visible, {
            keepLast: 1,
            olderThanMs: now,
            nowMs: now,
          });
          const before = await sequences(storage, ...lines);
          await storage.remove([...expired.filesToRemove]);
          visible = expired.metadata;
          expect(await sequences(storage, ...lines)).toEqual(before);
          await expectComposed(storage, visible, lines);
        }
      }),
      { seed, numRuns: 100 },
    );
  });
});
