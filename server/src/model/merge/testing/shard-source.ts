import type { LogicalType } from '../../logical-type.ts';
import type { Column } from '../../table.ts';
import type { ShardSchema } from '../merged-table.ts';
import type { Shard } from '../shard.ts';
import { type ExactValue, edgesOf } from './exact-values.ts';

export type Row = Map<string, ExactValue | null>;

export const column = (name: string, type: LogicalType, sourceId: number, nullable = true): Column => ({
  name,
  sourceId,
  type,
  text: { form: 'plain' },
  nullable,
  native: JSON.stringify(type),
});

export const shardOf = (table: string): Shard => ({ server: 's', database: 'd', schema: 'd', table });

/** A shard with a key `id` and the columns named, for tests of merged schemas. */
export function shardSchema(
  table: string,
  columns: readonly (readonly [string, LogicalType])[],
  key: readonly string[] = ['id'],
): ShardSchema {
  const all = columns.map(([name, type], index) => column(name, type, index + 1, !key.includes(name)));
  const indexes = key.map((name) => all.findIndex((one) => one.name === name));
  const identity =
    key.length === 0 ? ({ kind: 'row' } as const) : ({ kind: 'key', columns: indexes } as const);
  return { shard: shardOf(table), schema: { columns: all, identity } };
}

/** A source table as a model of its own: rows, and DDL on them as a database does it. */
export class ShardSource {
  readonly shard: Shard;
  columns: Column[];
  rows: Row[] = [];
  #nextId: number;

  constructor(table: string, columns: readonly (readonly [string, LogicalType])[]) {
    const { shard, schema } = shardSchema(table, columns);
    this.shard = shard;
    this.columns = [...schema.columns];
    this.#nextId = this.columns.length + 1;
    for (const pick of [0, 1, 2])
      this.rows.push(new Map(this.columns.map((one) => [one.name, sampleOf(one.type, pick)])));
  }

  copy(): ShardSource {
    const copy = new ShardSource(this.shard.table, []);
    copy.columns = this.columns;
    copy.rows = this.rows.map((row) => new Map(row));
    copy.#nextId = this.#nextId;
    return copy;
  }

  get schema(): ShardSchema {
    const at = this.columns.findIndex(({ name }) => name === 'id');
    return {
      shard: this.shard,
      schema: { columns: this.columns, identity: { kind: 'key', columns: [at] } },
    };
  }

  has(name: string): boolean {
    return this.columns.some((one) => one.name === name);
  }

  /** Older rows get null. */
  add(name: string, type: LogicalType): void {
    this.columns = [...this.columns, column(name, type, this.#nextId++)];
    for (const row of this.rows) row.set(name, null);
  }

  drop(name: string): void {
    this.columns = this.columns.filter((one) => one.name !== name);
    for (const row of this.rows) row.delete(name);
  }

  rename(from: string, to: string): void {
    this.columns = this.columns.map((one) => (one.name === from ? { ...one, name: to } : one));
    for (const row of this.rows) {
      row.set(to, row.get(from) ?? null);
      row.delete(from);
    }
  }

  /** Two names change places, as one statement can do it. */
  swap(a: string, b: string): void {
    this.rename(a, ' ');
    this.rename(b, a);
    this.rename(' ', b);
  }

  /** Every value becomes one of the new type. */
  retype(name: string, type: LogicalType): void {
    this.columns = this.columns.map((one) =>
      one.name === name ? { ...column(name, type, one.sourceId), nullable: one.nullable } : one,
    );
    for (const [index, row] of this.rows.entries()) row.set(name, sampleOf(type, index));
  }
}

function sampleOf(type: LogicalType, pick: number): ExactValue {
  const edges = edgesOf(type);
  return edges[pick % edges.length]!;
}
