import type { LiveFile } from '../../lakehouse/data-file.ts';
import { deletedPositionsSql, type ScanColumn } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteText } from '../../lakehouse/duckdb/sql-text.ts';
import { integersOf } from '../../lakehouse/duckdb/vector-data.ts';
import type { RewrittenDeletes } from '../../lakehouse/maintenance/deleted-rows.ts';
import type { Places } from '../../lakehouse/position-delete-file.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { readFileKeys } from './file-keys.ts';
import { keyWords } from './key-words.ts';
import { type KeyColumns, SortedKeys } from './sorted-keys.ts';
import { isOutOfMemory, type Sql } from './sql.ts';

/** A data file's keys, and which of its rows the delete files that hit it say are gone. */
export interface HeldFile {
  readonly keys: SortedKeys;
  isDeleted(position: number): boolean;
}

/** What a table looks for its keys in. */
export interface KeyFiles {
  /** Names the table, among all that a run writes. */
  readonly owner: string;
  /** All data files that it has. */
  readonly live: readonly LiveFile[];
  /** All position-delete files that it has. */
  readonly deletes: readonly LiveFile[];
  /** Those to look in. */
  readonly data: readonly LiveFile[];
  readonly key: readonly ScanColumn[];
}

interface Held {
  readonly file: LiveFile;
  readonly keys: SortedKeys;
  readonly bytes: number;
  /** Rows that are gone, a bit each. */
  bits: Uint8Array;
  /** Whether the bits tell what the delete files say that the table has read. */
  isMarked: boolean;
  usedAt: number;
}

/** What is held of one table. */
interface HeldTable {
  /** Its key's columns and their types; with another key nothing of before is of use. */
  key: string;
  /** By the data file's location. */
  readonly files: Map<string, Held>;
  /** Delete files that the bits of marked files tell of. */
  read: ReadonlySet<string>;
  /** What delete files say that were written here, and not read. */
  readonly wrote: Map<string, Places>;
  /** Keys of data files that were written here, and not looked for since. */
  readonly wroteKeys: Map<string, { readonly key: string; readonly keys: SortedKeys }>;
  /** One look at a time. */
  turn: Promise<unknown>;
}

/** To hold a larger file takes longer than to look in it once: only the second time shows that it is read again and again. */
const SMALL_RECORDS = 50_000;
/** From one large file that is read to the next: a run that begins would read them all at once, and its commits wait for it. */
const APART_MS = 300;
/** What was not asked for so long makes room. */
const IDLE_MS = 5 * 60_000;
/** Names of files that were asked for once and no more, kept at most. */
const MOST_ASKED = 10_000;
/** Files of a table that were written and not seen in it, at most: of commits that failed. */
const MOST_WRITTEN = 4;
/** A look follows within a commit or two, unless nothing is looked for in the table. */
const MOST_REWRITES = 64;

/**
 * The keys of data files as words in memory, and which rows are deleted. A commit looks for old rows in every file that
 * may have them, and to read a column of a file, compressed, takes most of that time. A data file never changes, and its name
 * is never given again, so what is held of one is true as long as somebody asks for it.
 */
export class HeldKeys {
  readonly #budget: number;
  readonly #now: () => number;
  readonly #tables = new Map<string, HeldTable>();
  readonly #asked = new Set<string>();
  /** Whether a large file is being read, and when the last one was. */
  #reads = false;
  #readAt = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  /** Of all tables, the last ones that no look has met. */
  readonly #rewrites: RewrittenDeletes[] = [];

