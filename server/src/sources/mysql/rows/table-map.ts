import { SluiceError } from '@sluice/contract';
import { realType, TYPE } from './column-types.ts';

/**
 * A table as the log itself describes it before its rows (libs/mysql/binlog/event/rows_event.h, Table_map_event).
 * What follows the null bits is sent in part under binlog_row_metadata=MINIMAL, whole under FULL, and not at all by
 * older servers: null where it is not told.
 */
export interface TableMap {
  readonly tableId: number;
  readonly schema: string;
  readonly table: string;
  readonly columnCount: number;
  readonly types: Uint8Array;
  /** Two bytes of metadata are read little-endian, whatever they mean. */
  readonly meta: readonly number[];
  readonly nullable: readonly boolean[];
  readonly names: readonly string[] | null;
  /** null for a column that is no number; nothing is told where one is a year. */
  readonly unsigned: readonly (boolean | null)[] | null;
  /** Collation numbers; null for a column that has none. */
  readonly collations: readonly (number | null)[] | null;
  /** How many members an enum or set has; null for other columns. */
  readonly members: readonly (number | null)[] | null;
  /** Columns' indexes */
  readonly primaryKey: readonly number[] | null;
  readonly visible: readonly boolean[] | null;
  /** The event's body: two maps with the same bytes are the same. */
  readonly bytes: Buffer;
}

const OPTIONAL = {
  SIGNEDNESS: 1,
  DEFAULT_CHARSET: 2,
  COLUMN_CHARSET: 3,
  COLUMN_NAME: 4,
  SET_STR_VALUE: 5,
  ENUM_STR_VALUE: 6,
  GEOMETRY_TYPE: 7,
  SIMPLE_PRIMARY_KEY: 8,
  PRIMARY_KEY_WITH_PREFIX: 9,
  ENUM_AND_SET_DEFAULT_CHARSET: 10,
  ENUM_AND_SET_COLUMN_CHARSET: 11,
  COLUMN_VISIBILITY: 12,
} as const;

/** The number by which the rows of an event name their table map; it stands first in the bodies of both. */
export function readTableId(bytes: Buffer, start: number): number {
  return bytes.readUIntLE(start, 6);
}

/** @throws SluiceError SOURCE_PROTOCOL */
export function parseTableMap(bytes: Buffer, start: number, end: number): TableMap {
  const body = Buffer.from(bytes.subarray(start, end));
  try {
    return parse(body);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('SOURCE_PROTOCOL', 'the log holds a table map that is cut off', { cause: error });
  }
}

function parse(body: Buffer): TableMap {
  const reader = new FieldReader(body, 0, body.length);
  const tableId = reader.number(6);
  reader.number(2);
  const schema = reader.text(reader.number(1));
  reader.number(1);
  const table = reader.text(reader.number(1));
  reader.number(1);
  const columnCount = reader.packed();
  const types = new Uint8Array(reader.bytes(columnCount));
  const metaEnd = reader.packed() + reader.at;
  const meta: number[] = [];
  for (const type of types) meta.push(reader.number(metaBytes(type)));
  if (reader.at !== metaEnd)
    throw new SluiceError(
      'SOURCE_PROTOCOL',
      `the log describes ${schema}.${table} with types that are not known`,
    );
  const nullable = lowBitsFirst(reader.bytes((columnCount + 7) >> 3), columnCount);
  return {
    tableId,
    schema,
    table,
    columnCount,
    types,
    meta,
    nullable,
    ...parseOptional(reader, types, meta),
    bytes: body,
  };
}

type Optional = Pick<TableMap, 'names' | 'unsigned' | 'collations' | 'members' | 'primaryKey' | 'visible'>;

function parseOptional(reader: FieldReader, types: Uint8Array, meta: readonly number[]): Optional {
  const columns = Array.from(types, (type, i) => realType(type, meta[i]!));
  const of = (test: (type: number) => boolean): number[] =>
    columns.flatMap((type, i) => (test(type) ? [i] : []));
  const numbers = of(isNumber);
  const found: { -readonly [K in keyof Optional]: Optional[K] } = {
    names: null,
    unsigned: null,
    collations: null,
    members: null,
    primaryKey: null,
    visible: null,
  };
  const members: (number | null)[] = columns.map(() => null);
  while (reader.at < reader.end) {
    const kind = reader.number(1);
    const field = reader.part(reader.packed());
    switch (kind) {
      case OPTIONAL.SIGNEDNESS:
        // MySQL 9.7 counts years among the numbers, older servers do not: with one, the bits are ambiguous.
        if (columns.includes(TYPE.YEAR)) break;
        found.unsigned = spread(columns.length, numbers, highBitsFirst(field.rest(), numbers.length));
        break;
      case OPTIONAL.COLUMN_CHARSET:
        found.collations = columnCollations(field, columns);
        break;
      case OPTIONAL.DEFAULT_CHARSET:
        found.collations = defaultCollations(field, columns);
        break;
      case OPTIONAL.COLUMN_NAME:
        found.names = columns.map(() => field.text(field.packed()));
        break;
      case OPTIONAL.SET_STR_VALUE:
      case OPTIONAL.ENUM_STR_VALUE:
        for (const i of of((type) => type === (kind === OPTIONAL.SET_STR_VALUE ? TYPE.SET : TYPE.ENUM))) {
          const count = field.packed();
          for (let k = 0; k < count; k++) field.bytes(field.packed());
          members[i] = count;
        }
        found.members = members;
        break;
      case OPTIONAL.SIMPLE_PRIMARY_KEY:
        found.primaryKey = field.list();
        break;
      case OPTIONAL.PRIMARY_KEY_WITH_PREFIX:
        found.primaryKey = field.list().filter((_, i) => i % 2 === 0);
        break;
      case OPTIONAL.COLUMN_VISIBILITY:
        found.visible = highBitsFirst(field.rest(), columns.length);
        break;
    }
  }
  return found;
}

