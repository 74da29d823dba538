import { inOrder, orderOf } from './sort-keys.ts';

/** Keys as words (keyWords), a column for each word, all of one length. */
export type KeyColumns = readonly Int32Array[];

/** A word of each key; null: all have the same, which most columns of most files are (the upper half of a bigint). */
interface HeldColumn {
  readonly first: number;
  readonly words: Int32Array | null;
}

/** The keys of a data file in ascending order, and the row's number in the file of each. */
export class SortedKeys {
  readonly #columns: readonly HeldColumn[];
  readonly rows: number;
  /** null: the file is in the order of its keys, as a full load writes it. */
  readonly #positions: Int32Array | null;

  private constructor(rows: number, columns: readonly HeldColumn[], positions: Int32Array | null) {
    this.rows = rows;
    this.#columns = columns;
    this.#positions = positions;
  }

  /**
   * Of rows in any order, each of which lies where it stands.
   * @param columns at least one; they are the callee's from now on
   */
  static of(columns: KeyColumns): SortedKeys {
    const rows = columns[0]!.length;
    const held = columns.map(heldColumn);
    const differing = held.flatMap(({ words }) => words ?? []);
    if (areInOrder(differing)) return new SortedKeys(rows, held, null);
    const order = orderOf(differing);
    const sorted = held.map(({ first, words }) => ({ first, words: words && inOrder(words, order) }));
    return new SortedKeys(rows, sorted, order);
  }

  /** Bytes that so many keys of so many words take at most. */
  static bytes(records: number, words: number): number {
    return records * (words + 1) * Int32Array.BYTES_PER_ELEMENT;
  }

  get bytes(): number {
    const columns = this.#columns.reduce((sum, { words }) => sum + (words?.byteLength ?? 0), 0);
    return columns + (this.#positions?.byteLength ?? 0);
  }

  /**
   * Tells each row under one of the first `count` keys of `wanted`. Quick where these are in order: each is looked for from
   * the place of the one before, in steps that double.
   */
  find(wanted: KeyColumns, count: number, found: (position: number) => void): void {
    const end = this.rows;
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

  #compare(own: number, wanted: KeyColumns, at: number): number {
    for (let n = 0; n < this.#columns.length; n++) {
      const { first, words } = this.#columns[n]!;
      const a = words === null ? first : words[own]!;
      const b = wanted[n]![at]!;
      if (a < b) return -1;
      if (a !== b) return 1;
    }
    return 0;
  }
}

function heldColumn(words: Int32Array): HeldColumn {
  const first = words[0] ?? 0;
  for (let at = 1; at < words.length; at++) if (words[at] !== first) return { first, words };
  return { first, words: null };
}

function areInOrder(columns: KeyColumns): boolean {
  const rows = columns[0]?.length ?? 0;
  for (let at = 1; at < rows; at++) if (isAbove(columns, at - 1, at)) return false;
  return true;
}

function isAbove(columns: KeyColumns, one: number, other: number): boolean {
  for (let n = 0; n < columns.length; n++) {
    const a = columns[n]![one]!;
    const b = columns[n]![other]!;
    if (a !== b) return a > b;
  }
  return false;
}
