import type { RowWriter } from '../../source.ts';
import type { NativeType } from '../native-type.ts';
import type { Charsets } from './charset.ts';
import { type FieldCode, fieldCode, REFRESH } from './field-code.ts';
import { FIELD_FUNCTIONS } from './field-functions.ts';
import type { TableMap } from './table-map.ts';

/** Functions made for the row images of one table map. Each begins at `q` and returns where it ended. */
export interface ImageCode {
  /** One value. */
  readonly skips: readonly ((b: Buffer, q: number) => number)[];
  readonly fields: readonly ((b: Buffer, q: number, end: number, W: RowWriter) => number)[];
  /** An image of all columns, beginning with its null bits, as a line of its own. */
  whole(b: Buffer, q: number, end: number, W: RowWriter, op: number): number;
  /** The same with the key's columns only. */
  keyed(b: Buffer, q: number, end: number, W: RowWriter, op: number): number;
  /** Leaves in `places` where each key column's value begins and ends; begins at −1 where it is null. */
  walk(b: Buffer, q: number, places: Int32Array): number;
  /** The same, but ends behind the last key column. */
  walkKey(b: Buffer, q: number, places: Int32Array): number;
}

/** RowWriter gives 64 KiB at most at once; less keeps its buffer small. */
const SEGMENT_BYTES = 8 << 10;

/** @throws SluiceError TABLE_SCHEMA */
export function compileImage(
  map: TableMap,
  natives: readonly NativeType[],
  charsets: Charsets,
  keyColumns: readonly number[],
): ImageCode {
  const fields = natives.map((native, i) => fieldCode(map.types[i]!, map.meta[i]!, native, charsets));
  const source = `'use strict';
const {${Object.keys(FIELD_FUNCTIONS).join(',')}}=F;
${fields.map((_, i) => `const D${i}=DATA[${i}];`).join('')}
return {
skips:[${fields.map((field) => `(b,q)=>{let l=0;${field.skip}return q;}`).join(',\n')}],
fields:[${fields.map(oneField).join(',\n')}],
whole(b,q,end,W,op){${line(fields, () => true)}},
keyed(b,q,end,W,op){${line(fields, (i) => keyColumns.includes(i))}},
walk(b,q,K){${walk(fields, keyColumns, fields.length)}},
walkKey(b,q,K){${walk(fields, keyColumns, Math.max(-1, ...keyColumns) + 1)}},
};`;
  const make = new Function('F', 'DATA', source) as (functions: unknown, data: unknown) => ImageCode;
  return make(
    FIELD_FUNCTIONS,
    fields.map((field) => field.data),
  );
}

/** A column's code with its own data and what follows a use of the writer. */
function written(field: FieldCode, i: number, rest: number): string {
  return named(field.write, i).replaceAll(REFRESH, `W.room(${rest});out=W.buffer;o=W.at;`);
}

function named(code: string, i: number): string {
  return code.replace(/\bF\./g, '').replace(/\bD\b/g, `D${i}`);
}

function oneField(field: FieldCode, i: number): string {
  return `(b,q,end,W)=>{let l=0,e=0,v=0;W.room(${field.room});let out=W.buffer,o=W.at;${written(field, i, 0)}W.at=o;return q;}`;
}

function line(fields: readonly FieldCode[], wanted: (i: number) => boolean): string {
  const rooms = fields.map((field, i) => (wanted(i) ? Math.max(1, field.room) : 1));
  const rests = restOfSegments(rooms);
  let code = `let l=0,e=0,v=0;const n=q;q+=${(fields.length + 7) >> 3};W.begin(op);W.room(${rests[0]?.from ?? 0});let out=W.buffer,o=W.at;\n`;
  for (const [i, field] of fields.entries()) {
    if (rests[i]!.first && i > 0) code += `W.at=o;W.room(${rests[i]!.from});out=W.buffer;o=W.at;`;
    const isNull = nullBit(i);
    code += wanted(i)
      ? `if(${isNull})out[o++]=44;else{${written(field, i, rests[i]!.behind)}}\n`
      : `out[o++]=44;if(!(${isNull})){${field.skip}}\n`;
  }
  return `${code}W.at=o;W.end();return q;`;
}

interface Rest {
  /** Whether a segment begins with this column. */
  readonly first: boolean;
  /** Room for this column and those behind it in its segment. */
  readonly from: number;
  readonly behind: number;
}

function restOfSegments(rooms: readonly number[]): readonly Rest[] {
  const starts: boolean[] = [];
  let sum = Number.POSITIVE_INFINITY;
  for (const room of rooms) {
    const first = sum + room > SEGMENT_BYTES;
    starts.push(first);
    sum = first ? room : sum + room;
  }
  const rests: Rest[] = [];
  let behind = 0;
  for (let i = rooms.length - 1; i >= 0; i--) {
    rests.unshift({ first: starts[i]!, from: rooms[i]! + behind, behind });
    behind = starts[i] ? 0 : rooms[i]! + behind;
  }
  return rests;
}

function walk(fields: readonly FieldCode[], keyColumns: readonly number[], until: number): string {
  let code = `let l=0;const n=q;q+=${(fields.length + 7) >> 3};\n`;
  for (const [i, field] of fields.slice(0, until).entries()) {
    const k = keyColumns.indexOf(i);
    code +=
      k < 0
        ? `if(!(${nullBit(i)})){${field.skip}}\n`
        : `if(${nullBit(i)})K[${2 * k}]=-1;else{K[${2 * k}]=q;${field.skip}K[${2 * k + 1}]=q;}\n`;
  }
  return `${code}return q;`;
}

function nullBit(i: number): string {
  return `b[n+${i >> 3}]&${1 << (i & 7)}`;
}
