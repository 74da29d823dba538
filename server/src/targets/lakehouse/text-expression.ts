import { duckTypeOfLogical } from '../../lakehouse/duckdb/types.ts';
import { type LogicalType, type PrimitiveType, sameType } from '../../model/logical-type.ts';
import { holdsAll } from '../../model/merge/widest-type.ts';
import type { Column, TextForm } from '../../model/table.ts';

/**
 * SQL (DuckDB) that reads a column's source text as the lake's type. One expression for full load and log alike,
 * so that both give the same value. It raises an error for a value that the type cannot hold exactly; nothing is
 * rounded, cut or guessed.
 */
export interface ReadingRules {
  /** ±infinity of dates and timestamps, which Iceberg does not have: null (and counted), or an error. */
  readonly infiniteDates: 'null' | 'error';
  /** Zero and partial dates (0000-00-00, 2024-05-00), which are no dates: null (and counted), or an error. */
  readonly zeroDates: 'null' | 'error';
  /** A value outside the type's range: an error, or null (and counted). */
  readonly outOfRange: 'error' | 'null';
}

/** `text` is an SQL expression of type VARCHAR. */
export function textExpression(type: LogicalType, form: TextForm, text: string, rules: ReadingRules): string {
  const exact = strictExpression(type, form, text, rules);
  return rules.outOfRange === 'null' && canFail(type) ? `TRY(${exact})` : exact;
}

/**
 * The same for text that was written under `column` and becomes a value of `to`, a type that holds all of the column's
 * (holdsAll). The text is read by the column's own type first: a float's 0.1, read as a double, is another number.
 */
export function widenedExpression(
  column: Pick<Column, 'type' | 'text'>,
  to: LogicalType,
  text: string,
  rules: ReadingRules,
): string {
  const own = textExpression(column.type, column.text, text, rules);
  return sameType(column.type, to) || !holdsAll(to, column.type)
    ? own
    : `CAST(${own} AS ${duckTypeOfLogical(to)})`;
}

/** As `widenedExpression`, of a value that is of the column's type already. */
export function widenedValue(column: Pick<Column, 'type'>, to: LogicalType, value: string): string {
  return sameType(column.type, to) || !holdsAll(to, column.type)
    ? value
    : `CAST(${value} AS ${duckTypeOfLogical(to)})`;
}

/** Whether reading a value of this type may give null for text that is not null. */
export function mayNull(type: LogicalType, form: TextForm, rules: ReadingRules): boolean {
  if (form.form === 'era' && rules.infiniteDates === 'null') return true;
  if (form.form === 'zero' && rules.zeroDates === 'null') return true;
  if (rules.outOfRange === 'null' && canFail(type)) return true;
  return type.kind === 'list' && form.form === 'list' && mayNull(type.element, form.element, rules);
}

function canFail(type: LogicalType): boolean {
  return type.kind !== 'string';
}

/** The expression without the `outOfRange` rule: raises where the value does not fit. */
export function strictExpression(
  type: LogicalType,
  form: TextForm,
  text: string,
  rules: ReadingRules,
): string {
  if (type.kind === 'list') {
    if (form.form !== 'list') throw new Error(`a list column needs a list form, not ${form.form}`);
    return listExpression(type.element, form, text, rules);
  }
  return primitiveExpression(type, form, text, rules);
}

function primitiveExpression(type: PrimitiveType, form: TextForm, text: string, rules: ReadingRules): string {
  if (form.form === 'era') return eraExpression(type, text, rules);
  if (form.form === 'zero') return zeroExpression(type, text, rules);
  switch (type.kind) {
    case 'string':
      return text;
    case 'binary':
      if (form.form !== 'hex') throw new Error('a binary column needs the hex form');
      return `unhex(substr(${text}, 3))`;
    case 'time':
      // DuckDB reads 24:00:00, but Iceberg's time ends before midnight.
      return `CASE WHEN starts_with(${text}, '24:') THEN ${refused('no time of a day', text, 'TIME')} ELSE CAST(${text} AS TIME) END`;
    default:
      return `CAST(${text} AS ${duckTypeOfLogical(type)})`;
  }
}

/**
 * An expression that raises. DuckDB's error() would be the word for it, but counts as volatile, and TRY refuses
 * whatever is; a text that no type of these can be read from raises as well.
 */
function refused(why: string, text: string, sqlType: string): string {
  return `CAST('${why}: ' || ${text} AS ${sqlType})`;
}

/** PostgreSQL writes the era behind everything ("0044-03-15 12:00:00 BC"), DuckDB reads it behind the date. */
function eraExpression(type: PrimitiveType, text: string, rules: ReadingRules): string {
  const sql = duckTypeOfLogical(type);
  const infinite =
    rules.infiniteDates === 'null' ? 'NULL' : refused('an infinite date has no value in the lake', text, sql);
  const bc = `regexp_replace(${text}, '^(\\S+)(.*) BC$', '\\1 (BC)\\2')`;
  return `CASE WHEN ends_with(${text}, 'infinity') THEN ${infinite} WHEN ends_with(${text}, ' BC') THEN CAST(${bc} AS ${sql}) ELSE CAST(${text} AS ${sql}) END`;
}

/** A date or timestamp, YYYY-MM-DD…, without a month or a day. */
export function isZeroDate(text: string): string {
  return `substr(${text}, 6, 2) = '00' OR substr(${text}, 9, 2) = '00'`;
}

function zeroExpression(type: PrimitiveType, text: string, rules: ReadingRules): string {
  const sql = duckTypeOfLogical(type);
  const none =
    rules.zeroDates === 'null'
      ? 'NULL'
      : refused('a date without month or day is none in the lake', text, sql);
  return `CASE WHEN ${isZeroDate(text)} THEN ${none} ELSE CAST(${text} AS ${sql}) END`;
}

/**
 * `{a,"b ""c",NULL}` (PostgreSQL manual, "Array Input and Output Syntax"): one dimension, lower bound 1. Others
 * have no exact counterpart in a list and are refused.
 */
function listExpression(
  element: PrimitiveType,
  form: Extract<TextForm, { form: 'list' }>,
  text: string,
  rules: ReadingRules,
): string {
  const delimiter = form.delimiter === ',' ? ',' : form.delimiter.replace(/[^;:|]/g, '');
  const body = `substr(${text}, 2, length(${text}) - 2)`;
  const items = `regexp_extract_all(${body}, '"(?:[^"\\\\]|\\\\(?s:.))*"|[^${delimiter}"]+')`;
  const unquoted = `regexp_replace(substr(e, 2, length(e) - 2), '\\\\((?s:.))', '\\1', 'g')`;
  const value = `CASE WHEN e = 'NULL' THEN NULL WHEN e[1] = '"' THEN ${unquoted} ELSE e END`;
  const typed = primitiveExpression(element, form.element, 'x', rules);
  const sql = `${duckTypeOfLogical(element)}[]`;
  const list = `list_transform(list_transform(${items}, lambda e: ${value}), lambda x: ${typed})`;
  return (
    `CASE WHEN ${text} IS NULL THEN NULL ` +
    `WHEN starts_with(${text}, '[') OR starts_with(${text}, '{{') THEN ${refused('only arrays of one dimension that start at 1 fit a list', `left(${text}, 40)`, sql)} ` +
    `WHEN ${text} = '{}' THEN CAST([] AS ${sql}) ELSE ${list} END`
  );
}
