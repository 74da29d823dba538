import { SluiceError } from '@sluice/contract';
import { tableText } from '../../model/table.ts';
import type { ChangeBatch, ChangePart } from '../target.ts';
import {
  absentText,
  columnAt,
  FRONT,
  isKey,
  keyText,
  lostCondition,
  placeOf,
  readLines,
  STRICT,
  stagedName,
} from './change-lines.ts';
import { type AllRows, playCascades } from './play-cascades.ts';
import { isOutOfMemory, type Sql } from './sql.ts';
import { type ReadingRules, textExpression, widenedExpression } from './text-expression.ts';
import { findValueTrouble, type TextRows } from './value-trouble.ts';

/** Gives the live rows of the table as they are before the batch, as a relation with columns c<n> for these columns of the batch's schema. */
export type OldRows = (columns: readonly number[], keys: string) => Promise<string>;

/** Where values come from that the lines do not tell. */
export interface UntoldValues {
  readonly oldRows: OldRows;
  readonly allRows: AllRows;
  /** How the source's texts are read. */
  readonly rules: ReadingRules;
  /** Puts them into a file that lives as long as the step. */
  readonly scratch: (lines: Buffer) => Promise<string>;
}

/** What a batch comes to for a table with a key; relations and conditions over temporary tables. */
export interface KeyedOutcome {
  /** All rows that were there before go. */
  readonly truncated: boolean;
  /** The rows that are there after: columns c0 …, op, ts. */
  readonly upserts: string;
  /** The same where no key has two lines, which costs less. */
  readonly upsertsOfSingles: string;
  /** Of each key of the batch: its columns, whether an old row under it goes (`goes`), and whether there is a row after (`stays`). */
  readonly keys: string;
  readonly fetched: boolean;
  /** Of the values that the source was asked for, those that the rules made null. */
  readonly nulledValues: number;
  /** Foreign keys changed rows unseen: of keys and lines there may be more than the batch brought. */
  readonly played: boolean;
  /** Rows that cascades deleted (ChangeBatch.tellDeleted). */
  readonly deleted: readonly ChangePart[];
}

/**
 * Folds typed lines (`chg`: ord, op, ts, mask, c0 …) to the last state of each key.
 *
 * 1. Lines up to the last TRUNCATE count for nothing.
 * 2. A value that the log left out (mask) is the one of the line before it in the life of the same row: under the
 *    same key, or, where the key moved, under the key of the K line right before it. Where the batch does not have
 *    it, the old row in the lake has; where that is missing too, the source is asked.
 * 3. The last line of a key says whether its row is there (I, U) or not (D, K).
 */
export async function foldKeyed(sql: Sql, batch: ChangeBatch, untold: UntoldValues): Promise<KeyedOutcome> {
  const identity = batch.schema.identity;
  if (identity.kind !== 'key') throw new Error('a table without key is not folded by key');
  const key = identity.columns.map(stagedName);
  const truncated = await dropTruncated(sql, batch);
  const deleted = await playCascades(sql, batch, truncated ? null : untold.allRows);
  const masked = deleted !== null || batch.parts.some((part) => part.masked);
  const asked = masked ? await fillMasked(sql, batch, key, untold, truncated, deleted !== null) : null;
  const names = key.join(', ');
  let fin = `(SELECT ${names}, max(ord) AS ord, arg_min(op, ord) AS first_op, arg_max(op, ord) AS last_op FROM chg GROUP BY ${names})`;
  // To fold few lines twice costs less than to keep what came of it.
  if (deleted !== null || lineCount(batch) > FEW_LINES) {
    await sql.run(`CREATE TEMP TABLE fin AS ${fin}`);
    fin = 'fin';
  }
  const goes = batch.exact ? "first_op <> 'I'" : 'true';
  return {
    truncated,
    upserts: `SELECT chg.* FROM chg SEMI JOIN ${fin} AS fin USING (ord) WHERE chg.op IN ('I', 'U')`,
    upsertsOfSingles: `SELECT * FROM chg WHERE op IN ('I', 'U')`,
    keys: `SELECT ${names}, ${goes} AS goes, last_op IN ('I', 'U') AS stays FROM ${fin} AS fin`,
    fetched: asked !== null,
    nulledValues: asked?.nulledValues ?? 0,
    played: deleted !== null,
    deleted: deleted ?? [],
  };
}

