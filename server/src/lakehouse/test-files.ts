import type { ContentFile } from './data-file.ts';

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
