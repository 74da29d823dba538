import { EXACT_BELOW } from './key-numbers.ts';
import { inOrder, orderOf, type PackedColumn, packed } from './sort-keys.ts';

/** The keys of a data file as numbers (keyNumbers), in ascending order, and the row's number in the file of each. */
export class SortedKeys {
  readonly #columns: readonly PackedColumn[];
  readonly #rows: number;
  /** null: the file is in the order of its keys, as a full load writes it. */
  readonly #positions: Int32Array | null;

  private constructor(columns: readonly PackedColumn[], positions: Int32Array | null) {
    this.#columns = columns;
    this.#rows = columns[0]!.values.length;
    this.#positions = positions;
  }

  /** Whether each number tells its key from all others. */
  static areExact(columns: readonly Float64Array[]): boolean {
    for (const column of columns)
      for (let at = 0; at < column.length; at++) if (!(Math.abs(column[at]!) < EXACT_BELOW)) return false;
    return true;
  }

  /**
   * @param columns a number of each key, by key; at least one, and exact
   * @param positions of the same rows; null: each lies where it stands
   * @returns null where they are not in order
   */
  static of(columns: readonly Float64Array[], positions: Int32Array | null): SortedKeys | null {
    for (let at = 1; at < columns[0]!.length; at++) if (isAbove(columns, at - 1, at)) return null;
    return new SortedKeys(columns.map(packed), positions);
  }

  /**
   * Of rows in any order, each of which lies where it stands.
   * @returns null where the numbers of a column lie too far apart to be sorted here
   */
  static sorted(columns: readonly Float64Array[]): SortedKeys | null {
    const words: Uint32Array[] = [];
    const bases: number[] = [];
    for (const column of columns) {
      const { base, values } = packed(column);
      if (!(values instanceof Uint32Array)) return null;
      words.push(values);
      bases.push(base);
    }
    const order = orderOf(words);
    const moved = words.map((values, n) => ({ base: bases[n]!, values: inOrder(values, order) }));
    return new SortedKeys(moved, order);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Bytes that so many keys of so many numbers take at most. */
  static bytes(records: number, numbers: number): number {
    return records * (numbers * Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT);
  }

  get bytes(): number {
    const numbers = this.#columns.reduce((sum, { values }) => sum + values.byteLength, 0);
    return numbers + (this.#positions?.byteLength ?? 0);
  }

  /**
   * Tells each row under one of the first `count` keys of `wanted`. Quick where these are in order: each is looked for from
   * the place of the one before, in steps that double.
   */
  find(wanted: readonly Float64Array[], count: number, found: (position: number) => void): void {
    const end = this.#rows;
    let low = 0;
    for (let at = 0; at < count; at++) {
      if (low > 0 && this.#compare(low - 1, wanted, at) >= 0) low = 0;
      let step = 1;
      while (low + step <= end && this.#compare(low + step - 1, wanted, at) < 0) {
        low += step;
        step *= 2;
      }
      let high = Math.min(end, low + step - 1);
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.#compare(middle, wanted, at) < 0) low = middle + 1;
        else high = middle;
      }
      for (let row = low; row < end && this.#compare(row, wanted, at) === 0; row++)
        found(this.#positions?.[row] ?? row);
    }
  }

  /** NaN is equal to nothing, and no key that is held has one. */
  #compare(own: number, wanted: readonly Float64Array[], at: number): number {
    for (let n = 0; n < this.#columns.length; n++) {
      const { base, values } = this.#columns[n]!;
      const a = values[own]! + base;
      const b = wanted[n]![at]!;
      if (a < b) return -1;
      if (a !== b) return 1;
    }
    return 0;
  }
}

function isAbove(columns: readonly Float64Array[], one: number, other: number): boolean {
  for (let n = 0; n < columns.length; n++) {
    const a = columns[n]![one]!;
    const b = columns[n]![other]!;
    if (a !== b) return a > b;
  }
  return false;
}