/** So few that a statement costs more than what it does to them. */
export const FEW_LINES = 10_000;

export function lineCount({ parts }: ChangeBatch): number {
  return parts.reduce((sum, { rows }) => sum + rows, 0);
}

/** @returns whether there was a TRUNCATE */
export async function dropTruncated(sql: Sql, { parts }: ChangeBatch): Promise<boolean> {
  if (!parts.some((part) => part.truncates)) return false;
  const [row] = await sql.rows(`SELECT max(ord) FROM chg WHERE op = 'T'`);
  const last = row?.[0] ?? null;
  if (last === null) return false;
  await sql.run(`DELETE FROM chg WHERE ord <= ${String(last)}`);
  return true;
}

/**
 * Puts values into the masked places of each key's last line; those of other lines matter to nobody. For each
 * masked column a line's history under its key is filled forward: the last value that the log told, or, at a line
 * whose key moved here, a link to the K line before it, whose own history goes on under the old key. Links are
 * followed for all lines at once, as often as one row moved within the batch. A new row has no history: what its
 * line leaves out (MySQL: defaults, under binlog_row_image MINIMAL) nobody but the source knows, and the same goes for
 * what a line leaves out though it may have changed (mask 2; MariaDB: generated columns).
 * @returns what asking the source came to; null: it was not asked
 */
async function fillMasked(
  sql: Sql,
  batch: ChangeBatch,
  key: readonly string[],
  untold: UntoldValues,
  truncated: boolean,
  played: boolean,
): Promise<{ readonly nulledValues: number } | null> {
  const columns = await maskedColumns(sql, batch.schema.columns.length);
  const keys = key.join(', ');
  await sql.run(
    `CREATE TEMP TABLE last AS SELECT c.ord, c.mask FROM chg c SEMI JOIN (SELECT max(ord) AS ord FROM chg GROUP BY ${keys}) USING (ord) WHERE c.mask IS NOT NULL AND c.op IN ('I', 'U')`,
  );
  await sql.run('CREATE TEMP TABLE missing (ord BIGINT)');
  for (const column of columns) {
    await followHistory(sql, column, keys);
    await takeOldValues(sql, batch, column, key, truncated ? null : untold.oldRows);
  }
  const [row] = await sql.rows('SELECT count(*) FROM missing');
  if (Number(row?.[0] ?? 0) === 0) return null;
  return { nulledValues: await fillFromSource(sql, batch, columns, key, untold, played) };
}

async function maskedColumns(sql: Sql, count: number): Promise<readonly number[]> {
  const bits = Array.from({ length: count }, (_, index) => `bool_or(substr(mask, ${index + 1}, 1) <> '0')`);
  const [row] = await sql.rows(`SELECT ${bits.join(', ')} FROM chg WHERE mask IS NOT NULL`);
  return (row ?? []).flatMap((set, index) => (set === true ? [index] : []));
}

/** Makes `walk`: for each last line with this column masked, the line where its history ends and the value told there. */
async function followHistory(sql: Sql, column: number, keys: string): Promise<void> {
  const bit = `substr(m.mask, ${column + 1}, 1)`;
  const told = `CASE WHEN m.op IN ('I', 'U') AND (m.mask IS NULL OR ${bit} = '0') THEN {'v': m.${stagedName(column)}, 'link': CAST(NULL AS BIGINT), 'lost': false} WHEN m.op = 'I' OR ${bit} = '2' THEN {'v': NULL, 'link': NULL, 'lost': true} WHEN k.ord IS NOT NULL THEN {'v': NULL, 'link': k.ord, 'lost': false} END`;
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE history AS SELECT ord, last_value(told IGNORE NULLS) OVER (PARTITION BY ${keys} ORDER BY ord ROWS UNBOUNDED PRECEDING) AS told FROM ` +
      `(SELECT m.ord, ${keys
        .split(', ')
        .map((name) => `m.${name}`)
        .join(
          ', ',
        )}, ${told} AS told FROM chg m LEFT JOIN chg k ON k.ord = m.ord - 1 AND k.op = 'K' AND m.op = 'U')`,
  );
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE walk AS SELECT l.ord AS target, l.ord AS place, h.told FROM last l JOIN history h USING (ord) WHERE substr(l.mask, ${column + 1}, 1) <> '0'`,
  );
  for (;;) {
    const [left] = await sql.rows('SELECT count(*) FROM walk WHERE told.link IS NOT NULL');
    if (Number(left?.[0] ?? 0) === 0) return;
    await sql.run(
      'UPDATE walk SET place = h.ord, told = h.told FROM history h WHERE walk.told.link IS NOT NULL AND h.ord = walk.told.link',
    );
  }
}

