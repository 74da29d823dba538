import { randomUUID } from 'node:crypto';
import { dataPageHeader, ENCODING, fileEnd, MAGIC, PHYSICAL, pushVarint } from '../model/parquet/pages.ts';
import { ThriftWriter } from '../model/parquet/thrift.ts';
import type { ContentFile } from './data-file.ts';
import { FILE_PATH_ID, POSITION_ID } from './duckdb/position-delete.ts';
import type { Storage } from './storage.ts';

/** Rows of data files, by the files' locations; none twice. */
export type Places = ReadonlyMap<string, readonly number[]>;

/**
 * Writes a position-delete file of places that are known here, durably. A commit that goes through DuckDB for a hundred
 * of them waits four times as long for the statement as for all the bytes of this.
 * @param places one at least
 * @throws SluiceError STORAGE_*
 */
export async function writePlaces(storage: Storage, folder: string, places: Places): Promise<ContentFile> {
  const rows = sorted(places);
  const { bytes, sizes } = parquetOf(rows);
  const path = storage.join(folder, `${randomUUID()}.parquet`);
  await storage.create(path, bytes);
  const counts = new Map([
    [FILE_PATH_ID, rows.positions.length],
    [POSITION_ID, rows.positions.length],
  ]);
  const { paths, bounds } = rows;
  return {
    content: 'position-deletes',
    path,
    records: rows.positions.length,
    bytes: bytes.length,
    columnSizes: new Map([
      [FILE_PATH_ID, sizes.paths],
      [POSITION_ID, sizes.positions],
    ]),
    valueCounts: counts,
    nullCounts: new Map([...counts.keys()].map((id) => [id, 0])),
    nanCounts: new Map(),
    lowerBounds: new Map([
      [FILE_PATH_ID, paths[0]!],
      [POSITION_ID, bounds.low],
    ]),
    upperBounds: new Map([
      [FILE_PATH_ID, paths.at(-1)!],
      [POSITION_ID, bounds.high],
    ]),
    referencedDataFile: paths.length === 1 ? String(paths[0]) : null,
  };
}

interface Rows {
  /** In the order of their bytes. */
  readonly paths: readonly Buffer[];
  /** Of each path, how many positions. */
  readonly counts: readonly number[];
  /** Of the first path, then of the next; ascending. */
  readonly positions: readonly number[];
  /** The least and the greatest position, as a long of eight bytes. */
  readonly bounds: { readonly low: Buffer; readonly high: Buffer };
}

/** Rows are in the order of file_path and then of pos (spec section "Position Delete Files"). */
function sorted(places: Places): Rows {
  const files = [...places]
    .map(([path, positions]) => ({
      path: Buffer.from(path),
      positions: [...positions].sort((a, b) => a - b),
    }))
    .sort((a, b) => Buffer.compare(a.path, b.path));
  const low = Math.min(...files.map(({ positions }) => positions[0]!));
  const high = Math.max(...files.map(({ positions }) => positions.at(-1)!));
  return {
    paths: files.map(({ path }) => path),
    counts: files.map(({ positions }) => positions.length),
    positions: files.flatMap(({ positions }) => positions),
    bounds: { low: longs([low]), high: longs([high]) },
  };
}

const DICTIONARY_PAGE = 2;
const REQUIRED = 0;
const UTF8 = 0;
const UNCOMPRESSED = 0;

/** One row group, nothing compressed: paths by a dictionary and runs, positions as they are. */
function parquetOf({ paths, counts, positions, bounds }: Rows): {
  readonly bytes: Buffer;
  readonly sizes: { readonly paths: number; readonly positions: number };
} {
  const rows = positions.length;
  const dictionary = dictionaryPage(paths);
  const pathPage = dataPage(rows, ENCODING.rleDictionary, runs(counts));
  const positionPage = dataPage(rows, ENCODING.plain, longs(positions));
  const pathChunk = {
    ...{ name: 'file_path', type: PHYSICAL.byteArray, encodings: [ENCODING.plain, ENCODING.rleDictionary] },
    ...{ size: dictionary.length + pathPage.length, dictionaryAt: MAGIC.length },
    ...{ pageAt: MAGIC.length + dictionary.length, least: paths[0]!, greatest: paths.at(-1)! },
  };
  const positionChunk = {
    ...{ name: 'pos', type: PHYSICAL.int64, encodings: [ENCODING.plain], size: positionPage.length },
    ...{
      dictionaryAt: null,
      pageAt: MAGIC.length + pathChunk.size,
      least: bounds.low,
      greatest: bounds.high,
    },
  };
  const footer = footerOf(rows, [pathChunk, positionChunk]);
  return {
    bytes: Buffer.concat([MAGIC, dictionary, pathPage, positionPage, fileEnd(footer)]),
    sizes: { paths: pathChunk.size, positions: positionChunk.size },
  };
}

