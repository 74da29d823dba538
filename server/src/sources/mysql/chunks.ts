import type { TableName } from '../../model/table.ts';
import type { Session } from './connect.ts';
import { guessBetween } from './key-guess.ts';
import {
  type Key,
  type KeyColumn,
  keySelect,
  orderBy,
  rangeCondition,
  spanCondition,
  valueCondition,
} from './key-range.ts';
import { quoteIdent, quoteTable } from './quote.ts';
import type { KeyIndex } from './table-shape.ts';

/** Keys behind `from` (null: all from the first on) up to `to`, that included. */
export interface KeyRange {
  readonly from: Key | null;
  readonly to: Key;
}

/** Rows from key to key, both there when they were looked at. */
interface Stretch {
  readonly first: Key;
  readonly last: Key;
  /** As the server estimates them. */
  readonly rows: number;
  /** How many times in a row a guess has cut off next to nothing. */
  readonly poor: number;
}

/** A stretch a little larger than what was asked for is not cut. */
const TOLERANCE = 1.3;
/** A guess is poor that leaves more than this part of the rows on one side. */
const POOR_SHARE = 0.9;
/** Guesses that may be poor one after another: 64 halve any integer down to one value. */
const MAX_POOR = 64;
/** Texts are not distributed as they are guessed, and one more guess does not help. */
const MAX_POOR_TEXT = 8;
/** A table that has this many times the rows of its estimate, and some more, has no statistics to go by. */
const STALE = 3;
const STALE_ROWS = 1000;

/**
 * Cuts a table into ranges of its key of about `targetRows` rows: the first without a beginning, the last up to the
 * greatest key there is now (later ones come through the log), so that together they hold every row that is there now.
 *
 * Nothing is counted and no index is read through. A stretch is cut where a guess between its first and its last key
 * falls, at the keys that the server finds next to it; the server's estimate (a few pages at both ends of a range) says
 * which part is to be cut again. Order, and what is equal, are the server's alone. Three statements for each cut. Only
 * where guesses are of no use, or the statistics are evidently old, is the index walked from boundary to boundary.
 */
export async function planRanges(
  session: Session,
  table: TableName,
  key: KeyIndex,
  targetRows: number,
): Promise<readonly KeyRange[]> {
  const space = new KeySpace(session, table, key);
  const last = await space.edge('last');
  if (last === null) return [];
  const whole = [{ from: null, to: last }];
  // By number is how these are sorted, but by text is how the server finds them.
  const [leading] = key.columns;
  if (key.index === null || leading?.native.kind === 'enum' || leading?.native.kind === 'set') return whole;
  const first = await space.edge('first');
  if (first === null) return whole;
  const rows = await space.estimate(first, last);
  const stretch: Stretch = { first, last, rows, poor: 0 };
  const parts: Part[] = [];
  if (rows > TOLERANCE * targetRows) await cut(space, stretch, targetRows, parts);
  else if (rows > targetRows / (STALE + 1)) return whole;
  else if ((await space.step(first, STALE * rows + STALE_ROWS, last)) === null) return whole;
  else await walk(space, stretch, targetRows, parts);
  return merge(parts, targetRows);
}

interface Part {
  readonly to: Key;
  readonly rows: number;
}

async function cut(space: KeySpace, whole: Stretch, targetRows: number, parts: Part[]): Promise<void> {
  const waiting: Stretch[] = [whole];
  for (let stretch = waiting.pop(); stretch; stretch = waiting.pop()) {
    if (stretch.rows <= TOLERANCE * targetRows) {
      parts.push({ to: stretch.last, rows: stretch.rows });
      continue;
    }
    const halves = await split(space, stretch);
    if (halves === null) await walk(space, stretch, targetRows, parts);
    else waiting.push(halves[1], halves[0]);
  }
}

async function split(space: KeySpace, stretch: Stretch): Promise<readonly [Stretch, Stretch] | null> {
  const { first, last } = stretch;
  const index = space.columns.findIndex((_, i) => first[i] !== last[i]);
  const column = space.columns[index];
  if (column === undefined) return null;
  if (stretch.poor >= (column.native.kind === 'text' ? MAX_POOR_TEXT : MAX_POOR)) return null;
  const guess = guessBetween(column, first[index]!, last[index]!);
  if (guess === null) return null;
  const { below, above } = await space.around(column, guess, first, last);
  if (below === null || above === null) return null;
  const left = await space.estimate(first, below);
  const right = await space.estimate(above, last);
  const poor = Math.max(left, right) > POOR_SHARE * (left + right) ? stretch.poor + 1 : 0;
  return [
    { first, last: below, rows: left, poor },
    { first: above, last, rows: right, poor },
  ];
}

