/**
 * The changes of a table travel as lines of CSV: text that the source's own output functions made, copied as
 * bytes from the socket and parsed once, in C++, where the table is written. A full load's lines
 * (COPY … WITH CSV) hold the columns only. A change's line has four fields before them,
 *
 *   ord   a number that grows with the log, one a line, across all tables of a task
 *   op    one letter, below
 *   ts    commit time at the source, microseconds since 1970
 *   xid   the transaction's number (PostgreSQL: its 32-bit id), to tell whether a snapshot that is taken later holds
 *         it already
 *
 * the columns, in the order of the schema that the line was written under, and one field behind them,
 *
 *   mask  empty, or one '1' or '0' a column: '1' where the log left the value out because it did not change
 *         (PostgreSQL: unchanged TOAST), so that the old row's value stays
 *
 * NULL is an empty field without quotes; text of columns is quoted, with quotes doubled, but for digits and the
 * like, which hold nothing that needs it and are never empty; lines end with \n.
 */
export const CHANGE_FIELDS = ['ord', 'op', 'ts', 'xid'] as const;

export const OP = {
  insert: 'I',
  update: 'U',
  delete: 'D',
  /** The row's key became another: as a delete of this key, and the line with the next ord goes on with its values. */
  moved: 'K',
  /** All rows of the table before this line are gone; no other field is set. */
  truncate: 'T',
  /** As delete and moved, where foreign keys did more than the log tells (model/cascade.ts). */
  deleteUnseen: 'd',
  movedUnseen: 'k',
} as const;

/**
 * Lines that the engine makes, for a table whose foreign keys the source obeys unseen. Of the columns only those of
 * the foreign key are set, to what they are in the rows that are meant; the mask tells which.
 */
export const CASCADE_OP = {
  /** These rows are gone. */
  delete: 'C',
  /** The columns are null now. */
  empty: 'E',
  /** The columns are what the line with the next ord says. */
  from: 'M',
  to: 'N',
} as const;

export type Op = (typeof OP)[keyof typeof OP];
