import type { TableName } from './table.ts';

/**
 * How text of a foreign key is compared:
 *   exact   byte by byte; every type but text, and text under a binary collation
 *   case    as its letters; upper and lower case differ
 *   blind   as its letters, whatever their case
 * Under `case` and `blind` only printable ASCII is surely told apart: beyond it, collations know more equal texts.
 */
export type TextComparison = 'exact' | 'case' | 'blind';

/** What a foreign key does to rows of its table when the row they refer to goes, or gets another key. */
export interface CascadeRule {
  /** The foreign key's name. */
  readonly name: string;
  /** The table that is referred to; it may be the same one. */
  readonly parent: TableName;
  /** The columns that refer (sourceId), and in the same order the names of those that are referred to. */
  readonly columns: readonly number[];
  readonly referenced: readonly string[];
  readonly comparisons: readonly { readonly text: TextComparison; readonly padded: boolean }[];
  readonly onDelete: 'delete' | 'null' | 'nothing';
  readonly onUpdate: 'update' | 'null' | 'nothing';
  /** Whether the server writes what the rule does to its log, as it does with any other change. */
  readonly logged: boolean;
  /** Why its effects cannot be told where the log does not; null: they can. */
  readonly untold: string | null;
}
