/**
 * Reads one field of each row: places[first], places[first + step], … below `end`.
 * @returns false where there is a value that it cannot tell
 */
export type FieldsReader = (
  bytes: Buffer,
  places: Int32Array,
  first: number,
  step: number,
  end: number,
) => boolean;

export function word(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