/** Reads the index from boundary to boundary. */
async function walk(space: KeySpace, stretch: Stretch, targetRows: number, parts: Part[]): Promise<void> {
  let { first } = stretch;
  for (;;) {
    const next = await space.step(first, targetRows, stretch.last);
    if (next === null) break;
    parts.push({ to: next, rows: targetRows });
    first = next;
  }
  parts.push({ to: stretch.last, rows: targetRows });
}

function merge(parts: readonly Part[], targetRows: number): readonly KeyRange[] {
  const ranges: KeyRange[] = [];
  let from: Key | null = null;
  let rows = 0;
  for (const [index, part] of parts.entries()) {
    rows += part.rows;
    const next = parts[index + 1];
    if (next !== undefined && rows + next.rows <= TOLERANCE * targetRows) continue;
    ranges.push({ from, to: part.to });
    from = part.to;
    rows = 0;
  }
  return ranges;
}

/** SQL of a table that is to be read by this index and no other. */
export function forced(table: TableName, index: string | null): string {
  return index === null ? quoteTable(table) : `${quoteTable(table)} FORCE INDEX (${quoteIdent(index)})`;
}

/** The keys of a table as the server sorts and finds them. */
class KeySpace {
  readonly columns: readonly KeyColumn[];
  readonly #session: Session;
  readonly #list: string;
  readonly #table: string;
  readonly #use: string;
  readonly #from: string;

  constructor(session: Session, table: TableName, { columns, index }: KeyIndex) {
    this.#session = session;
    this.columns = columns;
    // Without names: one of a column would be taken for it by ORDER BY.
    this.#list = columns.map(keySelect).join(', ');
    this.#table = quoteTable(table);
    this.#use = index === null ? '' : ` USE INDEX (${quoteIdent(index)})`;
    this.#from = forced(table, index);
  }

  edge(which: 'first' | 'last'): Promise<Key | null> {
    return this.#one(`ORDER BY ${orderBy(this.columns, which === 'last')} LIMIT 1`);
  }

  /** The last key at or before a value of a column and the first behind it, both within the stretch. */
  async around(
    column: KeyColumn,
    guess: string,
    first: Key,
    last: Key,
  ): Promise<{ readonly below: Key | null; readonly above: Key | null }> {
    const span = spanCondition(this.columns, first, last);
    const side = (where: 'upTo' | 'behind'): string =>
      `(SELECT '${where}', ${this.#list} FROM ${this.#from} WHERE ${span} AND ${valueCondition(column, guess, where)} ORDER BY ${orderBy(this.columns, where === 'upTo')} LIMIT 1)`;
    const rows = await this.#session.buffers(`${side('upTo')} UNION ALL ${side('behind')}`, [], 'load');
    const at = (where: string): Key | null => {
      const row = rows.find(([place]) => place?.toString() === where);
      return row ? keyOf(row.slice(1)) : null;
    };
    return { below: at('upTo'), above: at('behind') };
  }

  /** The key that comes `rows` behind this one; null: there are not so many up to `last`. */
  step(from: Key, rows: number, last: Key): Promise<Key | null> {
    const range = rangeCondition(this.columns, from, last);
    return this.#one(
      `WHERE ${range} ORDER BY ${orderBy(this.columns, false)} LIMIT 1 OFFSET ${Math.round(rows) - 1}`,
    );
  }

  /** With an index forced, MySQL does not look at it to estimate. */
  async estimate(first: Key, last: Key): Promise<number> {
    const format = this.#session.info.flavour === 'mysql' ? 'FORMAT=TRADITIONAL ' : '';
    const [row] = await this.#session.rows<{ rows: string | null }>(
      `EXPLAIN ${format}SELECT 1 FROM ${this.#table}${this.#use} WHERE ${spanCondition(this.columns, first, last)}`,
      [],
      'load',
    );
    return Number(row?.rows ?? 0);
  }

  async #one(rest: string): Promise<Key | null> {
    const [row] = await this.#session.buffers(`SELECT ${this.#list} FROM ${this.#from} ${rest}`, [], 'load');
    return row ? keyOf(row) : null;
  }
}

/** What a key has is never null. */
function keyOf(values: readonly (Buffer | null)[]): Key {
  return values.map((value) => value?.toString('utf8') ?? '');
}
