import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MetastoreDb, openMetastore } from '../store/open-metastore.ts';
import { commitWithin, type EmbeddedCatalog, embeddedCatalog } from './embedded-catalog.ts';
import { writeMetadata } from './metadata-file.ts';
import { createTable } from './table-metadata.ts';
import { memoryStorage } from './test-files.ts';

const storage = memoryStorage();
let folder: string;
let db: MetastoreDb;
let other: MetastoreDb;
let catalog: EmbeddedCatalog;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-catalog-'));
  db = await openMetastore(join(folder, 'metastore.db'));
  other = await openMetastore(join(folder, 'metastore.db'));
  catalog = embeddedCatalog(db, storage);
});
afterEach(async () => {
  await db.destroy();
  await other.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const T = { schema: 's"x', table: "t'y" };
const move = (from: string | null, to: string, name = T) => ({ name, from, to, uuid: 'u' });
const conflict = { code: 'COMMIT_CONFLICT' };

describe('the embedded catalog', () => {
  it('moves pointers from where they are only, all or none', async () => {
    const u = { schema: 'other', table: 'u' };
    await catalog.commit([move(null, 'a'), move(null, 'x', u)]);
    expect(await catalog.namespaces()).toEqual(['other', 's"x']);
    await expect(catalog.commit([move(null, 'b')])).rejects.toMatchObject(conflict);
    await expect(catalog.commit([move('a', 'b'), move('old', 'y', u)])).rejects.toMatchObject(conflict);
    await expect(
      catalog.commit([move(null, 'z', { schema: 'new', table: 'n' }), move('b', 'c')]),
    ).rejects.toMatchObject(conflict);
    expect(await catalog.tables()).toEqual([
      { name: u, metadataLocation: 'x' },
      { name: T, metadataLocation: 'a' },
    ]);
    expect(await catalog.namespaces()).toEqual(['other', 's"x']);
    await catalog.commit([move('a', 'b'), move('x', 'y', u)]);
    expect((await catalog.tables()).map((table) => table.metadataLocation)).toEqual(['y', 'b']);
  });

  it('commits within a transaction of the caller, and goes back with it', async () => {
    await expect(
      db.transaction().execute(async (trx) => {
        await commitWithin(trx, [move(null, 'a')]);
        throw new Error('the rest failed');
      }),
    ).rejects.toThrow('the rest failed');
    expect(await catalog.pointer(T)).toBeNull();
    await db.transaction().execute((trx) => commitWithin(trx, [move(null, 'a')]));
    expect(await catalog.pointer(T)).toBe('a');
  });

  it('lets one of two writers win, and loses no commit', async () => {
    const writers = [catalog, embeddedCatalog(other, storage)];
    await catalog.commit([move(null, '0')]);
    const won = await Promise.all(
      writers.map(async (writer, id) => {
        const mine: string[] = [];
        let lost = 0;
        for (let i = 0; mine.length < 25; i++) {
          const from = await writer.pointer(T);
          const to = `${id}-${i}`;
          try {
            await writer.commit([move(from, to)]);
            mine.push(`${from}>${to}`);
          } catch (error) {
            expect(error).toMatchObject(conflict);
            lost++;
          }
        }
        return { mine, lost };
      }),
    );
    // Each commit goes on from another's end: one chain of them all, from the first pointer to the last.
    const next = new Map(won.flatMap(({ mine }) => mine).map((step) => step.split('>') as [string, string]));
    expect(next.size).toBe(50);
    let at = '0';
    for (let i = 0; i < 50; i++) at = next.get(at)!;
    expect(await catalog.pointer(T)).toBe(at);
  });

  it('lets one of two creators win', async () => {
    const results = await Promise.allSettled([
      catalog.commit([move(null, 'a')]),
      embeddedCatalog(other, storage).commit([move(null, 'b')]),
    ]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((result) => result.status === 'rejected')?.reason).toMatchObject(conflict);
  });

  it('loads tables', async () => {
    const made = createTable({
      location: 'file:///w/t',
      columns: [{ name: 'id', type: { kind: 'int' }, required: true }],
      identifier: [],
      properties: {},
      nowMs: 1,
    });
    const { location, metadata } = await writeMetadata(storage, made, null);
    await catalog.commit([move(null, location)]);
    expect(await catalog.load(T)).toEqual({ name: T, metadata, metadataLocation: location });
    expect(await catalog.load({ schema: T.schema, table: 'none' })).toBeNull();
  });

  it('drops and renames tables and namespaces', async () => {
    await catalog.createNamespace('n', { a: 'b' });
    await expect(catalog.createNamespace('n', {})).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await catalog.namespaceProperties('n')).toEqual({ a: 'b' });
    await catalog.changeNamespaceProperties('n', (before) => ({ ...before, c: 'd' }));
    expect(await catalog.namespaceProperties('n')).toEqual({ a: 'b', c: 'd' });
    expect(await catalog.namespaceProperties('no')).toBeNull();
    await catalog.commit([move(null, 'a')]);
    const renamed = { schema: 'n', table: 'r' };
    await expect(catalog.renameTable(T, { schema: 'no', table: 'r' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(catalog.renameTable(T, T)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await catalog.renameTable(T, renamed);
    await expect(catalog.renameTable(T, renamed)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await catalog.pointer(renamed)).toBe('a');
    await expect(catalog.dropNamespace('n')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await catalog.dropTable(renamed)).toEqual({ metadataLocation: 'a' });
    await expect(catalog.dropTable(renamed)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await catalog.dropNamespace('n');
    await expect(catalog.dropNamespace('n')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
