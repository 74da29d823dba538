import { CASCADE_OP, CHANGE_FIELDS, OP } from '../../model/change.ts';
import type { CascadePart, CascadeRequest, ChangePart } from '../target.ts';
import { readPart } from './change-lines.ts';
import type { Sql } from './sql.ts';

const ORD = 'CAST(f0 AS BIGINT)';

/**
 * Makes the lines (CASCADE_OP) that a foreign key's table gets for the unseen deletes and moves of the table that it
 * refers to. Values stay the text that the source wrote: a column and what refers to it are of one type.
 */
export async function writeCascadeLines(sql: Sql, request: CascadeRequest): Promise<CascadePart | null> {
  const { rule, columns, file } = request;
  const selects = request.told.filter((part) => part.unseen).flatMap((part) => linesOf(part, request));
  if (selects.length === 0) return null;
  await sql.run(
    `COPY (SELECT * FROM (${selects.join(' UNION ALL ')}) ORDER BY ${ORD}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  const part: ChangePart = {
    format: 'parquet',
    files: [file],
    columns,
    rows: 0,
    longestLine: 0,
    masked: rule.columns.length < columns.length,
    lossy: false,
    unseen: false,
    truncates: false,
  };
  const [row] = await sql.rows(`SELECT count(*), min(${ORD}), max(${ORD}) FROM ${readPart(part)}`);
  const [rows, first, last] = row ?? [];
  if (rows === undefined || Number(rows) === 0) return null;
  return { ...part, rows: Number(rows), firstOrd: Number(first), lastOrd: Number(last) };
}

function linesOf(part: ChangePart, { rule, referenced, columns, fromOrd }: CascadeRequest): string[] {
  const places = referenced.map((id) => part.columns.findIndex((column) => column.sourceId === id));
  const from = `CAST(l.f0 AS BIGINT) >= ${fromOrd}`;
  /** A line of the rule's table: `clock` has the number, `values` the foreign key. */
  const line = (clock: string, op: string, values: string): string => {
    const fields = columns.map((column, index) => {
      const n = rule.columns.indexOf(column.sourceId);
      const value = n < 0 ? 'CAST(NULL AS VARCHAR)' : `${values}.f${CHANGE_FIELDS.length + places[n]!}`;
      return `${value} AS f${CHANGE_FIELDS.length + index}`;
    });
    const mask = columns.map((column) => (rule.columns.includes(column.sourceId) ? '0' : '1')).join('');
    const head = `${clock}.f0 AS f0, '${op}' AS f1, ${clock}.f2 AS f2, ${clock}.f3 AS f3`;
    return `SELECT ${head}, ${fields.join(', ')}, '${mask}' AS f${CHANGE_FIELDS.length + columns.length}`;
  };
  const source = readPart(part);
  const selects: string[] = [];
  if (rule.onDelete !== 'nothing') {
    const op = rule.onDelete === 'delete' ? CASCADE_OP.delete : CASCADE_OP.empty;
    selects.push(`${line('l', op, 'l')} FROM ${source} l WHERE l.f1 = '${OP.deleteUnseen}' AND ${from}`);
  }
  if (rule.onUpdate === 'nothing') return selects;
  const moved = `FROM ${source} l JOIN ${source} n ON CAST(n.f0 AS BIGINT) = CAST(l.f0 AS BIGINT) + 1 WHERE l.f1 = '${OP.movedUnseen}' AND ${from}`;
  if (rule.onUpdate === 'null') selects.push(`${line('n', CASCADE_OP.empty, 'l')} ${moved}`);
  else
    selects.push(`${line('l', CASCADE_OP.from, 'l')} ${moved}`, `${line('n', CASCADE_OP.to, 'n')} ${moved}`);
  return selects;
}
