import type { LogicalType } from '../logical-type.ts';
import type { Column, TableSchema } from '../table.ts';
import { type Shard, shardKey } from './shard.ts';

/** A shard as the source describes it now. Its columns' order is the source's. */
export interface ShardSchema {
  readonly shard: Shard;
  readonly schema: Pick<TableSchema, 'columns' | 'identity'>;
}

/** A column of the target that says where a row came from: null in no row. */
export interface ExtendedField {
  readonly part: keyof Shard;
  readonly name: string;
}

export interface MergeRules {
  readonly extendedFields: readonly ExtendedField[];
  /** Whether they are part of the key. */
  readonly extendedKey: boolean;
}

export interface MergedColumn {
  readonly name: string;
  readonly type: LogicalType;
  /** Some shard has no such column, or lets it be null. */
  readonly nullable: boolean;
}

/**
 * What shards come to together. The target has `columns`, then `extended`; `key` names the columns of both that a row
 * is recognised by, none where rows have no key.
 */
export interface MergedTable {
  readonly columns: readonly MergedColumn[];
  readonly extended: readonly ExtendedField[];
  readonly key: readonly string[];
}

/** Two of the shards that do not go together, each with what it has. */
export interface Contrast {
  readonly shard: Shard;
  readonly has: string;
}

/** Why shards do not merge. The kinds of columns and keys are the blocklist's own words. */
export type Refusal =
  | {
      readonly kind: 'pk column different' | 'pk column type mismatch' | 'invalid modify column';
      /** The column; for keys that differ, the columns that not both have. */
      readonly column: string;
      readonly one: Contrast;
      readonly other: Contrast;
    }
  | {
      readonly kind: 'column name case';
      readonly column: string;
      readonly one: Contrast;
      readonly other: Contrast;
    }
  | {
      readonly kind: 'extended field collision';
      readonly column: string;
      readonly field: ExtendedField;
      readonly one: Contrast;
    };

export type Merge =
  | { readonly kind: 'merged'; readonly table: MergedTable }
  /** `table`: the columns that do go together. */
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[]; readonly table: MergedTable };

/** Names of the columns by which the shard's rows are recognised; none: by the whole row. */
export function keyOf({ schema }: ShardSchema): readonly string[] {
  if (schema.identity.kind === 'row') return [];
  return schema.identity.columns.map((index) => schema.columns[index]!.name);
}

export function columnOf({ schema }: ShardSchema, name: string): Column | undefined {
  return schema.columns.find((column) => column.name === name);
}

/** The value of an extended field in every row of the shard. */
export const extendedValue = (field: ExtendedField, shard: Shard): string => shard[field.part];

export const sameShard = (a: Shard, b: Shard): boolean => shardKey(a) === shardKey(b);
