import type { PrimitiveType } from '../logical-type.ts';
import { dataPageHeader, ENCODING, fileEnd, MAGIC, PHYSICAL, pushVarint } from '../parquet/pages.ts';
import { ThriftWriter } from '../parquet/thrift.ts';
import { Bits, ByteStrings, DoubleWords, SixteenBytes, Words } from './column-values.ts';

/**
 * Rows in columns, on their way from the source to the target within one process of a run: a Parquet file (apache/
 * parquet-format, README and parquet.thrift) with nothing in it that takes time. No compression, no dictionary, no
 * statistics; one page a column and group. Whoever wants the rows quickly reads them in C++.
 *
 *   text    a value as the source writes it, to be read like a line's
 *   typed   the value itself, of the column's type in the lake
 */
export type RowColumn =
  | { readonly kind: 'text' }
  | { readonly kind: 'typed'; readonly type: Exclude<PrimitiveType, { kind: 'string' }> };

/** Names of the file's columns: f0, f1, … as those of lines. */
export type Values = Words | DoubleWords | SixteenBytes | Bits | ByteStrings;

/** A file's row groups are what memory holds at once, here and in the reader. */
const GROUP_BYTES = 8 << 20;
/** A multiple of the reader's 2,048 rows. */
const GROUP_ROWS = 30 * 2048;

const OPTIONAL = 1;

interface ColumnPlace {
  readonly offset: number;
  readonly size: number;
}

interface Group {
  readonly rows: number;
  readonly places: readonly ColumnPlace[];
}

/** Makes the file's bytes, front to back, a group at a time. */
export class TypedFile {
  readonly values: readonly Values[];
  readonly #columns: readonly RowColumn[];
  readonly #groups: Group[] = [];
  #rows = 0;
  #written = 0;

  constructor(columns: readonly RowColumn[]) {
    this.#columns = columns;
    this.values = columns.map(valuesOf);
  }

  /** Whether it is time to write the group: every column has the same rows. */
  get full(): boolean {
    if ((this.values[0]?.rows ?? 0) >= GROUP_ROWS) return true;
    let bytes = 0;
    for (const one of this.values) bytes += one.size;
    return bytes >= GROUP_BYTES;
  }

