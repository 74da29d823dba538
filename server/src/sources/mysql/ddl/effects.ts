import type { TableName } from '../../../model/table.ts';

/** What a statement of the log means for tables. */
export type Statement =
  | { readonly kind: 'begin' | 'commit' | 'rollback' }
  | { readonly kind: 'savepoint' | 'rollback-to'; readonly name: string }
  | {
      readonly kind: 'xa';
      readonly verb: 'start' | 'end' | 'prepare' | 'commit' | 'rollback';
      /** As the statement has it, without spaces: X'61',X'',1 */
      readonly xid: string;
      readonly onePhase: boolean;
    }
  /** DDL, in the order of its parts. */
  | { readonly kind: 'tables'; readonly effects: readonly TableEffect[] }
  /** Rows changed by a statement that was logged as such; null: it cannot be told in which tables. */
  | { readonly kind: 'dml'; readonly tables: readonly TableName[] | null }
  /** It concerns no table's rows or columns. */
  | { readonly kind: 'harmless' }
  /** Not understood; `mentions` are the tables that it may be about. */
  | { readonly kind: 'unknown'; readonly mentions: readonly TableName[] };

export type TableEffect =
  | { readonly kind: 'created' | 'dropped' | 'truncated'; readonly table: TableName }
  | { readonly kind: 'schema-dropped'; readonly schema: string }
  | { readonly kind: 'renamed'; readonly from: TableName; readonly to: TableName }
  | { readonly kind: 'altered'; readonly table: TableName; readonly columns: ColumnEffects }
  /** Rows came, went or changed, and no row of the log tells. */
  | { readonly kind: 'rows-changed'; readonly table: TableName; readonly reason: string };

/** What an ALTER TABLE did to columns; names as the statement has them. All empty: nothing. */
export interface ColumnEffects {
  /** All at once: a → b and b → a in one statement is a swap. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly dropped: readonly string[];
  /** `filled`: older rows may have got a value other than NULL. */
  readonly added: readonly { readonly name: string; readonly filled: boolean }[];
  /** Defined anew, by the name that they have behind the statement. */
  readonly modified: readonly string[];
  readonly reordered: boolean;
  /** The primary key or a unique index may have been made or dropped. */
  readonly key: boolean;
  /** A foreign key may have been made that changes rows by itself, or any one dropped. */
  readonly foreignKeys: boolean;
}
