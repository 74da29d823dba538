import type { LogicalType, PrimitiveType } from '../../model/logical-type.ts';
import type { Column, TextForm } from '../../model/table.ts';
import type { ReadingOptions } from '../source.ts';
import { type NativeType, parseNative } from './native-type.ts';

export interface LakeType {
  readonly type: LogicalType;
  readonly text: TextForm;
}

const MAX_PRECISION = 38;

const plain = (type: PrimitiveType): LakeType => ({ type, text: { form: 'plain' } });
const STRING = plain({ kind: 'string' });
const BOOLEAN = plain({ kind: 'boolean' });
const BINARY: LakeType = { type: { kind: 'binary' }, text: { form: 'hex' } };

/** The type in the lake. Nothing is narrowed: what a type cannot hold exactly is refused value by value. */
export function lakeType(native: NativeType, reading: ReadingOptions): LakeType {
  switch (native.kind) {
    case 'integer':
      return integer(native, reading);
    case 'decimal':
      if (native.precision > MAX_PRECISION) return STRING;
      return plain({ kind: 'decimal', precision: native.precision, scale: native.scale });
    case 'float':
    case 'double':
      return plain({ kind: native.kind });
    case 'bit':
      return native.length === 1 ? BOOLEAN : BINARY;
    case 'year':
      return plain({ kind: 'int' });
    case 'date':
      return { type: { kind: 'date' }, text: { form: 'zero' } };
    case 'datetime':
      return { type: { kind: 'timestamp' }, text: { form: 'zero' } };
    case 'timestamp':
      return { type: { kind: 'timestamptz' }, text: { form: 'zero' } };
    case 'time':
      return reading.time === 'string' ? STRING : plain({ kind: 'time' });
    case 'uuid':
      return plain({ kind: 'uuid' });
    case 'bytes':
    case 'vector':
      return BINARY;
    case 'text':
    case 'enum':
    case 'set':
    case 'json':
    case 'geometry':
    case 'inet4':
    case 'inet6':
      return STRING;
  }
}

function integer(native: Extract<NativeType, { kind: 'integer' }>, reading: ReadingOptions): LakeType {
  const { bytes, unsigned, width } = native;
  if (bytes === 1 && width === 1 && reading.tinyint1 === 'boolean') return BOOLEAN;
  if (bytes === 8)
    return unsigned ? plain({ kind: 'decimal', precision: 20, scale: 0 }) : plain({ kind: 'long' });
  return plain({ kind: bytes === 4 && unsigned ? 'long' : 'int' });
}

/** Lossless into utf8mb4 for every text that a column of this character set can hold. */
const UNICODE: ReadonlySet<string> = new Set(['utf8', 'utf8mb3', 'utf8mb4', 'ascii', 'latin1']);

/**
 * Whether MODIFY or CHANGE from one definition to the other surely leaves every stored value what it was. Otherwise
 * the server may have rounded, cut or replaced some, of which the log says nothing.
 */
export function keepsValues(before: Column, after: Column): boolean {
  // Outside the strict mode a NULL becomes the type's zero.
  if (before.nullable && !after.nullable) return false;
  if (before.native === after.native) return true;
  // A generated column's values are made anew.
  if (isGenerated(before.native) || isGenerated(after.native)) return false;
  return holdsAll(parseNative(before.native), parseNative(after.native));
}

export function isGenerated(native: string): boolean {
  return / as \(.*\) (?:virtual|stored)$/s.test(native);
}

function holdsAll(was: NativeType, now: NativeType): boolean {
  switch (now.kind) {
    case 'integer':
      if (was.kind !== 'integer') return false;
      if (was.unsigned === now.unsigned) return now.bytes >= was.bytes;
      return was.unsigned && now.bytes > was.bytes;
    case 'decimal':
      // The text of a zero-filled one, which is what a wide one is in the lake, has as many digits as it may have.
      return (
        was.kind === 'decimal' &&
        !was.zerofill &&
        !now.zerofill &&
        now.scale === was.scale &&
        now.precision >= was.precision &&
        (was.unsigned || !now.unsigned)
      );
    case 'bit':
      // The same number has more bytes in a longer one.
      return was.kind === 'bit' && now.length === was.length;
    case 'datetime':
    case 'timestamp':
      return was.kind === now.kind && now.digits >= was.digits;
    case 'text':
      if (was.kind !== 'text') return false;
      // char has no trailing spaces; what had them keeps them only in what does not take them off.
      if (now.fixed && !was.fixed) return false;
      if (was.charset !== now.charset && !(UNICODE.has(was.charset) && now.charset === 'utf8mb4'))
        return false;
      return fits(was.length, now.length);
    case 'bytes':
      if (was.kind !== 'bytes') return false;
      // A binary(n) is filled with zero bytes up to n.
      if (now.fixed) return was.fixed && now.length === was.length;
      return fits(was.length, now.length);
    case 'enum':
    case 'set':
      return (
        was.kind === now.kind &&
        was.charset === now.charset &&
        was.values.every((value, index) => now.values[index] === value)
      );
    default:
      // What is not the same text may be rounded (float(7,2)), cut or written otherwise.
      return false;
  }
}

/** Texts and blobs without a length (null) hold different numbers of bytes, which the type does not tell here. */
function fits(was: number | null, now: number | null): boolean {
  return was !== null && now !== null && now >= was;
}

/** What information_schema.COLUMNS says of a column, as far as its type depends on it. */
export interface ColumnRow {
  readonly COLUMN_TYPE: string | null;
  readonly CHARACTER_SET_NAME: string | null;
  readonly GENERATION_EXPRESSION?: string | null;
  readonly EXTRA: string | null;
}

/** The text of `Column.native`. */
export function nativeText(row: ColumnRow): string {
  const type = row.COLUMN_TYPE ?? '';
  const charset = row.CHARACTER_SET_NAME === null ? '' : ` character set ${row.CHARACTER_SET_NAME}`;
  const expression = row.GENERATION_EXPRESSION ?? '';
  if (expression === '') return type + charset;
  const kept = /VIRTUAL/i.test(row.EXTRA ?? '') ? 'virtual' : 'stored';
  return `${type}${charset} as (${expression}) ${kept}`;
}
