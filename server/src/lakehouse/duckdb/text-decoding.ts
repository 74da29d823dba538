import { createRequire } from 'node:module';

/**
 * DuckDB's client for Node decodes texts with a decoder that takes a leading U+FEFF for a byte order mark and drops it:
 * a value, a key that is asked for, or the bounds of a file would be others than they are. It has no setting for it,
 * but its decoder stands where another can be put (1.5.6: lib/vectors/dataAccessors.js).
 */
export function decodeTextsWhole(): void {
  const accessors = createRequire(import.meta.url)('@duckdb/node-api/lib/vectors/dataAccessors.js') as {
    textDecoder: InstanceType<typeof TextDecoder>;
  };
  accessors.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
}
