/**
 * The changes of a table travel as lines of CSV: text that the source's own output functions made, copied as
 * bytes from the socket and parsed once, in C++, where the table is written. A full load's lines
 * (COPY … WITH CSV) hold the columns only; a changes' line starts with four fields of ours:
 *
 *   ord   a number that grows with the log, one a line, across all tables of a run
 *   op    one letter, below
 *   ts    commit time at the source, microseconds since 1970
 *   mask  empty, or one '1' or '0' a column: '1' where the log left the value out because it did not change
 *         (PostgreSQL: unchanged TOAST), so that the old row's value stays
 *
 * then a field a column, in the order of the schema that the lines were written under. NULL is an empty field
 * without quotes; text is always quoted, with quotes doubled; lines end with \n.
 */
export const CHANGE_FIELDS = ['ord', 'op', 'ts', 'mask'] as const;

export const OP = {
  insert: 'I',
  update: 'U',
  delete: 'D',
  /** The row's key became another: as a delete of this key, and the line with the next ord goes on with its values. */
  moved: 'K',
  /** All rows of the table before this line are gone; no other field is set. */
  truncate: 'T',
} as const;

export type Op = (typeof OP)[keyof typeof OP];
