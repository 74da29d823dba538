import { ThriftWriter } from './thrift.ts';

// What the files that are written here share of apache/parquet-format: README "File Format", parquet.thrift, Encodings.md.
export const MAGIC = Buffer.from('PAR1');
export const PHYSICAL = {
  boolean: 0,
  int32: 1,
  int64: 2,
  float: 4,
  double: 5,
  byteArray: 6,
  fixed: 7,
} as const;
export const ENCODING = { plain: 0, rle: 3, rleDictionary: 8 } as const;
const DATA_PAGE = 0;

/** Of a data page whose body takes so many bytes; nothing is compressed. */
export function dataPageHeader(rows: number, size: number, encoding: number): Buffer {
  return new ThriftWriter()
    .i32(1, DATA_PAGE)
    .i32(2, size)
    .i32(3, size)
    .struct(5, (out) => {
      out.i32(1, rows).i32(2, encoding).i32(3, ENCODING.rle).i32(4, ENCODING.rle);
    })
    .finish();
}

/** What stands behind the last row group. */
export function fileEnd(footer: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([footer, length, MAGIC]);
}

/** Seven bits a byte, the lowest first. */
export function pushVarint(out: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  out.push(rest);
}