/** Histories that end without a value go on in the lake; those that do not begin there either are `missing`. */
async function takeOldValues(
  sql: Sql,
  batch: ChangeBatch,
  column: number,
  key: readonly string[],
  oldRows: OldRows | null,
): Promise<void> {
  const name = stagedName(column);
  await sql.run(
    `UPDATE chg SET ${name} = walk.told.v FROM walk WHERE chg.ord = walk.target AND walk.told IS NOT NULL AND NOT walk.told.lost`,
  );
  await sql.run('INSERT INTO missing SELECT target FROM walk WHERE told.lost');
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE asked AS SELECT w.target, ${key.map((one) => `c.${one}`).join(', ')} FROM walk w JOIN chg c ON c.ord = w.place WHERE w.told IS NULL`,
  );
  const [row] = await sql.rows('SELECT count(*) FROM asked');
  if (Number(row?.[0] ?? 0) === 0) return;
  const keyIndexes = batch.schema.identity.kind === 'key' ? batch.schema.identity.columns : [];
  if (oldRows === null) {
    await sql.run('INSERT INTO missing SELECT target FROM asked');
    return;
  }
  // What lies under a key that the row has left may be the row that took it later, which no line of the log will
  // mend: the row that moved is not told again.
  if (!batch.oneMoment) {
    const left =
      "SELECT a.target FROM asked a JOIN walk w USING (target) JOIN chg c ON c.ord = w.place WHERE c.op = 'K'";
    await sql.run(`INSERT INTO missing ${left}`);
    await sql.run(`DELETE FROM asked WHERE target IN (${left})`);
  }
  const relation = await oldRows([...keyIndexes, column], 'asked');
  const on = key.map((one) => `o.${one} = a.${one}`).join(' AND ');
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE old AS SELECT a.target, o.${name} AS v FROM ${relation} o JOIN asked a ON ${on}`,
  );
  await sql.run(`UPDATE chg SET ${name} = old.v FROM old WHERE chg.ord = old.target`);
  await sql.run(
    'INSERT INTO missing SELECT target FROM asked WHERE target NOT IN (SELECT target FROM old) AND target NOT IN (SELECT ord FROM missing)',
  );
}

/**
 * Rows that no old state exists for (loaded in several snapshots, or mirrored without a full load) or none that is
 * surely theirs: their values as of now. A row that is gone by now is left out of the lake: a later line of the log
 * deletes or moves it, and a moved one is asked for again under its new key.
 * @returns how many of these values the rules made null
 */
