import type { ColumnKind, ColumnValue } from './columns.ts';

export interface TestColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A table of a random schema. Rows are found by `key`, which is empty where the table has none. */
export interface TestTable {
  readonly name: string;
  readonly key: readonly { readonly name: string; readonly value: (n: number) => ColumnValue }[];
  readonly columns: readonly TestColumn[];
  readonly ddl: string;
  /** Rows before the task starts. */
  readonly rows: number;
}

/** Keys are few, so that writers meet each other's rows and take keys again. */
export const KEYS = 60;
