import type { ContentFile } from './data-file.ts';
import type { Storage } from './storage.ts';

/** Files in memory, for tests that make many and crash never. */
export function memoryStorage(): Storage & { readonly files: ReadonlyMap<string, Buffer> } {
  const files = new Map<string, Buffer>();
  const write: Storage['write'] = async (location, bytes) => {
    if (files.has(location)) throw new Error(`there is ${location} already`);
    files.set(location, Buffer.from(bytes));
  };
  return {
    files,
    join: (base, ...parts) => [base, ...parts].join('/'),
    localPath: (location) => location.slice('file://'.length),
    location: (path) => `file://${path}`,
    read: async (location) => {
      const bytes = files.get(location);
      if (!bytes) throw new Error(`there is no ${location}`);
      return bytes;
    },
    create: write,
    write,
    sync: async () => undefined,
    remove: async (locations) => {
      for (const location of locations) files.delete(location);
    },
    makeFolder: async () => undefined,
    async *list(base) {
      for (const [location, { length }] of files)
        if (location.startsWith(`${base}/`)) yield { location, bytes: length, modifiedMs: 0 };
    },
  };
}

/** Descriptions of files for tests of what never opens them. */
export function aDataFile(path: string, part: Partial<ContentFile> = {}): ContentFile {
  return {
    content: 'data',
    path,
    records: 10,
    bytes: 1000,
    columnSizes: new Map([[1, 40]]),
    valueCounts: new Map([[1, 10]]),
    nullCounts: new Map([[1, 0]]),
    nanCounts: new Map(),
    lowerBounds: new Map([[1, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0])]]),
    upperBounds: new Map([[1, new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0])]]),
    referencedDataFile: null,
    ...part,
  };
}
