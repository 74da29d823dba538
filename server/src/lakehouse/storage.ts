/**
 * Where the lakehouse's files are. Locations are URIs (`file:///…`). Each method that writes, but for `write`, returns when the
 * bytes are durable.
 */
export interface Storage {
  /** The location of a new file. */
  join(base: string, ...parts: readonly string[]): string;
  /** The path by which DuckDB on this machine reads a location, and makes a file at it. */
  localPath(location: string): string;
  location(localPath: string): string;
  read(location: string): Promise<Buffer>;
  /** Fails if the file exists. File and folder entry are fsynced. */
  create(location: string, bytes: Uint8Array): Promise<void>;
  /** Fails if the file exists. Not durable before `sync`. */
  write(location: string, bytes: Uint8Array): Promise<void>;
  /** Makes files written by `write` or through `localPath` durable: fsync of each and of their folders. */
  sync(locations: readonly string[]): Promise<void>;
  /** Missing is no error. */
  remove(locations: readonly string[]): Promise<void>;
  makeFolder(location: string): Promise<void>;
  /** All files below, with age by modification time. */
  list(
    base: string,
  ): AsyncIterable<{ readonly location: string; readonly bytes: number; readonly modifiedMs: number }>;
}