  /** @param budget bytes, at most */
  constructor(budget: number, now: () => number = Date.now) {
    this.#budget = budget;
    this.#now = now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Those of the files to look in whose keys are held. It is true of these files and deletes only. */
  async of(sql: Sql, storage: Storage, files: KeyFiles): Promise<ReadonlyMap<LiveFile, HeldFile>> {
    const words = keyWords(files.key);
    if (words === null) return new Map();
    const table = this.#tables.get(files.owner) ?? {
      ...{ key: '', files: new Map(), turn: Promise.resolve() },
      ...{ read: new Set<string>(), wrote: new Map(), wroteKeys: new Map() },
    };
    this.#tables.set(files.owner, table);
    const { expressions } = words;
    const look = table.turn.then(() => this.#look(sql, storage, table, files, expressions));
    table.turn = look.catch(() => undefined);
    return look;
  }

  /** A delete file of the table says nothing but this: it need not be read. */
  wrote(owner: string, path: string, places: Places): void {
    const table = this.#tables.get(owner);
    if (table === undefined) return;
    table.wrote.set(path, places);
    const [oldest] = table.wrote.keys();
    if (table.wrote.size > MOST_WRITTEN) table.wrote.delete(oldest!);
  }

  /** A data file of the table has rows of these keys, in this order, and no others: it need not be read. */
  wroteKeys(owner: string, path: string, key: readonly ScanColumn[], words: KeyColumns): void {
    const table = this.#tables.get(owner);
    // Of a table in which nothing is looked for nothing need be held.
    if (table === undefined) return;
    const keys = SortedKeys.of(words);
    if (this.#bytes + keys.bytes > this.#budget) return;
    table.wroteKeys.set(path, { key: keyText(key), keys });
    this.#bytes += keys.bytes;
    const [oldest] = table.wroteKeys.keys();
    if (table.wroteKeys.size > MOST_WRITTEN) this.#forgetWritten(table, oldest!);
  }

  #forgetWritten({ wroteKeys }: HeldTable, path: string): SortedKeys | null {
    const written = wroteKeys.get(path);
    if (written === undefined) return null;
    wroteKeys.delete(path);
    this.#bytes -= written.keys.bytes;
    return written.keys;
  }

  /** Files that were written here and are in the table now; the others belong to commits that failed. */
  #adoptWritten(table: HeldTable, live: readonly LiveFile[]): void {
    if (table.wroteKeys.size === 0) return;
    for (const file of live) {
      const isOfKey = table.wroteKeys.get(file.path)?.key === table.key;
      const keys = this.#forgetWritten(table, file.path);
      if (keys !== null && isOfKey && keys.rows === file.records) this.#hold(table, file, keys);
    }
    for (const path of [...table.wroteKeys.keys()]) this.#forgetWritten(table, path);
  }

  #hold({ files }: HeldTable, file: LiveFile, keys: SortedKeys): Held {
    const bits = new Uint8Array(bitBytes(file));
    const bytes = keys.bytes + bits.length;
    const held = { file, keys, bytes, bits, isMarked: false, usedAt: this.#now() };
    files.set(file.path, held);
    this.#bytes += bytes;
    return held;
  }

  /** Whoever has marked what the old delete files say need not read the new ones. */
  rewrote(deletes: RewrittenDeletes): void {
    // Where none came nothing would tell the rewrite from a table that was set back to before its deletes.
    if (deletes.from.length === 0 || deletes.to.length === 0) return;
    this.#rewrites.push(deletes);
    if (this.#rewrites.length > MOST_REWRITES) this.#rewrites.shift();
  }

  /** Takes delete files that were rewritten for read, where all that went into them was. */
  #followRewrites(table: HeldTable, paths: ReadonlySet<string>): void {
    for (const rewrite of [...this.#rewrites]) {
      const { from, to } = rewrite;
      if (!to.every((path) => paths.has(path)) || from.some((path) => paths.has(path))) continue;
      if (!from.every((path) => table.read.has(path) || table.wrote.has(path))) continue;
      for (const path of from)
        if (!table.read.has(path))
          for (const { file, bits } of table.files.values())
            markAll(bits, table.wrote.get(path)!.get(file.path));
      for (const path of from) table.wrote.delete(path);
      table.read = new Set([...table.read, ...to].filter((path) => !from.includes(path)));
      this.#rewrites.splice(this.#rewrites.indexOf(rewrite), 1);
    }
  }

  async #look(
    sql: Sql,
    storage: Storage,
    table: HeldTable,
    files: KeyFiles,
    words: readonly string[],
  ): Promise<ReadonlyMap<LiveFile, HeldFile>> {
    const paths = new Set(files.live.map(({ path }) => path));
    const key = keyText(files.key);
    this.#drop(table, ({ file }) => table.key !== key || !paths.has(file.path));
    table.key = key;
    this.#adoptWritten(table, files.live);
    const found = new Map<LiveFile, Held>();
    for (const file of files.data) {
      const held = await this.#holding(sql, storage, table, file, files.key, words);
      if (held === null) continue;
      held.usedAt = this.#now();
      found.set(file, held);
    }
    this.#followRewrites(table, new Set(files.deletes.map(({ path }) => path)));
    await markDeleted(sql, storage, table, files.deletes);
    return new Map(
      [...found].map(([file, { keys, bits }]) => {
        const isDeleted = (at: number): boolean => (bits[at >>> 3]! & (1 << (at & 7))) !== 0;
        return [file, { keys, isDeleted }];
      }),
    );
  }

