/** Rows by columns: a number of each key, by key, and each row's position. */
export interface KeyedRows {
  readonly columns: readonly Float64Array[];
  readonly positions: Int32Array;
}

/**
 * Puts rows in the order of their keys, in place: runs that are in order already are merged, as Timsort does it. A file that
 * maintenance has made of a large one and of many commits is one long run and hundreds of short ones behind it; so the long
 * one is merged last, and once.
 * @param mostRuns of more, another way to sort is quicker
 * @returns false where there are more; then nothing was moved
 */
export function sortRuns(rows: KeyedRows, mostRuns: number): boolean {
  const starts = runsOf(rows.columns, mostRuns);
  if (starts === null) return false;
  const merger = new Merger(rows);
  const runs: number[] = [];
  const end = rows.positions.length;
  const length = (n: number): number => (runs[n + 1] ?? reached) - runs[n]!;
  let reached = 0;
  const mergeAt = (n: number): void => {
    merger.merge(runs[n]!, runs[n + 1]!, runs[n + 2] ?? reached);
    runs.splice(n + 1, 1);
  };
  for (const [index, start] of starts.entries()) {
    runs.push(start);
    reached = starts[index + 1] ?? end;
    for (let n = runs.length - 2; n >= 0; n = runs.length - 2) {
      if (n > 0 && length(n - 1) <= length(n) + length(n + 1))
        mergeAt(length(n - 1) < length(n + 1) ? n - 1 : n);
      else if (length(n) <= length(n + 1)) mergeAt(n);
      else break;
    }
  }
  for (let n = runs.length - 2; n >= 0; n = runs.length - 2)
    mergeAt(n > 0 && length(n - 1) < length(n + 1) ? n - 1 : n);
  return true;
}

/** Where the runs begin; null: they are more. */
function runsOf(columns: readonly Float64Array[], most: number): readonly number[] | null {
  const rows = columns[0]!.length;
  const starts: number[] = rows === 0 ? [] : [0];
  for (let at = 1; at < rows; at++) {
    if (compare(columns, at - 1, columns, at) <= 0) continue;
    if (starts.length === most) return null;
    starts.push(at);
  }
  return starts;
}

class Merger {
  readonly #rows: KeyedRows;
  /** A copy of the left run, as large as the largest so far. */
  #left: KeyedRows = { columns: [], positions: new Int32Array(0) };

  constructor(rows: KeyedRows) {
    this.#rows = rows;
  }

  /** Two runs that lie side by side. */
  merge(first: number, middle: number, end: number): void {
    const { columns, positions } = this.#rows;
    const from = this.#firstAbove(first, middle);
    const count = middle - from;
    if (count === 0) return;
    const left = this.#copy(from, middle);
    const [own, out] =
      columns.length === 1
        ? this.#mergeOne(left, from, middle, end)
        : this.#mergeAll(left, from, middle, end);
    // What is left of the right run lies where it belongs.
    for (const [n, column] of columns.entries()) column.set(left.columns[n]!.subarray(own, count), out);
    positions.set(left.positions.subarray(own, count), out);
  }

  /** Of most tables the key is one number: a loop over one is three times as quick without the loop over columns in it. */
  #mergeOne(left: KeyedRows, from: number, middle: number, end: number): readonly [number, number] {
    const count = middle - from;
    const column = this.#rows.columns[0]!;
    const positions = this.#rows.positions;
    const leftColumn = left.columns[0]!;
    const leftPositions = left.positions;
    let own = 0;
    let other = middle;
    let out = from;
    while (own < count && other < end) {
      const a = leftColumn[own]!;
      const b = column[other]!;
      if (a <= b) {
        column[out] = a;
        positions[out++] = leftPositions[own++]!;
      } else {
        column[out] = b;
        positions[out++] = positions[other++]!;
      }
    }
    return [own, out];
  }

  #mergeAll(left: KeyedRows, from: number, middle: number, end: number): readonly [number, number] {
    const { columns } = this.#rows;
    const count = middle - from;
    let own = 0;
    let other = middle;
    let out = from;
    while (own < count && other < end)
      if (compare(left.columns, own, columns, other) <= 0) this.#take(out++, left, own++);
      else this.#take(out++, this.#rows, other++);
    return [own, out];
  }

  #take(out: number, { columns, positions }: KeyedRows, at: number): void {
    for (let n = 0; n < columns.length; n++) this.#rows.columns[n]![out] = columns[n]![at]!;
    this.#rows.positions[out] = positions[at]!;
  }

  /** The first row of the left run that comes after the first one of the right. */
  #firstAbove(first: number, middle: number): number {
    const { columns } = this.#rows;
    let [low, high] = [first, middle];
    while (low < high) {
      const half = (low + high) >>> 1;
      if (compare(columns, half, columns, middle) <= 0) low = half + 1;
      else high = half;
    }
    return low;
  }

  #copy(from: number, to: number): KeyedRows {
    const { columns, positions } = this.#rows;
    if (this.#left.positions.length < to - from)
      this.#left = {
        columns: columns.map(() => new Float64Array(to - from)),
        positions: new Int32Array(to - from),
      };
    for (const [n, column] of this.#left.columns.entries()) column.set(columns[n]!.subarray(from, to));
    this.#left.positions.set(positions.subarray(from, to));
    return this.#left;
  }
}

function compare(a: readonly Float64Array[], at: number, b: readonly Float64Array[], other: number): number {
  for (let n = 0; n < a.length; n++) {
    const one = a[n]![at]!;
    const two = b[n]![other]!;
    if (one < two) return -1;
    if (one > two) return 1;
  }
  return 0;
}
