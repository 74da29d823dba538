import { SluiceError } from '@sluice/contract';

/** Kinds of a field in TupleData (PostgreSQL manual, "Logical Replication Message Formats"). */
export const FIELD = { null: 0x6e, unchanged: 0x75, text: 0x74 } as const;

/** The server's limit of columns (MaxTupleAttributeNumber) is below this. */
const MAX_COLUMNS = 1664;

/** Where the fields of one row lie in the bytes of its message. Reused from row to row. */
export class Tuple {
  readonly kinds = new Uint8Array(MAX_COLUMNS);
  readonly starts = new Int32Array(MAX_COLUMNS);
  readonly ends = new Int32Array(MAX_COLUMNS);
  count = 0;
  bytes: Buffer = Buffer.alloc(0);

  /** Reads TupleData and returns where it ends. */
  read(bytes: Buffer, at: number, end: number, columns: number): number {
    if (at + 2 > end || bytes.readUInt16BE(at) !== columns || columns > MAX_COLUMNS)
      throw new SluiceError('SOURCE_PROTOCOL', 'the server sent a row of another width than its table');
    this.bytes = bytes;
    this.count = columns;
    let q = at + 2;
    for (let i = 0; i < columns; i++) {
      const kind = bytes[q++];
      this.kinds[i] = kind ?? 0;
      if (kind === FIELD.null || kind === FIELD.unchanged) continue;
      if (kind !== FIELD.text)
        throw new SluiceError('SOURCE_PROTOCOL', `the server sent a field of kind ${kind}`);
      const length = (bytes[q]! << 24) | (bytes[q + 1]! << 16) | (bytes[q + 2]! << 8) | bytes[q + 3]!;
      q += 4;
      if (length < 0 || q + length > end)
        throw new SluiceError('SOURCE_PROTOCOL', 'the server sent a value longer than its message');
      this.starts[i] = q;
      q += length;
      this.ends[i] = q;
    }
    return q;
  }

  /** Both fields are text. */
  sameText(other: Tuple, column: number): boolean {
    return (
      this.bytes.compare(
        other.bytes,
        other.starts[column]!,
        other.ends[column]!,
        this.starts[column]!,
        this.ends[column]!,
      ) === 0
    );
  }
}
