import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileStorage, isInside, storageError } from './file-storage.ts';

const storage = fileStorage();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-storage-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const code = (code: string): unknown => expect.objectContaining({ name: 'SluiceError', code });

async function listed(location: string): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  for await (const file of storage.list(location)) files.set(file.location, file.bytes);
  return files;
}

describe('file storage', () => {
  it('keeps every name as it is, from path to location and back', async () => {
    for (const name of ['a b', 'it\'s "q"', '100%', '%20', 'é 表 🌊', 'a#b?c', 'x\\y', '.hidden']) {
      const base = storage.location(join(folder, name));
      expect(storage.localPath(base)).toBe(join(folder, name));
      const file = storage.join(base, name, `${name}.bin`);
      await storage.create(file, Buffer.from(name));
      expect((await storage.read(file)).toString()).toBe(name);
      expect([...(await listed(base))]).toEqual([[file, Buffer.byteLength(name)]]);
    }
  });

  it('reads the locations that other writers make of a path', () => {
    for (const location of ['file:///a/b', 'file:/a/b', '/a/b'])
      expect(storage.localPath(location)).toBe('/a/b');
    for (const location of ['s3://b/k', 'file://host/a', 'a/b', ''])
      expect(() => storage.localPath(location), location).toThrowError(code('STORAGE_FAILED') as Error);
  });

  it('never writes over a file', async () => {
    const file = storage.location(join(folder, 'x'));
    await storage.create(file, Buffer.from('one'));
    await expect(storage.create(file, Buffer.from('two'))).rejects.toEqual(code('STORAGE_FAILED'));
    expect((await storage.read(file)).toString()).toBe('one');
  });

  it('says what could not be read, written or listed', async () => {
    const none = storage.location(join(folder, 'none'));
    await expect(storage.read(none)).rejects.toEqual(code('STORAGE_FAILED'));
    await expect(storage.sync([none])).rejects.toEqual(code('STORAGE_FAILED'));
    const file = storage.location(join(folder, 'file'));
    await storage.create(file, Buffer.from(''));
    await expect(storage.makeFolder(`${file}/below`)).rejects.toEqual(code('STORAGE_FAILED'));
    await expect(listed(file)).rejects.toEqual(code('STORAGE_FAILED'));
  });

  it('tells a full disk from other troubles', () => {
    const failed = (errno: string): string =>
      storageError('write', 'file:///x', Object.assign(new Error('no'), { code: errno })).code;
    expect(['ENOSPC', 'EDQUOT', 'EACCES', 'EIO'].map(failed)).toEqual([
      'STORAGE_FULL',
      'STORAGE_FULL',
      'STORAGE_FAILED',
      'STORAGE_FAILED',
    ]);
  });

  it('removes and lists what may be missing', async () => {
    const base = storage.location(folder);
    await storage.makeFolder(`${base}/a/b/c`);
    writeFileSync(join(folder, 'a/b/one'), '1');
    await storage.sync([`${base}/a/b/one`]);
    await storage.remove([`${base}/a/b/one`, `${base}/a/b/none`]);
    expect((await listed(base)).size).toBe(0);
    expect((await listed(`${base}/none`)).size).toBe(0);
  });

  it('knows what lies in a folder', () => {
    const cases = {
      '/w/a': true,
      '/w/a/b': true,
      '/w': false,
      '/wx': false,
      '/w/../x': false,
      '/w/a/../b': true,
    };
    for (const [path, inside] of Object.entries(cases))
      expect(isInside(storage, 'file:///w', `file://${path}`), path).toBe(inside);
    expect(isInside(storage, 'file:///w', 's3://w/a')).toBe(false);
  });
});
