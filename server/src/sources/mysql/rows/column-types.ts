/** enum_field_types of MySQL (include/field_types.h) and MariaDB (include/mysql.h.pp), as they stand in a table map. */
export const TYPE = {
  TINY: 1,
  SHORT: 2,
  LONG: 3,
  FLOAT: 4,
  DOUBLE: 5,
  TIMESTAMP: 7,
  LONGLONG: 8,
  INT24: 9,
  DATE: 10,
  TIME: 11,
  DATETIME: 12,
  YEAR: 13,
  VARCHAR: 15,
  BIT: 16,
  TIMESTAMP2: 17,
  DATETIME2: 18,
  TIME2: 19,
  BLOB_COMPRESSED: 140,
  VARCHAR_COMPRESSED: 141,
  VECTOR: 242,
  JSON: 245,
  NEWDECIMAL: 246,
  ENUM: 247,
  SET: 248,
  TINY_BLOB: 249,
  MEDIUM_BLOB: 250,
  LONG_BLOB: 251,
  BLOB: 252,
  VAR_STRING: 253,
  STRING: 254,
  GEOMETRY: 255,
} as const;

const NAMES = new Map<number, string>(Object.entries(TYPE).map(([name, code]) => [code, name]));

/** For people. */
export function typeName(code: number): string {
  return NAMES.get(code) ?? `type ${code}`;
}

/**
 * STRING stands for char, binary, enum and set: the true type is in the metadata's first byte, whose bits 4 and 5 are
 * turned over where the length needs ten bits (log_event.cc, Table_map_log_event::save_field_metadata).
 */
export function realType(type: number, meta: number): number {
  if (type !== TYPE.STRING) return type;
  const first = meta & 0xff;
  return (first & 0x30) === 0x30 ? first : first | 0x30;
}

/** Bytes at most of a value of type STRING that is char or binary; the size of the number where it is enum or set. */
export function stringLength(meta: number): number {
  const first = meta & 0xff;
  const second = meta >>> 8;
  return (first & 0x30) === 0x30 ? second : second | (((first & 0x30) ^ 0x30) << 4);
}
