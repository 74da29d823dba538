import type { Column } from '../../model/table.ts';
import { type RowColumn, TypedFile } from '../../model/typed-rows/typed-file.ts';
import { type CopySink, SpecialValue } from './copy-worker.ts';
import { quoteIdent } from './quote.ts';
import { BinaryRows } from './wire/binary-rows.ts';

/** Longer rows go as text, which is cut into pieces for the reader. */
const LONGEST_ROW = 1 << 20;

export interface TypedColumn {
  readonly row: RowColumn;
  /** What COPY selects for it. */
  readonly select: string;
}

/** Types whose binary form is their text (PostgreSQL source, textsend, varcharsend, bpcharsend, json_send). */
const SENT_AS_TEXT = /^(text|json|character varying(\(\d+\))?|character(\(\d+\))?)$/;

/** How a column is asked for in COPY … (FORMAT binary): as its value where the lake has a type for it, else as its text. */
export function typedColumn(column: Column): TypedColumn {
  const name = quoteIdent(column.name);
  const { type } = column;
  if (type.kind !== 'string' && type.kind !== 'list') return { row: { kind: 'typed', type }, select: name };
  if (SENT_AS_TEXT.test(column.native)) return { row: { kind: 'text' }, select: name };
  // format() calls the type's output function, as COPY does; a cast to text has rules of its own (inet, character).
  // IS NULL would be true of a composite value whose fields are all null.
  const text = `pg_catalog.format('%s', ${name})`;
  return {
    row: { kind: 'text' },
    select: `CASE WHEN ${name} IS NOT DISTINCT FROM NULL THEN NULL ELSE ${text} END`,
  };
}

/** Makes typed rows of the messages of COPY … (FORMAT binary). @throws SpecialValue */
export class TypedRows implements CopySink {
  /** The word stands in some list: a date that the lake does not have. Other columns' infinities are special. */
  lossy = false;
  readonly #file: TypedFile;
  readonly #rows: BinaryRows;
  readonly #write: (bytes: Buffer) => Promise<void>;

  constructor(columns: readonly Column[], write: (bytes: Buffer) => Promise<void>) {
    const rows = columns.map((column) => typedColumn(column).row);
    this.#file = new TypedFile(rows);
    this.#rows = new BinaryRows(rows, this.#file.values);
    const lists = columns.some(({ type }) => type.kind === 'list');
    this.#write = (bytes) => {
      if (lists) this.lossy ||= bytes.includes('infinity');
      return write(bytes);
    };
  }

  get rows(): number {
    return this.#rows.rows;
  }

  get longest(): number {
    return this.#rows.longest;
  }

  add(bytes: Buffer, start: number, end: number): null {
    if (end - start > LONGEST_ROW) throw new SpecialValue();
    this.#rows.add(bytes, start, end);
    return null;
  }

  taken(): Promise<void> | null {
    this.#drain();
    return this.#file.full ? this.#file.writeGroup(this.#write) : null;
  }

  async finish(): Promise<void> {
    this.#drain();
    await this.#file.finish(this.#write);
  }

  async settle(): Promise<void> {}

  #drain(): void {
    this.#rows.drain();
    if (this.#rows.special) throw new SpecialValue();
  }
}
