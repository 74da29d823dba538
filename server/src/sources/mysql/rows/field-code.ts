import { SluiceError } from '@sluice/contract';
import type { NativeType } from '../native-type.ts';
import { isBlob } from './agreement.ts';
import type { Charsets, Converter } from './charset.ts';
import { realType, stringLength, TYPE, typeName } from './column-types.ts';
import { decimalBytes, decimalTextBytes } from './decimal.ts';

/**
 * The code of one column of a row image, as JavaScript statements. They use
 *   b, q     the event's bytes and where the value begins; both kinds of code leave q behind the value
 *   end      of the event
 *   out, o   the writer's buffer and where the field goes, comma first; `write` leaves o behind it
 *   W        the writer; where it was used, out and o are read again (REFRESH)
 *   F, D     the functions of field-functions.ts, and `data` of this column
 *   l, e, v  numbers for any use
 */
export interface FieldCode {
  readonly skip: string;
  readonly write: string;
  /** Bytes at most that are written into `out` without asking for room. */
  readonly room: number;
  readonly data: FieldData;
}

/** What a column's code needs besides numbers. */
export type FieldData = Converter | readonly Buffer[] | null;

/** Stands for the code that takes over what the writer did to its buffer, and asks for the rest of the row's room. */
export const REFRESH = '/*refresh*/';

/** Text of up to so many bytes goes byte by byte into the buffer. */
const INLINE_BYTES = 48;

const COMMA = 'out[o++]=44;';

/** @throws SluiceError TABLE_SCHEMA for a pair that agrees() does not let through */
export function fieldCode(type: number, meta: number, native: NativeType, charsets: Charsets): FieldCode {
  const real = realType(type, meta);
  switch (real) {
    case TYPE.TINY:
    case TYPE.SHORT:
    case TYPE.INT24:
    case TYPE.LONG:
    case TYPE.LONGLONG:
      if (native.kind === 'integer') return integer(native.bytes, native.unsigned);
      break;
    case TYPE.NEWDECIMAL:
      if (native.kind === 'decimal') return decimal(meta & 0xff, meta >> 8, native.zerofill);
      break;
    case TYPE.FLOAT:
      return fixed(4, 26, 'o=F.writeDouble(out,o,F.readFloat(b,q));');
    case TYPE.DOUBLE:
      return fixed(8, 26, 'o=F.writeDouble(out,o,F.readDouble(b,q));');
    case TYPE.BIT:
      return bit((meta >> 8) + ((meta & 0xff) > 0 ? 1 : 0), native);
    case TYPE.YEAR:
      return fixed(1, 5, 'v=b[q];o=F.writeDigits(out,o,v===0?0:1900+v);');
    case TYPE.DATE:
      return fixed(
        3,
        12,
        'if((b[q]&31)===0||((b[q]>>5|b[q+1]<<3)&15)===0)W.lossy();o=F.writeDate(b,q,out,o);',
      );
    case TYPE.DATETIME2:
      return fixed(
        5 + ((meta + 1) >> 1),
        28,
        `if(F.isPartialDatetime(b,q))W.lossy();o=F.writeDatetime(b,q,${meta},out,o);`,
      );
    case TYPE.TIMESTAMP2:
      return fixed(
        4 + ((meta + 1) >> 1),
        28,
        `if((b[q]|b[q+1]|b[q+2]|b[q+3])===0)W.lossy();o=F.writeTimestamp(b,q,${meta},out,o);`,
      );
    case TYPE.TIME2:
      return fixed(3 + ((meta + 1) >> 1), 20, `o=F.writeTime(b,q,${meta},out,o);`);
    case TYPE.DATETIME:
      return fixed(8, 28, 'if(F.isPartialOldDatetime(b,q))W.lossy();o=F.writeOldDatetime(b,q,out,o);');
    case TYPE.TIMESTAMP:
      return fixed(4, 28, 'if((b[q]|b[q+1]|b[q+2]|b[q+3])===0)W.lossy();o=F.writeOldTimestamp(b,q,out,o);');
    case TYPE.TIME:
      return fixed(3, 20, 'o=F.writeOldTime(b,q,out,o);');
    case TYPE.ENUM:
      if (native.kind === 'enum') return enumeration(meta >>> 8, native.values);
      break;
    case TYPE.SET:
      if (native.kind === 'set') return set(meta >>> 8, native.values);
      break;
    case TYPE.JSON:
      return counted(meta, `W.at=o;F.json(W,b,q,e);q=e;${REFRESH}`, 0);
    case TYPE.GEOMETRY:
      return counted(meta, `W.at=o;F.geometry(W,b,q,e);q=e;${REFRESH}`, 0);
    case TYPE.VECTOR:
      return counted(meta, content(native, charsets, false), 0);
    case TYPE.STRING: {
      const most = stringLength(meta);
      return counted(
        most > 255 ? 2 : 1,
        content(native, charsets, false, most),
        roomOf(most),
        native,
        charsets,
      );
    }
    case TYPE.VARCHAR:
    case TYPE.VAR_STRING:
      return counted(
        meta > 255 ? 2 : 1,
        content(native, charsets, false, meta),
        roomOf(meta),
        native,
        charsets,
      );
    case TYPE.VARCHAR_COMPRESSED:
      return counted(meta > 255 ? 2 : 1, content(native, charsets, true), 0, native, charsets);
    case TYPE.BLOB_COMPRESSED:
      return counted(meta, content(native, charsets, true), 0, native, charsets);
    default:
      if (isBlob(real))
        return counted(meta, content(native, charsets, false), roomOf(65_535), native, charsets);
  }
  throw new SluiceError('TABLE_SCHEMA', `${typeName(real)} of the log cannot be read as ${native.kind}.`);
}