  /** Writes what has been put. The buffers are used again as soon as `write` has taken each. */
  async writeGroup(write: (bytes: Buffer) => Promise<void>): Promise<void> {
    const rows = this.values[0]?.rows ?? 0;
    if (rows === 0) return;
    if (this.#written === 0) await this.#write(MAGIC, write);
    const places: ColumnPlace[] = [];
    for (const values of this.values) {
      if (values.rows !== rows) throw new Error('the columns of a group have different numbers of rows');
      const levels = definitionLevels(rows, values.nullRows);
      const header = dataPageHeader(rows, levels.length + values.size, ENCODING.plain);
      const offset = this.#written;
      await this.#write(Buffer.concat([header, levels]), write);
      const bytes = values.bytes();
      await this.#write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), write);
      places.push({ offset, size: this.#written - offset });
      values.clear();
    }
    this.#groups.push({ rows, places });
    this.#rows += rows;
  }

  /** The last group and the end of the file; a file of no rows is no file. @returns how many rows it has */
  async finish(write: (bytes: Buffer) => Promise<void>): Promise<number> {
    await this.writeGroup(write);
    if (this.#rows === 0) return 0;
    await this.#write(fileEnd(this.#footer()), write);
    return this.#rows;
  }

  async #write(bytes: Buffer, write: (bytes: Buffer) => Promise<void>): Promise<void> {
    if (bytes.length > 0) await write(bytes);
    this.#written += bytes.length;
  }

  #footer(): Buffer {
    const schema = this.#columns.map((column, index) => (out: ThriftWriter) => {
      const { physical, annotate } = parquetType(column);
      out.i32(1, physical);
      if (physical === PHYSICAL.fixed) out.i32(2, 16);
      out.i32(3, OPTIONAL).text(4, `f${index}`);
      annotate?.(out);
    });
    const root = (out: ThriftWriter): void => {
      out.text(4, 'rows').i32(5, this.#columns.length);
    };
    return new ThriftWriter()
      .i32(1, 1)
      .structs(2, [root, ...schema])
      .i64(3, this.#rows)
      .structs(
        4,
        this.#groups.map((group) => (out) => this.#rowGroup(group, out)),
      )
      .finish();
  }

  #rowGroup(group: Group, out: ThriftWriter): void {
    const chunks = group.places.map(({ offset, size }, index) => (chunk: ThriftWriter) => {
      chunk.i64(2, offset).struct(3, (meta) => {
        meta
          .i32(1, parquetType(this.#columns[index]!).physical)
          .i32s(2, [ENCODING.plain, ENCODING.rle])
          .texts(3, [`f${index}`])
          .i32(4, 0)
          .i64(5, group.rows)
          .i64(6, size)
          .i64(7, size)
          .i64(9, offset);
      });
    });
    out
      .structs(1, chunks)
      .i64(
        2,
        group.places.reduce((sum, { size }) => sum + size, 0),
      )
      .i64(3, group.rows);
  }
}

function valuesOf(column: RowColumn): Values {
  switch (parquetType(column).physical) {
    case PHYSICAL.boolean:
      return new Bits();
    case PHYSICAL.int32:
    case PHYSICAL.float:
      return new Words();
    case PHYSICAL.int64:
    case PHYSICAL.double:
      return new DoubleWords();
    case PHYSICAL.fixed:
      return new SixteenBytes();
    default:
      return new ByteStrings();
  }
}

interface ParquetType {
  readonly physical: number;
  /** Converted type and logical type, fields 6 to 10 of a SchemaElement. */
  readonly annotate?: (out: ThriftWriter) => void;
}

/** A decimal of so many digits fits 64 bits. */
export const DECIMAL_OF_64_BITS = 18;

function parquetType(column: RowColumn): ParquetType {
  if (column.kind === 'text')
    return {
      physical: PHYSICAL.byteArray,
      annotate: (out) => {
        out.i32(6, 0);
      },
    };
  const { type } = column;
  switch (type.kind) {
    case 'boolean':
      return { physical: PHYSICAL.boolean };
    case 'int':
      return { physical: PHYSICAL.int32 };
    case 'long':
      return { physical: PHYSICAL.int64 };
    case 'float':
      return { physical: PHYSICAL.float };
    case 'double':
      return { physical: PHYSICAL.double };
    case 'binary':
      return { physical: PHYSICAL.byteArray };
    case 'date':
      return {
        physical: PHYSICAL.int32,
        annotate: (out) => {
          out.i32(6, 6);
        },
      };
    case 'time':
      return {
        physical: PHYSICAL.int64,
        annotate: (out) => {
          out.i32(6, 8).struct(10, (logical) => logical.struct(7, (time) => microseconds(time, false)));
        },
      };
    case 'timestamp':
    case 'timestamptz':
      return {
        physical: PHYSICAL.int64,
        annotate: (out) => {
          out
            .i32(6, 10)
            .struct(10, (logical) =>
              logical.struct(8, (at) => microseconds(at, type.kind === 'timestamptz')),
            );
        },
      };
    case 'uuid':
      return {
        physical: PHYSICAL.fixed,
        annotate: (out) => {
          out.struct(10, (logical) => logical.struct(14, () => undefined));
        },
      };
    case 'decimal':
      return {
        physical: type.precision <= DECIMAL_OF_64_BITS ? PHYSICAL.int64 : PHYSICAL.fixed,
        annotate: (out) => {
          out.i32(6, 5).i32(7, type.scale).i32(8, type.precision);
        },
      };
  }
}

function microseconds(out: ThriftWriter, utc: boolean): void {
  out.bool(1, utc).struct(2, (unit) => unit.struct(2, () => undefined));
}

/**
 * Which rows have a value, a bit each (parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"), behind
 * its length: one run where none is null, else all bits.
 */
export function definitionLevels(rows: number, nullRows: readonly number[]): Buffer {
  const out: number[] = [0, 0, 0, 0];
  let bits = Buffer.alloc(0);
  if (nullRows.length === 0) {
    pushVarint(out, rows * 2);
    out.push(1);
  } else {
    bits = Buffer.alloc(Math.ceil(rows / 8), 0xff);
    for (const row of nullRows) bits[row >> 3] = bits[row >> 3]! & ~(1 << (row & 7));
    pushVarint(out, bits.length * 2 + 1);
  }
  const levels = Buffer.concat([Buffer.from(out), bits]);
  levels.writeUInt32LE(levels.length - 4);
  return levels;
}
