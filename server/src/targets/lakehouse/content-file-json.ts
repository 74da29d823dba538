import type { ContentFile } from '../../lakehouse/data-file.ts';

/** Content files as JSON text: maps as pairs, bytes as base64. */
export function printFiles(files: readonly ContentFile[]): string {
  return JSON.stringify(files, (_key, value: unknown) => {
    if (value instanceof Map) return [...value].map(([id, one]) => [id, encode(one)]);
    return value;
  });
}

function encode(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

type Pairs<T> = readonly (readonly [number, T])[];
type Printed = Omit<
  ContentFile,
  'columnSizes' | 'valueCounts' | 'nullCounts' | 'nanCounts' | 'lowerBounds' | 'upperBounds'
> & {
  readonly columnSizes: Pairs<number>;
  readonly valueCounts: Pairs<number>;
  readonly nullCounts: Pairs<number>;
  readonly nanCounts: Pairs<number>;
  readonly lowerBounds: Pairs<string>;
  readonly upperBounds: Pairs<string>;
};

export function parseFiles(text: string): readonly ContentFile[] {
  const bytes = (pairs: Pairs<string>): ReadonlyMap<number, Uint8Array> =>
    new Map(pairs.map(([id, base64]) => [id, Buffer.from(base64, 'base64')]));
  return (JSON.parse(text) as readonly Printed[]).map((file) => ({
    ...file,
    columnSizes: new Map(file.columnSizes),
    valueCounts: new Map(file.valueCounts),
    nullCounts: new Map(file.nullCounts),
    nanCounts: new Map(file.nanCounts),
    lowerBounds: bytes(file.lowerBounds),
    upperBounds: bytes(file.upperBounds),
  }));
}
