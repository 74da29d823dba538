import type { TableName } from '../model/table.ts';
import type { TableMetadata } from './metadata.ts';

/** A table's current metadata and the file that holds it. */
export interface LoadedTable {
  readonly name: TableName;
  readonly metadata: TableMetadata;
  readonly metadataLocation: string;
}

/** One table's step in a commit: the pointer moves from `from` (null: the table must not exist) to `to`. */
export interface PointerMove {
  readonly name: TableName;
  readonly from: string | null;
  readonly to: string;
  readonly uuid: string;
}

/** Where the lakehouse keeps which metadata file is each table's current one. */
export interface Catalog {
  namespaces(): Promise<readonly string[]>;
  tables(): Promise<readonly { readonly name: TableName; readonly metadataLocation: string }[]>;
  /** @returns null where there is no such table */
  load(name: TableName): Promise<LoadedTable | null>;
  /**
   * All moves, or none. Missing namespaces are made. The files that `to` names must be durable before the call.
   * @throws SluiceError COMMIT_CONFLICT where a pointer is no longer at `from`
   */
  commit(moves: readonly PointerMove[]): Promise<void>;
}
