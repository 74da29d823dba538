import { describe, expect, it } from 'vitest';
import { printJson } from './json.ts';
import type { TableMetadata } from './metadata.ts';
import { readMetadata, writeMetadata } from './metadata-file.ts';
import { createTable } from './table-metadata.ts';
import { memoryStorage } from './test-files.ts';

const table = (): TableMetadata =>
  createTable({
    location: 'file:///w/s/t',
    columns: [{ name: 'id', type: { kind: 'long' }, required: true }],
    identifier: ['id'],
    properties: {},
    nowMs: 7,
  });

describe('metadata files', () => {
  it.each([
    [2000, 20],
    [1000, 30],
    [200, 100],
  ])('are numbered, logged with their time; one every %i ms: the last %i', async (everyMs, logged) => {
    const storage = memoryStorage();
    let metadata = table();
    let location: string | null = null;
    const locations: string[] = [];
    for (let i = 0; i < 105; i++) {
      const written = await writeMetadata(storage, { ...metadata, 'last-updated-ms': i * everyMs }, location);
      ({ metadata, location } = written);
      locations.push(location);
      expect(await readMetadata(storage, location)).toEqual(metadata);
    }
    expect(locations[0]).toMatch(/^file:\/\/\/w\/s\/t\/metadata\/00000-[0-9a-f-]{36}\.metadata\.json$/);
    expect(locations[104]).toMatch(/\/00104-/);
    expect(metadata['metadata-log']).toEqual(
      Array.from({ length: logged }, (_, n) => {
        const i = 104 - logged + n;
        return { 'metadata-file': locations[i], 'timestamp-ms': i * everyMs };
      }),
    );
  });

  it('of other writers are read, with what they leave out', async () => {
    const storage = memoryStorage();
    const { 'format-version': _, ...rest } = table();
    const bare = {
      'format-version': 1,
      'table-uuid': rest['table-uuid'],
      location: rest.location,
      'last-updated-ms': 3,
      'last-column-id': 1,
      schemas: rest.schemas,
      'current-schema-id': 0,
      'current-snapshot-id': -1,
    };
    await storage.create('file:///w/v3.metadata.json', Buffer.from(printJson(bare)));
    const read = await readMetadata(storage, 'file:///w/v3.metadata.json');
    expect(read).toMatchObject({
      'current-snapshot-id': null,
      refs: {},
      snapshots: [],
      'last-sequence-number': 0,
    });
    // Its time is read from the file where it was not seen before.
    const other = memoryStorage();
    await other.create('file:///w/v3.metadata.json', Buffer.from(printJson(bare)));
    const next = await writeMetadata(other, table(), 'file:///w/v3.metadata.json');
    expect(next.location).toMatch(/\/00001-/);
    expect(next.metadata['metadata-log']).toEqual([
      { 'metadata-file': 'file:///w/v3.metadata.json', 'timestamp-ms': 3 },
    ]);
  });

  it('that are none are refused', async () => {
    const storage = memoryStorage();
    for (const [i, text] of ['{', '{}', '[]', 'null', '{"format-version":4}'].entries()) {
      await storage.create(`file:///${i}`, Buffer.from(text));
      await expect(readMetadata(storage, `file:///${i}`), text).rejects.toMatchObject({
        code: 'STORAGE_FAILED',
      });
    }
  });
});
