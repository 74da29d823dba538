import type { NativeType } from '../native-type.ts';
import { realType, stringLength, TYPE, typeName } from './column-types.ts';
import type { TableMap } from './table-map.ts';

/**
 * Whether the log's columns could be columns of these types, as far as the log tells: the check that the schema which
 * is used is the one of this place in the log. null: they agree; otherwise what does not, for people.
 */
export function agrees(
  map: TableMap,
  natives: readonly NativeType[],
  names: readonly string[],
): string | null {
  if (map.columnCount !== natives.length)
    return `the log's rows have ${map.columnCount} columns, the table has ${natives.length}`;
  for (const [i, native] of natives.entries()) {
    const logged = map.names?.[i];
    if (logged !== undefined && logged !== names[i])
      return `column ${i + 1} is called ${logged} in the log and ${names[i]} in the table`;
    const type = realType(map.types[i]!, map.meta[i]!);
    const difference = differs(type, map.meta[i]!, native) ?? differsInMetadata(map, i, native);
    if (difference !== null) return `column ${names[i]}: ${difference}`;
  }
  return null;
}

function differs(type: number, meta: number, native: NativeType): string | null {
  const logged = typeName(type);
  const no = `the log has ${logged}, the table ${native.kind}`;
  const ok = (yes: boolean, what = no): string | null => (yes ? null : what);
  switch (native.kind) {
    case 'integer':
      return ok(
        type === { 1: TYPE.TINY, 2: TYPE.SHORT, 3: TYPE.INT24, 4: TYPE.LONG, 8: TYPE.LONGLONG }[native.bytes],
      );
    case 'decimal':
      return ok(
        type === TYPE.NEWDECIMAL && (meta & 0xff) === native.precision && meta >> 8 === native.scale,
        `the log has ${logged}(${meta & 0xff},${meta >> 8}), the table decimal(${native.precision},${native.scale})`,
      );
    case 'float':
      return ok(type === TYPE.FLOAT);
    case 'double':
      return ok(type === TYPE.DOUBLE);
    case 'bit':
      return ok(type === TYPE.BIT && (meta >> 8) * 8 + (meta & 0xff) === native.length);
    case 'year':
      return ok(type === TYPE.YEAR);
    case 'date':
      return ok(type === TYPE.DATE);
    case 'datetime':
      return temporal(type, meta, native.digits, TYPE.DATETIME2, TYPE.DATETIME, no);
    case 'timestamp':
      return temporal(type, meta, native.digits, TYPE.TIMESTAMP2, TYPE.TIMESTAMP, no);
    case 'time':
      return temporal(type, meta, native.digits, TYPE.TIME2, TYPE.TIME, no);
    case 'json':
      return ok(type === TYPE.JSON);
    case 'geometry':
      return ok(type === TYPE.GEOMETRY);
    case 'vector':
      return ok(type === TYPE.VECTOR || type === TYPE.VARCHAR);
    case 'uuid':
    case 'inet6':
      return ok(type === TYPE.STRING && stringLength(meta) === 16);
    case 'inet4':
      return ok(type === TYPE.STRING && stringLength(meta) === 4);
    case 'enum':
      return ok(type === TYPE.ENUM && meta >>> 8 === (native.values.length < 256 ? 1 : 2));
    case 'set':
      return ok(type === TYPE.SET && meta >>> 8 === setBytes(native.values.length));
    case 'text':
    case 'bytes':
      return strings(type, native, no);
  }
}

/** The bytes of a set's mask: 1, 2, 3, 4 or 8 (sql/field.h, get_set_pack_length). */
export function setBytes(members: number): number {
  const bytes = (members + 7) >> 3;
  return bytes > 4 ? 8 : bytes;
}

function temporal(
  type: number,
  meta: number,
  digits: number,
  newer: number,
  older: number,
  no: string,
): string | null {
  if (type === newer)
    return meta === digits ? null : `the log has ${meta} digits behind the second, the table ${digits}`;
  if (type !== older) return no;
  // MariaDB's own format with a fraction, of before 10.1.2, tells nothing of its length.
  return digits === 0
    ? null
    : 'it is stored in a format of before MariaDB 10.1.2 (mysql56_temporal_format=OFF)';
}

function strings(
  type: number,
  native: Extract<NativeType, { kind: 'text' | 'bytes' }>,
  no: string,
): string | null {
  if (native.length === null) return isBlob(type) || type === TYPE.BLOB_COMPRESSED ? null : no;
  if (native.fixed) return type === TYPE.STRING ? null : no;
  return type === TYPE.VARCHAR || type === TYPE.VAR_STRING || type === TYPE.VARCHAR_COMPRESSED ? null : no;
}

export function isBlob(type: number): boolean {
  return (
    type === TYPE.BLOB || type === TYPE.TINY_BLOB || type === TYPE.MEDIUM_BLOB || type === TYPE.LONG_BLOB
  );
}

/** Collation 63 is "binary". */
const BINARY_COLLATION = 63;

function differsInMetadata(map: TableMap, i: number, native: NativeType): string | null {
  const unsigned = map.unsigned?.[i];
  if ((native.kind === 'integer' || native.kind === 'decimal') && typeof unsigned === 'boolean')
    if (unsigned !== native.unsigned) return `it is ${unsigned ? '' : 'not '}unsigned in the log`;
  const members = map.members?.[i];
  if ((native.kind === 'enum' || native.kind === 'set') && typeof members === 'number')
    if (members !== native.values.length)
      return `the log knows ${members} values of it, the table ${native.values.length}`;
  const collation = map.collations?.[i];
  if (typeof collation === 'number' && (native.kind === 'text' || native.kind === 'bytes'))
    if ((collation === BINARY_COLLATION) !== (native.kind === 'bytes'))
      return `it is ${collation === BINARY_COLLATION ? 'bytes' : 'text'} in the log`;
  return null;
}