/** A value of `bytes` bytes; `write` finds and leaves q at its beginning. */
function fixed(bytes: number, room: number, write: string): FieldCode {
  return { skip: `q+=${bytes};`, write: `${COMMA}${write}q+=${bytes};`, room: room + 1, data: null };
}

function integer(bytes: number, unsigned: boolean): FieldCode {
  if (bytes === 8) {
    const write = unsigned
      ? 'o=F.writeUint64(out,o,F.uint32(b,q+4),F.uint32(b,q));'
      : 'o=F.writeInt64(b,q,out,o);';
    return fixed(8, 21, write);
  }
  const parts = Array.from({ length: bytes }, (_, i) => `b[q+${i}]<<${8 * i}`).join('|');
  const shift = 32 - 8 * bytes;
  const value = unsigned ? `(${parts})>>>0` : `(${parts})<<${shift}>>${shift}`;
  return fixed(bytes, 12, `v=${value};if(v<0){out[o++]=45;v=-v;}o=F.writeDigits(out,o,v);`);
}

function decimal(precision: number, scale: number, zerofill: boolean): FieldCode {
  const write = `o=F.writeDecimal(b,q,${precision},${scale},${zerofill},out,o);`;
  return fixed(decimalBytes(precision, scale), decimalTextBytes(precision), write);
}

function bit(bytes: number, native: NativeType): FieldCode {
  if (native.kind === 'bit' && native.length === 1) return fixed(bytes, 2, 'out[o++]=48+(b[q]&1);');
  return {
    skip: `q+=${bytes};`,
    write: `W.at=o;F.writeHex(W,b,q,q+${bytes},0);q+=${bytes};${REFRESH}`,
    room: 0,
    data: null,
  };
}

/** A value behind its length of `size` bytes; `write` finds it from q to e and takes q there. */
function counted(
  size: number,
  write: string,
  room: number,
  native?: NativeType,
  charsets?: Charsets,
): FieldCode {
  const length = Array.from({ length: size }, (_, i) =>
    i === 3 ? `b[q+3]*16777216` : `(b[q+${i}]<<${8 * i})`,
  ).join('+');
  return {
    skip: `l=${length};q+=${size}+l;`,
    write: `l=${length};q+=${size};e=q+l;if(!(e<=end))F.cutOff();${write}`,
    room,
    data: native?.kind === 'text' && charsets ? charsets.get(native.charset) : null,
  };
}

function roomOf(most: number): number {
  return 2 * Math.min(INLINE_BYTES, most) + 3;
}

/** `most` bytes of the value, where that is known. */
function content(native: NativeType, charsets: Charsets, compressed: boolean, most = 65_535): string {
  const through = (call: string): string => `W.at=o;${call};q=e;${REFRESH}`;
  switch (native.kind) {
    case 'bytes':
      if (compressed) return through('F.compressedHex(W,b,q,e)');
      return through(`F.writeHex(W,b,q,e,${native.fixed ? (native.length ?? 0) : 0})`);
    case 'vector':
      return through('F.writeHex(W,b,q,e,0)');
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return through(`F.${native.kind}(W,b,q,e)`);
    case 'text':
      break;
    default:
      throw new SluiceError('TABLE_SCHEMA', `A ${native.kind} is not logged as a string.`);
  }
  const converted = charsets.get(native.charset) !== null;
  if (compressed) return through(`F.compressedText(W,${converted ? 'D' : 'null'},b,q,e)`);
  if (converted) return through(`F.convertedText(W,D,b,q,e,${native.fixed})`);
  const trim = native.fixed ? 'v=e;e=F.trimmedEnd(b,q,e);' : '';
  const behind = native.fixed ? 'q=v;' : 'q=e;';
  const inline =
    'out[o++]=44;out[o++]=34;for(l=q;l<e;l++){const c=b[l];if(c===34)out[o++]=34;out[o++]=c;}out[o++]=34;';
  const long = `W.at=o;F.writeQuoted(W,b,q,e);${REFRESH}`;
  const both = most <= INLINE_BYTES ? inline : `if(e-q<=${INLINE_BYTES}){${inline}}else{${long}}`;
  return `${trim}${both}${behind}`;
}

/** Members' fields are made beforehand; number 0 is the empty text of a value that was not allowed. */
function enumeration(size: number, values: readonly string[]): FieldCode {
  const fields = ['', ...values].map((value) => Buffer.from(`,"${value.replaceAll('"', '""')}"`));
  const longest = Math.max(...fields.map((field) => field.length));
  const number = size === 1 ? 'v=b[q];' : 'v=b[q]|b[q+1]<<8;';
  if (longest > 1024) {
    const raw = ['', ...values].map((value) => Buffer.from(value));
    return {
      skip: `q+=${size};`,
      write: `${number}q+=${size};W.at=o;F.member(W,D,v);${REFRESH}`,
      room: 0,
      data: raw,
    };
  }
  return {
    skip: `q+=${size};`,
    write: `${number}q+=${size};{const m=D[v];if(m===undefined)F.noMember();for(l=0;l<m.length;l++)out[o++]=m[l];}`,
    room: longest,
    data: fields,
  };
}

function set(size: number, values: readonly string[]): FieldCode {
  return {
    skip: `q+=${size};`,
    write: `W.at=o;F.members(W,D,b,q,${size});q+=${size};${REFRESH}`,
    room: 0,
    data: values.map((value) => Buffer.from(value)),
  };
}
