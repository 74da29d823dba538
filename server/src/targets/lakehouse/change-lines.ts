import { CHANGE_FIELDS } from '../../model/change.ts';
import { holdsAll } from '../../model/merge/widest-type.ts';
import type { Column } from '../../model/table.ts';
import type { Visibility } from '../../sources/source.ts';
import type { ChangeBatch, ChangePart } from '../target.ts';
import { isZeroDate, type ReadingRules, textExpression, widenedExpression } from './text-expression.ts';

/** Names of staged columns: `c<n>` is column n of the batch's final schema, whatever it is called. */
export function stagedName(index: number): string {
  return `c${index}`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Columns of a file of lines, all text: f0, f1, … */
function rawColumns(count: number): string {
  return Array.from({ length: count }, (_, index) => `'f${index}':'VARCHAR'`).join(',');
}

/**
 * DuckDB drops a byte order mark at the front of a file, and a value that begins with U+FEFF looks like one. A file whose
 * first line may begin with a value begins with one of its own to drop.
 */
export const FRONT = Buffer.from('\ufeff');

/**
 * Reads files of CSV lines as text. The reader is told everything and guesses nothing; `longestLine` bounds its
 * buffers. One thread: the parallel reader would have to guess where quoted lines begin.
 */
export function readLines(files: readonly string[], fields: number, longestLine: number): string {
  const line = Math.max(longestLine + 16, 1 << 20);
  const options = [
    'header=false',
    'auto_detect=false',
    `columns={${rawColumns(fields)}}`,
    "delim=','",
    `quote='"'`,
    `escape='"'`,
    "nullstr=''",
    'allow_quoted_nulls=false',
    'parallel=false',
    "new_line='\\n'",
    `max_line_size=${line}`,
    `buffer_size=${Math.max(line + 16, 8 << 20)}`,
  ];
  return `read_csv([${files.map(quote).join(',')}], ${options.join(', ')})`;
}

export function readPart(part: ChangePart): string {
  if (part.format === 'csv')
    return readLines(part.files, CHANGE_FIELDS.length + part.columns.length + 1, part.longestLine);
  return `read_parquet([${part.files.map(quote).join(',')}])`;
}

/** The lines of a part as they are, for a segment's file. */
export function rawPart(part: ChangePart): string {
  return `SELECT * FROM ${readPart(part)}`;
}

const FIELD = Object.fromEntries(CHANGE_FIELDS.map((name, index) => [name, `f${index}`])) as Record<
  (typeof CHANGE_FIELDS)[number],
  string
>;

function rawValue(index: number): string {
  return `f${CHANGE_FIELDS.length + index}`;
}

function rawMask(part: ChangePart): string {
  return rawValue(part.columns.length);
}

/**
 * All lines of a batch under its final schema, typed: ord, op, ts, mask, c0, c1, … A column that a part does not
 * have is null there (it was added later, without a default; others are loaded anew). Columns of the key are read
 * strictly: a key that the lake cannot hold would make different rows one.
 */
export function typedLines(batch: ChangeBatch, range: LineRange | null, rules: ReadingRules): string {
  return batch.parts.map((part) => typedPart(part, batch, range, rules)).join(' UNION ALL ');
}

/** Lines by their numbers, both ends included. */
export interface LineRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** The numbers and operations of the lines of a batch, under the names ord and op. */
export function lineNumbers(batch: ChangeBatch, range: LineRange | null): string {
  return batch.parts
    .map(
      (part) =>
        `SELECT CAST(${FIELD.ord} AS BIGINT) AS ord, upper(${FIELD.op}) AS op FROM ${readPart(part)}${filter(rangeCondition(range))}`,
    )
    .join(' UNION ALL ');
}

function filter(...conditions: readonly (string | null)[]): string {
  const real = conditions.filter((one) => one !== null);
  return real.length === 0 ? '' : ` WHERE ${real.map((one) => `(${one})`).join(' AND ')}`;
}

function rangeCondition(range: LineRange | null): string | null {
  return range === null ? null : `CAST(${FIELD.ord} AS BIGINT) BETWEEN ${range.first} AND ${range.last}`;
}

function typedPart(
  part: ChangePart,
  batch: ChangeBatch,
  range: LineRange | null,
  rules: ReadingRules,
): string {
  const columns = batch.schema.columns;
  const places = columns.map((column) => placeOf(part, column));
  const values = columns.map((column, index) => {
    const place = places[index]!;
    const rule = isKey(batch, index) ? STRICT : rules;
    const value =
      place < 0
        ? textExpression(column.type, column.text, absentText(batch.constants, column), rule)
        : widenedExpression(columnAt(part, place, column), column.type, rawValue(place), rule);
    return `${value} AS ${stagedName(index)}`;
  });
  return (
    `SELECT CAST(${FIELD.ord} AS BIGINT) AS ord, upper(${FIELD.op}) AS op, CAST(${FIELD.ts} AS BIGINT) AS ts, ` +
    `${maskExpression(part, places)} AS mask, ${values.join(', ')} FROM ${readPart(part)}${filter(rangeCondition(range), visibleCondition(batch.alreadyVisible))}`
  );
}

/** The text of a column that the lines do not have. */
export function absentText(constants: ReadonlyMap<number, string>, column: Pick<Column, 'sourceId'>): string {
  const text = constants.get(column.sourceId);
  return text === undefined ? 'CAST(NULL AS VARCHAR)' : `CAST(${quote(text)} AS VARCHAR)`;
}

/** Keys are never made null. */
export const STRICT: ReadingRules = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' };

export function isKey(batch: ChangeBatch, index: number): boolean {
  return batch.schema.identity.kind === 'key' && batch.schema.identity.columns.includes(index);
}

export function placeOf(part: Pick<ChangePart, 'columns'>, column: Column): number {
  return part.columns.findIndex((one) => one.sourceId === column.sourceId);
}

/**
 * How the part's text in this place is read: by the column that it was written under, where the batch's type holds all of
 * its values; otherwise by the batch's own.
 */
export function columnAt(part: Pick<ChangePart, 'columns'>, place: number, column: Column): Column {
  const written = part.columns[place]!;
  return holdsAll(column.type, written.type) ? written : column;
}

/** The part's mask in the order of the final schema. */
function maskExpression(part: ChangePart, places: readonly number[]): string {
  if (!part.masked) return 'CAST(NULL AS VARCHAR)';
  const mask = rawMask(part);
  const bits = places.map((place) => (place < 0 ? "'0'" : `substr(${mask}, ${place + 1}, 1)`));
  return `CASE WHEN ${mask} IS NULL THEN NULL ELSE concat(${bits.join(', ')}) END`;
}

/** Leaves out lines of transactions that the snapshot showed. */
function visibleCondition(visibility: Visibility | null): string | null {
  switch (visibility?.kind) {
    case 'xid':
      return unseenByXid(visibility);
    case 'log':
      return `${FIELD.xid} IS NULL OR CAST(${FIELD.xid} AS BIGINT) >= ${visibility.before}`;
    default:
      return null;
  }
}

/**
 * Lines have 32-bit ids, the snapshot 64-bit ones: a line's id is the one nearest to xmax (PostgreSQL manual,
 * "Transaction ID Types", and pg_current_snapshot).
 */
function unseenByXid(visibility: Extract<Visibility, { kind: 'xid' }>): string {
  const xmax = BigInt(visibility.xmax);
  const epoch = (xmax >> 32n) << 32n;
  const raw = `CAST(${FIELD.xid} AS BIGINT)`;
  const near = `(CASE WHEN ${epoch} + ${raw} > ${xmax} + 2147483648 THEN ${epoch} + ${raw} - 4294967296 WHEN ${epoch} + ${raw} < ${xmax} - 2147483648 THEN ${epoch} + ${raw} + 4294967296 ELSE ${epoch} + ${raw} END)`;
  const running = visibility.xip.length > 0 ? ` AND ${near} NOT IN (${visibility.xip.join(', ')})` : '';
  return `${FIELD.xid} IS NULL OR NOT (${near} < ${xmax}${running})`;
}

/** The key's text of the lines with these ords, as the source wrote it: ord, k0, k1, … */
export function keyText(batch: ChangeBatch, ords: string): string {
  const key = batch.schema.identity.kind === 'key' ? batch.schema.identity.columns : [];
  return batch.parts
    .map((part) => {
      const values = key.map((index, n) => {
        const column = batch.schema.columns[index]!;
        const place = placeOf(part, column);
        return `${place < 0 ? absentText(batch.constants, column) : rawValue(place)} AS k${n}`;
      });
      return `SELECT CAST(${FIELD.ord} AS BIGINT) AS ord, ${values.join(', ')} FROM ${readPart(part)} WHERE CAST(${FIELD.ord} AS BIGINT) IN (${ords})`;
    })
    .join(' UNION ALL ');
}

/** Values that text gave null for: how many, in all columns that can. */
export function nulledCount(batch: ChangeBatch, range: LineRange | null, rules: ReadingRules): string | null {
  const counts: string[] = [];
  for (const part of batch.parts) {
    if (!part.lossy && rules.outOfRange === 'error') continue;
    const lost = batch.schema.columns.flatMap((column, index) => {
      const place = placeOf(part, column);
      if (place < 0 || isKey(batch, index)) return [];
      const sql = lostExpression(columnAt(part, place, column), rawValue(place), rules);
      return sql === null ? [] : [sql];
    });
    if (lost.length > 0)
      counts.push(`SELECT ${lost.join(' + ')} AS n FROM ${readPart(part)}${filter(rangeCondition(range))}`);
  }
  return counts.length === 0
    ? null
    : `SELECT CAST(sum(n) AS BIGINT) AS n FROM (${counts.join(' UNION ALL ')})`;
}

/** count(*) of values of a text column that the rules turn into null; null where they never do. */
export function lostExpression(column: Column, text: string, rules: ReadingRules): string | null {
  const lost = lostCondition(column, text, rules);
  return lost === null ? null : `count(*) FILTER (${lost})`;
}

/** Whether the rules turn a value of a text column into null; null where they never do. */
export function lostCondition(column: Column, text: string, rules: ReadingRules): string | null {
  const infinite = column.text.form === 'era' && rules.infiniteDates === 'null';
  const zero = column.text.form === 'zero' && rules.zeroDates === 'null';
  if (rules.outOfRange === 'null' && column.type.kind !== 'string')
    return `${text} IS NOT NULL AND ${textExpression(column.type, column.text, text, rules)} IS NULL`;
  if (zero) return isZeroDate(text);
  if (infinite) return `ends_with(${text}, 'infinity')`;
  const inList = column.text.form === 'list' && column.text.element.form === 'era';
  return inList && rules.infiniteDates === 'null' ? `contains(${text}, 'infinity')` : null;
}