async function fillFromSource(
  sql: Sql,
  batch: ChangeBatch,
  columns: readonly number[],
  key: readonly string[],
  { rules, scratch }: UntoldValues,
  played: boolean,
): Promise<number> {
  // Cascades have counted the lines anew; the files have their first numbers.
  const lost = await sql.rows(
    `SELECT ord, ${played ? 'src' : 'ord'}, contains(mask, '1') FROM chg WHERE ord IN (SELECT ord FROM missing)`,
  );
  if (lost.some(([, src]) => src === null))
    throw new SluiceError(
      'TABLE_CASCADE',
      `Foreign keys changed rows of ${tableText(batch.schema.name)} unseen, whose other values are not known.`,
    );
  const large = lost.some(([, , unchanged]) => unchanged === true);
  let nulledValues = 0;
  for (const some of inGroups(lost, large ? LARGE_AT_ONCE : FETCHED_AT_ONCE)) {
    const ords = some.map(([ord]) => String(ord)).join(', ');
    const sources = some.map(([, src]) => String(src)).join(', ');
    const texts = await sql.rows(`SELECT * FROM (${keyText(batch, sources)}) ORDER BY ord`);
    const keys = texts.map((row) => row.slice(1).map((value) => requireText(value, batch)));
    const lines = await batch.fetchRows(keys);
    const file = await scratch(Buffer.concat([FRONT, lines]));
    const from = readLines([file], batch.fetchColumns.length, lines.length);
    const nullable = await readFetched(sql, batch, from, columns, rules);
    const on = key.map((name) => `chg.${name} = fetched.${name}`).join(' AND ');
    nulledValues += await countNulled(sql, nullable, `chg JOIN fetched ON ${on} WHERE chg.ord IN (${ords})`);
    const set = columns.map((index) => {
      const name = stagedName(index);
      return `${name} = CASE WHEN ${isMasked(index)} THEN fetched.${name} ELSE chg.${name} END`;
    });
    await sql.run(`UPDATE chg SET ${set.join(', ')} FROM fetched WHERE chg.ord IN (${ords}) AND ${on}`);
    await sql.run(
      `UPDATE chg SET op = 'D' WHERE ord IN (${ords}) AND NOT EXISTS (SELECT 1 FROM fetched WHERE ${on})`,
    );
  }
  return nulledValues;
}

function isMasked(index: number): string {
  return `substr(chg.mask, ${index + 1}, 1) <> '0'`;
}

/**
 * Makes `fetched` of the source's lines, by the rules that the log's are read by: the key, these columns, and lost<n>,
 * whether column n has a text that the rules made null. Nobody asked for the others: the log's own lines tell them.
 * @returns the columns with a lost<n>
 */
async function readFetched(
  sql: Sql,
  batch: ChangeBatch,
  from: string,
  columns: readonly number[],
  rules: ReadingRules,
): Promise<readonly number[]> {
  const given = { columns: batch.fetchColumns };
  const nullable: number[] = [];
  const texts: TextRows['columns'][number][] = [];
  const fields: string[] = [];
  for (const [index, column] of batch.schema.columns.entries()) {
    const ofKey = isKey(batch, index);
    if (!ofKey && !columns.includes(index)) continue;
    const rule = ofKey ? STRICT : rules;
    const place = placeOf(given, column);
    if (place < 0) {
      const absent = absentText(batch.constants, column);
      fields.push(`${textExpression(column.type, column.text, absent, rule)} AS ${stagedName(index)}`);
      continue;
    }
    const text = `f${place}`;
    const written = columnAt(given, place, column);
    texts.push({ column: written, text, rules: rule });
    fields.push(`${widenedExpression(written, column.type, text, rule)} AS ${stagedName(index)}`);
    const lost = ofKey ? null : lostCondition(written, text, rule);
    if (lost === null) continue;
    nullable.push(index);
    fields.push(`(${lost}) AS lost${index}`);
  }
  try {
    await sql.run(`CREATE OR REPLACE TEMP TABLE fetched AS SELECT ${fields.join(', ')} FROM ${from}`);
  } catch (error) {
    if (isOutOfMemory(error)) throw error;
    throw (await findValueTrouble(sql, batch.schema.name, [{ from, columns: texts }])) ?? error;
  }
  return nullable;
}

/** What the log told itself is counted with the batch's parts. */
async function countNulled(sql: Sql, nullable: readonly number[], rows: string): Promise<number> {
  if (nullable.length === 0) return 0;
  const counts = nullable.map((index) => `count(*) FILTER (fetched.lost${index} AND ${isMasked(index)})`);
  const [row] = await sql.rows(`SELECT ${counts.join(' + ')} FROM ${rows}`);
  return Number(row?.[0] ?? 0);
}

/** They are held in memory; those that left out what did not change have large values. */
const FETCHED_AT_ONCE = 200;
const LARGE_AT_ONCE = 20;

function inGroups<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) =>
    items.slice(n * size, (n + 1) * size),
  );
}

function requireText(value: unknown, batch: ChangeBatch): string {
  if (typeof value === 'string') return value;
  throw new SluiceError('TABLE_SCHEMA', `A key of ${batch.schema.name.table} is missing in the log.`);
}
