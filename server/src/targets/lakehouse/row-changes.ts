import type { ChangeBatch } from '../target.ts';
import { stagedName } from './change-lines.ts';
import { dropTruncated } from './keyed-changes.ts';
import type { Sql } from './sql.ts';

/** What a batch comes to for a table without a key: a change in the number of copies of each whole row. */
export interface RowOutcome {
  readonly truncated: boolean;
  /** Copies to add: columns c0 …, op, ts; a copy a row. */
  readonly inserts: string;
  /** Rows of which copies go: columns c0 …, and `copies`. */
  readonly removals: string;
  /** The sum of `copies`. */
  readonly removed: number;
}

/**
 * Counts lines (`chg`) by whole row: I adds a copy, D takes one. Equal means the same value in every column, null
 * and NaN included; floats are told apart by their text, since -0 and 0 are two values.
 */
export async function foldRows(sql: Sql, batch: ChangeBatch): Promise<RowOutcome> {
  const truncated = await dropTruncated(sql, batch);
  const names = batch.schema.columns.map((_, index) => stagedName(index));
  const groups = batch.schema.columns.flatMap((column, index) =>
    sameness(column.type.kind, stagedName(index)),
  );
  // Values are taken from a line, not by an aggregate: first() of a list makes 0 of a -0 in it.
  await sql.run(
    `CREATE TEMP TABLE net AS SELECT ${names.map((name) => `chg.${name}`).join(', ')}, n.op, n.ts, n.copies FROM chg JOIN (` +
      `SELECT min(ord) AS ord, arg_max(op, ord) AS op, arg_max(ts, ord) AS ts, CAST(sum(CASE op WHEN 'D' THEN -1 ELSE 1 END) AS BIGINT) AS copies ` +
      `FROM chg GROUP BY ${groups.join(', ')} HAVING copies <> 0) n USING (ord)`,
  );
  const [row] = await sql.rows('SELECT CAST(coalesce(sum(-copies), 0) AS BIGINT) FROM net WHERE copies < 0');
  return {
    truncated,
    inserts: `SELECT ${names.join(', ')}, 'I' AS op, ts, unnest(range(copies)) AS copy FROM net WHERE copies > 0`,
    removals: `SELECT ${names.join(', ')}, -copies AS copies FROM net WHERE copies < 0`,
    removed: Number(row?.[0] ?? 0),
  };
}

/** Expressions by which two values of a column are the same value. */
function sameness(kind: string, name: string): readonly string[] {
  return kind === 'float' || kind === 'double' || kind === 'list' ? [`CAST(${name} AS VARCHAR)`] : [name];
}

/** The condition that two relations' rows are the same row. */
export function sameRow(batch: ChangeBatch, a: string, b: string): string {
  const same = batch.schema.columns.flatMap((column, index) => {
    const [left, right] = [`${a}.${stagedName(index)}`, `${b}.${stagedName(index)}`];
    const cells = sameness(column.type.kind, left);
    const others = sameness(column.type.kind, right);
    return cells.map((cell, n) => `${cell} IS NOT DISTINCT FROM ${others[n]}`);
  });
  return same.join(' AND ');
}