  async #holding(
    sql: Sql,
    storage: Storage,
    table: HeldTable,
    file: LiveFile,
    key: readonly ScanColumn[],
    words: readonly string[],
  ): Promise<Held | null> {
    const known = table.files.get(file.path);
    if (known !== undefined) return known;
    const isLarge = file.records >= SMALL_RECORDS;
    if (isLarge && !this.#asked.has(file.path)) {
      this.#asked.add(file.path);
      const [oldest] = this.#asked;
      if (this.#asked.size > MOST_ASKED) this.#asked.delete(oldest!);
      return null;
    }
    if (isLarge && (this.#reads || this.#now() - this.#readAt < APART_MS)) return null;
    const most = SortedKeys.bytes(file.records, words.length) + bitBytes(file);
    if (this.#bytes + most > this.#budget) {
      const before = this.#now() - IDLE_MS;
      for (const table of this.#tables.values()) this.#drop(table, ({ usedAt }) => usedAt < before);
    }
    if (this.#bytes + most > this.#budget) return null;
    // Before the memory is taken: tables are looked at side by side.
    this.#bytes += most;
    if (isLarge) this.#reads = true;
    try {
      const keys = await readFileKeys(sql, storage, file, key, words);
      return keys === null ? null : this.#hold(table, file, keys);
    } catch (error) {
      // The step can do without.
      if (isOutOfMemory(error)) return null;
      throw error;
    } finally {
      this.#bytes -= most;
      if (isLarge) {
        this.#reads = false;
        this.#readAt = this.#now();
        this.#asked.delete(file.path);
      }
    }
  }

  #drop({ files }: HeldTable, isGone: (held: Held) => boolean): void {
    for (const [path, held] of files) {
      if (!isGone(held)) continue;
      files.delete(path);
      this.#bytes -= held.bytes;
    }
  }
}

const keyText = (key: readonly ScanColumn[]): string =>
  key.map(({ id, type }) => `${id} ${String(type)}`).join(', ');
const bitBytes = ({ records }: LiveFile): number => (records + 7) >>> 3;

/**
 * Has all files of the table tell what its delete files say. A delete hits a data file whose sequence is not above its own
 * (spec section "Scan Planning").
 */
async function markDeleted(
  sql: Sql,
  storage: Storage,
  table: HeldTable,
  deletes: readonly LiveFile[],
): Promise<void> {
  const all = [...table.files.values()];
  const paths = new Set(deletes.map(({ path }) => path));
  try {
    // A delete file goes when another has its positions, and when the table is set back to before it.
    if ([...table.read].some((path) => !paths.has(path))) unmark(table);
    const fresh = deletes.filter(({ path }) => !table.read.has(path));
    for (const one of fresh) markWritten(all, one, table.wrote.get(one.path));
    const unread = fresh.filter(({ path }) => !table.wrote.has(path));
    const first = unread.reduce((least, { sequence }) => Math.min(least, sequence), Number.POSITIVE_INFINITY);
    const hitting = (held: Held): readonly LiveFile[] =>
      deletes.filter(({ sequence }) => sequence >= held.file.sequence);
    const isBehind = (held: Held): boolean =>
      held.file.sequence > first ||
      (!held.isMarked && hitting(held).some(({ path }) => table.read.has(path)));
    const behind = new Set(all.filter(isBehind));
    const upToDate = all.filter((held) => !behind.has(held));
    await readPositions(sql, storage, upToDate, unread);
    await readPositions(sql, storage, [...behind], [...new Set([...behind].flatMap(hitting))]);
    for (const held of all) held.isMarked = true;
    for (const path of paths) table.wrote.delete(path);
    table.read = paths;
  } catch (error) {
    // Some may tell of deletes that will not have been.
    unmark(table);
    throw error;
  }
}

function markWritten(all: readonly Held[], { sequence }: LiveFile, places: Places | undefined): void {
  if (places === undefined) return;
  for (const { file, bits } of all) if (file.sequence <= sequence) markAll(bits, places.get(file.path));
}

function markAll(bits: Uint8Array, positions: readonly number[] = []): void {
  for (const position of positions) mark(bits, position);
}

function mark(bits: Uint8Array, position: number): void {
  bits[position >>> 3]! |= 1 << (position & 7);
}

function unmark(table: HeldTable): void {
  table.read = new Set();
  for (const held of table.files.values()) {
    held.bits = new Uint8Array(held.bits.length);
    held.isMarked = false;
  }
}

async function readPositions(
  sql: Sql,
  storage: Storage,
  data: readonly Held[],
  deletes: readonly LiveFile[],
): Promise<void> {
  if (data.length === 0 || deletes.length === 0) return;
  const files = data.map(({ file }) => file);
  const names = files.map((file, index) => `(${quoteText(file.path)}, ${index})`).join(', ');
  await sql.chunks(
    `SELECT CAST(h.held AS INTEGER), CAST(d.pos AS INTEGER) FROM ${deletedPositionsSql(storage, files, deletes)} d JOIN (VALUES ${names}) h(file_path, held) USING (file_path)`,
    deletes.reduce((sum, { records }) => sum + records, 0),
    (chunk) => {
      const [of, positions] = [integersOf(chunk, 0), integersOf(chunk, 1)];
      for (let row = 0; row < of.length; row++) mark(data[of[row]!]!.bits, positions[row]!);
    },
  );
}