function dictionaryPage(values: readonly Buffer[]): Buffer {
  const body = Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(value.length);
      return [length, value];
    }),
  );
  const header = new ThriftWriter()
    .i32(1, DICTIONARY_PAGE)
    .i32(2, body.length)
    .i32(3, body.length)
    .struct(7, (page) => page.i32(1, values.length).i32(2, ENCODING.plain).bool(3, true));
  return Buffer.concat([header.finish(), body]);
}

function dataPage(rows: number, encoding: number, body: Buffer): Buffer {
  return Buffer.concat([dataPageHeader(rows, body.length, encoding), body]);
}

/** The numbers 0, 1, 2 … each so many times, as runs behind their width in bits ("Run Length Encoding / Bit-Packing Hybrid"). */
function runs(counts: readonly number[]): Buffer {
  const width = Math.max(1, 32 - Math.clz32(counts.length - 1));
  const out = [width];
  for (const [value, count] of counts.entries()) {
    pushVarint(out, count * 2);
    for (let bits = 0; bits < width; bits += 8) out.push((value >>> bits) & 0xff);
  }
  return Buffer.from(out);
}

/** Whole numbers below 2^53, eight bytes each, the lowest first. */
function longs(values: readonly number[]): Buffer {
  const words = Buffer.allocUnsafe(8 * values.length);
  for (const [index, value] of values.entries()) {
    words.writeUInt32LE(value % 2 ** 32, 8 * index);
    words.writeUInt32LE(Math.floor(value / 2 ** 32), 8 * index + 4);
  }
  return words;
}

interface ColumnChunk {
  readonly name: string;
  readonly type: number;
  readonly encodings: readonly number[];
  readonly size: number;
  readonly dictionaryAt: number | null;
  readonly pageAt: number;
  readonly least: Buffer;
  readonly greatest: Buffer;
}

function footerOf(rows: number, columns: readonly [ColumnChunk, ColumnChunk]): Buffer {
  const [first, second] = columns;
  const order = (out: ThriftWriter): void => {
    out.struct(1, () => undefined);
  };
  return new ThriftWriter()
    .i32(1, 1)
    .structs(2, [
      (root) => root.text(4, 'position_deletes').i32(5, columns.length),
      (path) =>
        path
          .i32(1, first.type)
          .i32(3, REQUIRED)
          .text(4, first.name)
          .i32(6, UTF8)
          .i32(9, FILE_PATH_ID)
          .struct(10, (logical) => logical.struct(1, () => undefined)),
      (position) => position.i32(1, second.type).i32(3, REQUIRED).text(4, second.name).i32(9, POSITION_ID),
    ])
    .i64(3, rows)
    .structs(4, [
      (group) =>
        group
          .structs(
            1,
            columns.map((column) => (out: ThriftWriter) => chunkOf(rows, column, out)),
          )
          .i64(2, first.size + second.size)
          .i64(3, rows),
    ])
    .text(6, 'sluice')
    .structs(7, [order, order])
    .finish();
}

function chunkOf(rows: number, column: ColumnChunk, out: ThriftWriter): void {
  const { dictionaryAt, pageAt, least, greatest } = column;
  out.i64(2, dictionaryAt ?? pageAt).struct(3, (meta) => {
    meta
      .i32(1, column.type)
      .i32s(2, column.encodings)
      .texts(3, [column.name])
      .i32(4, UNCOMPRESSED)
      .i64(5, rows)
      .i64(6, column.size)
      .i64(7, column.size)
      .i64(9, pageAt);
    if (dictionaryAt !== null) meta.i64(11, dictionaryAt);
    meta.struct(12, (statistics) => statistics.i64(3, 0).bytes(5, greatest).bytes(6, least));
  });
}
