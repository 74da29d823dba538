import type { LiveFile } from '../data-file.ts';
import type { IcebergType } from '../metadata.ts';
import { decimalOf } from './types.ts';

/** The values of a key column that are looked for lie between these, both included; in Iceberg's binary form (`bound`), null: no limit. */
export interface KeyRange {
  readonly id: number;
  readonly type: IcebergType;
  readonly lower: Uint8Array | null;
  readonly upper: Uint8Array | null;
}

/** The data files that may hold a row whose key columns all lie in their ranges. */
export function keyRangePrune(files: readonly LiveFile[], ranges: readonly KeyRange[]): readonly LiveFile[] {
  return files.filter((file) => file.content === 'data' && ranges.every((range) => mayHold(file, range)));
}

function mayHold(file: LiveFile, range: KeyRange): boolean {
  const lower = file.lowerBounds.get(range.id);
  const upper = file.upperBounds.get(range.id);
  if (range.upper && lower && isAbove(range.type, lower, range.upper)) return false;
  return !(range.lower && upper && isAbove(range.type, range.lower, upper));
}

/** Whether a > b for certain; false where the two cannot be compared. */
function isAbove(type: IcebergType, a: Uint8Array, b: Uint8Array): boolean {
  if (typeof type !== 'string') return false;
  if (type === 'string' || type === 'binary' || type.startsWith('fixed[')) return Buffer.compare(a, b) > 0;
  if (decimalOf(type)) return signedBigEndian(a) > signedBigEndian(b);
  if (type === 'float' || type === 'double') {
    const [x, y] = [floating(a), floating(b)];
    return x !== null && y !== null && x > y;
  }
  if (type === 'uuid') return false;
  const [x, y] = [signedLittleEndian(a), signedLittleEndian(b)];
  return x !== null && y !== null && x > y;
}

function signedBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

/** By its length: bounds written before a column was widened stay int or float (spec section "Schema Evolution"). */
function signedLittleEndian(bytes: Uint8Array): bigint | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 1) return BigInt(buffer.readUInt8());
  if (bytes.length === 4) return BigInt(buffer.readInt32LE());
  return bytes.length === 8 ? buffer.readBigInt64LE() : null;
}

function floating(bytes: Uint8Array): number | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 4) return buffer.readFloatLE();
  return bytes.length === 8 ? buffer.readDoubleLE() : null;
}
