import type { TableMetadata } from '../../lakehouse/metadata.ts';
import type { TableName } from '../../model/table.ts';

/** Background upkeep of the tables that a target writes: it prepares beside the commits and joins the next one. */
export interface Upkeep {
  /** Puts what is prepared for the table on top of its current state; quick. The state itself where nothing is. */
  finish(table: TableName, metadata: TableMetadata): Promise<TableMetadata>;
  /**
   * The table's pointer moved here: looks whether anything is to be prepared, in the background. A merged table's files
   * are maintained in its lines.
   */
  committed(table: TableName, metadata: TableMetadata, kind: 'alone' | 'merged'): void;
  /** While it is so, only what has become urgent is done; what waited is looked at when it is over. */
  besideBacklog(isSo: boolean): void;
  /** Tables for which something is prepared. */
  ready(): readonly TableName[];
  stop(): Promise<void>;
}
