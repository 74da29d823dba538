import type { CascadeRule } from './cascade.ts';
import type { LogicalType } from './logical-type.ts';

/** A table's name at its source or in the lake. The parts are taken as they are: case, spaces and quotes included. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
  /**
   * Of a sharded-table merge only. At the source: which of its servers and databases the table is in
   * (sources/composite/). At the target: which shard's line of the table is meant (targets/lakehouse/merge-lines.ts),
   * '' for the one that all of them begin with; without: the merged table itself.
   */
  readonly shard?: string | undefined;
}

/** For people and logs; not for SQL. */
export function tableText(name: TableName): string {
  const text = `${name.schema}.${name.table}`;
  if (name.shard === undefined || name.shard === '') return text;
  // What holds a slash names a database already (sources/composite/member-label.ts).
  return `${name.shard}${name.shard.includes('/') ? '.' : '/'}${text}`;
}

/** An injective map key. */
export function tableKey(name: TableName): string {
  const parts = [name.schema, name.table];
  return JSON.stringify(name.shard === undefined ? parts : [...parts, name.shard]);
}

/**
 * How the text of a column's value, as it arrives from the source, is to be read:
 *   plain     as the type's usual text: 12, 1.50, true or t, 2024-02-29, 2024-02-29 12:00:00.5
 *   era       a date or timestamp that may carry " BC" behind it, or be infinity or -infinity
 *   zero      a date or timestamp whose month or day may be 00 (MySQL's zero and partial dates)
 *   hex       bytes as \x6869
 *   bit       '1' or '0' for a boolean
 *   list      {a,"b c",NULL}, whose elements are read by the inner form
 */
export type TextForm =
  | { readonly form: 'plain' }
  | { readonly form: 'era' }
  | { readonly form: 'zero' }
  | { readonly form: 'hex' }
  | { readonly form: 'list'; readonly delimiter: string; readonly element: TextForm };

/**
 * What the text of a value shows of its type's definition, by what names it for good (PostgreSQL: labels of enums,
 * attributes of composites). What is added changes no value.
 */
export type TypeParts = Readonly<Record<string, string>>;

export interface Column {
  readonly name: string;
  /** What stays the same when the column is renamed and is never used again after a drop (PostgreSQL: attnum; MySQL: a number of ours). */
  readonly sourceId: number;
  readonly type: LogicalType;
  readonly text: TextForm;
  readonly nullable: boolean;
  /** The type as the source writes it, for people: numeric(10,2). */
  readonly native: string;
  /** Without: nothing is known of any. */
  readonly parts?: TypeParts;
}

/**
 * How a row is recognised again.
 *   key    by these columns (indexes into `columns`): the primary key or the replica identity
 *   row    no key: by the whole row; equal rows are counted
 */
export type Identity =
  | { readonly kind: 'key'; readonly columns: readonly number[] }
  | { readonly kind: 'row' };

export interface TableSchema {
  readonly name: TableName;
  readonly columns: readonly Column[];
  readonly identity: Identity;
  /** Foreign keys by which the source changes rows of this table on its own; without: there are none. */
  readonly cascades?: readonly CascadeRule[];
  /** The log has rows of the past too, and behind the columns of each row when it began and ended (MariaDB: system versioning). */
  readonly versioned?: boolean;
}

/** The table with some of its own columns; a key has a column -1 where one of it is left out. */
export function withColumns(schema: TableSchema, columns: readonly Column[]): TableSchema {
  const { identity } = schema;
  if (identity.kind === 'row') return { ...schema, columns };
  const key = identity.columns.map((index) => columns.indexOf(schema.columns[index]!));
  return { ...schema, columns, identity: { ...identity, columns: key } };
}
