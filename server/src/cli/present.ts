import { type ErrorBody, isErrorCode } from '@sluice/contract';
import { cellText, type TextTable, textTable } from './text-table.ts';

export type Format = 'json' | 'table';

/** What a command answers: `data` for programs, and how a person would rather see it. */
export interface Answer {
  readonly data: unknown;
  readonly view?: TextTable | string;
  /** What goes to standard output as it is, wherever that leads, unless a format was asked for. */
  readonly file?: string;
}

export function present(answer: Answer, format: Format): string {
  if (format === 'json') return `${JSON.stringify({ data: answer.data })}\n`;
  const view = answer.view ?? defaultView(answer.data);
  return typeof view === 'string' ? view : textTable(view);
}

/** Objects of a list become rows of their plain fields; one object becomes a line a field. */
export function defaultView(data: unknown): TextTable | string {
  if (Array.isArray(data)) {
    if (data.length === 0) return '(none)\n';
    const first: unknown = data[0];
    if (!isRecord(first)) return { columns: ['value'], rows: data.map((value: unknown) => [value]) };
    const columns = Object.keys(first);
    return { columns, rows: data.map((row: Record<string, unknown>) => columns.map((name) => row[name])) };
  }
  if (!isRecord(data)) return `${cellText(data, Number.POSITIVE_INFINITY)}\n`;
  const width = Math.max(0, ...Object.keys(data).map((name) => name.length));
  return Object.entries(data)
    .map(([name, value]) => `${name.padEnd(width)}  ${cellText(value, Number.POSITIVE_INFINITY)}\n`)
    .join('');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Columns of a list, each with a heading and where its value is found. */
export function pick<T>(
  rows: readonly T[],
  columns: Readonly<Record<string, (row: T) => unknown>>,
): TextTable | string {
  if (rows.length === 0) return '(none)\n';
  const read = Object.values(columns);
  return { columns: Object.keys(columns), rows: rows.map((row) => read.map((value) => value(row))) };
}

export function presentError(body: ErrorBody, format: Format): string {
  if (format === 'json') return `${JSON.stringify(body)}\n`;
  const { code, message, remedy } = body.error;
  const more = isErrorCode(code) ? `  more         sluice errors ${code}\n` : '';
  return `✗ ${message}\n\n  what to do   ${remedy}\n  code         ${code}\n${more}`;
}