function columnCollations(field: FieldReader, columns: readonly number[]): (number | null)[] | null {
  const list = field.list();
  for (const geometry of [false, true]) {
    const having = characterColumns(columns, geometry);
    if (having.length === list.length) return spread(columns.length, having, list);
  }
  return null;
}

function defaultCollations(field: FieldReader, columns: readonly number[]): (number | null)[] | null {
  // MariaDB counts geometries among the character columns, MySQL does not: with one, the numbers are ambiguous.
  if (columns.includes(TYPE.GEOMETRY)) return null;
  const having = characterColumns(columns, false);
  const [first, ...pairs] = field.list();
  const values = having.map(() => first!);
  for (let i = 0; i + 1 < pairs.length; i += 2) values[pairs[i]!] = pairs[i + 1]!;
  return spread(columns.length, having, values);
}

/** `values` belong to the columns `at`; the others get null. */
function spread<T>(count: number, at: readonly number[], values: readonly T[]): (T | null)[] {
  const result: (T | null)[] = new Array<T | null>(count).fill(null);
  for (const [k, i] of at.entries()) result[i] = values[k]!;
  return result;
}

function isNumber(type: number): boolean {
  switch (type) {
    case TYPE.TINY:
    case TYPE.SHORT:
    case TYPE.INT24:
    case TYPE.LONG:
    case TYPE.LONGLONG:
    case TYPE.NEWDECIMAL:
    case TYPE.FLOAT:
    case TYPE.DOUBLE:
      return true;
    default:
      return false;
  }
}

function characterColumns(columns: readonly number[], geometry: boolean): number[] {
  return columns.flatMap((type, i) => {
    switch (type) {
      case TYPE.STRING:
      case TYPE.VAR_STRING:
      case TYPE.VARCHAR:
      case TYPE.BLOB:
      case TYPE.BLOB_COMPRESSED:
      case TYPE.VARCHAR_COMPRESSED:
        return [i];
      case TYPE.GEOMETRY:
        return geometry ? [i] : [];
      default:
        return [];
    }
  });
}

/** How many bytes of metadata a type has (rpl_utility.cc, table_def::table_def). */
function metaBytes(type: number): number {
  switch (type) {
    case TYPE.FLOAT:
    case TYPE.DOUBLE:
    case TYPE.TIMESTAMP2:
    case TYPE.DATETIME2:
    case TYPE.TIME2:
    case TYPE.BLOB_COMPRESSED:
    case TYPE.VECTOR:
    case TYPE.JSON:
    case TYPE.TINY_BLOB:
    case TYPE.MEDIUM_BLOB:
    case TYPE.LONG_BLOB:
    case TYPE.BLOB:
    case TYPE.GEOMETRY:
      return 1;
    case TYPE.VARCHAR:
    case TYPE.VARCHAR_COMPRESSED:
    case TYPE.BIT:
    case TYPE.NEWDECIMAL:
    case TYPE.ENUM:
    case TYPE.SET:
    case TYPE.VAR_STRING:
    case TYPE.STRING:
      return 2;
    default:
      return 0;
  }
}

function lowBitsFirst(bits: Buffer, count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => (bits[i >> 3]! & (1 << (i & 7))) !== 0);
}

function highBitsFirst(bits: Buffer, count: number): boolean[] {
  return Array.from({ length: count }, (_, i) => (bits[i >> 3]! & (0x80 >> (i & 7))) !== 0);
}

class FieldReader {
  readonly #bytes: Buffer;
  readonly end: number;
  at: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.end = end;
  }

  bytes(length: number): Buffer {
    if (this.at + length > this.end)
      throw new SluiceError('SOURCE_PROTOCOL', 'the log holds a table map that is cut off');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  rest(): Buffer {
    return this.bytes(this.end - this.at);
  }

  part(length: number): FieldReader {
    const from = this.at;
    this.bytes(length);
    return new FieldReader(this.#bytes, from, this.at);
  }

  /** Little-endian */
  number(bytes: number): number {
    return bytes === 0 ? 0 : this.bytes(bytes).readUIntLE(0, bytes);
  }

  /** A length-encoded integer (MySQL source documentation, "Protocol::LengthEncodedInteger"). */
  packed(): number {
    const first = this.number(1);
    if (first < 251) return first;
    return this.number(first === 252 ? 2 : first === 253 ? 3 : 6);
  }

  text(length: number): string {
    return this.bytes(length).toString('utf8');
  }

  /** All that is left, as length-encoded integers. */
  list(): number[] {
    const list: number[] = [];
    while (this.at < this.end) list.push(this.packed());
    return list;
  }
}
