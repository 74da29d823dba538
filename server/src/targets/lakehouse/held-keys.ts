import { randomUUID } from 'node:crypto';
import type { LiveFile } from '../../lakehouse/data-file.ts';
import { POSITION_COLUMN, type ScanColumn, scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { quoteIdentifier } from '../../lakehouse/duckdb/sql-text.ts';
import { decimalOf } from '../../lakehouse/duckdb/types.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { isOutOfMemory, type Sql } from './sql.ts';

interface Held {
  readonly owner: string;
  /** The data file's location. */
  readonly path: string;
  readonly relation: string;
  readonly bytes: number;
  usedAt: number;
  /** Looks that read it just now. */
  readers: number;
}

/** What a table looks for its keys in. */
export interface KeyFiles {
  /** Names the table, among all that a run writes. */
  readonly owner: string;
  /** All data files that it has. */
  readonly live: readonly LiveFile[];
  /** Those to look in. */
  readonly data: readonly LiveFile[];
  readonly key: readonly ScanColumn[];
}

/** A smaller file is read about as quickly as it is found here. */
const LEAST_RECORDS = 50_000;
/** What was not asked for so long makes room. */
const IDLE_MS = 5 * 60_000;

/**
 * The keys of large data files in tables of DuckDB's memory. A commit looks for old rows in every file that may have
 * them, and reading a column of a file, compressed, takes most of that time. A data file never changes, and its name is
 * never given again, so what is held of one is true as long as somebody asks for it.
 */
export class HeldKeys {
  readonly #budget: number;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  /** Files that were asked for once: only the second time shows that they are read again and again. */
  readonly #asked = new Set<string>();
  #bytes = 0;

  /** @param budget bytes of DuckDB's memory, at most */
  constructor(budget: number, now: () => number = Date.now) {
    this.#budget = budget;
    this.#now = now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Does `work` with those of the files whose keys are held, each with a relation of columns k0 …, the key's columns in
   * their order, and pos, the row's number in the file, INTEGER. It is there until the work has ended.
   */
  async look<T>(
    sql: Sql,
    storage: Storage,
    files: KeyFiles,
    work: (relations: ReadonlyMap<LiveFile, string>) => Promise<T>,
  ): Promise<T> {
    const paths = new Set(files.live.map(({ path }) => path));
    await this.#drop(sql, ({ owner, path }) => owner === files.owner && !paths.has(path));
    const width = widthOf(files.key);
    const using: Held[] = [];
    const relations = new Map<LiveFile, string>();
    try {
      for (const file of width === null ? [] : files.data) {
        if (file.records < LEAST_RECORDS) continue;
        const held = await this.#holding(sql, storage, files, file, width! * file.records);
        if (held === null) continue;
        held.readers++;
        held.usedAt = this.#now();
        using.push(held);
        relations.set(file, held.relation);
      }
      return await work(relations);
    } finally {
      for (const held of using) held.readers--;
    }
  }

  async #holding(
    sql: Sql,
    storage: Storage,
    { owner, key }: KeyFiles,
    file: LiveFile,
    bytes: number,
  ): Promise<Held | null> {
    const name = `${file.path} ${key.map(({ id, type }) => `${id} ${String(type)}`).join(', ')}`;
    const known = this.#held.get(name);
    if (known !== undefined) return known;
    if (!this.#asked.delete(name)) {
      this.#asked.add(name);
      const [oldest] = this.#asked;
      if (this.#asked.size > MOST_ASKED) this.#asked.delete(oldest!);
      return null;
    }
    if (this.#bytes + bytes > this.#budget) {
      const before = this.#now() - IDLE_MS;
      await this.#drop(sql, ({ usedAt }) => usedAt < before);
    }
    if (this.#bytes + bytes > this.#budget) return null;
    this.#bytes += bytes;
    const relation = `held_keys_${randomUUID().replaceAll('-', '')}`;
    try {
      const columns = key.map((column, index) => `${quoteIdentifier(column.name)} AS k${index}`);
      const rows = scanSql(storage, [file], key, { positions: true });
      await sql.run(
        `CREATE TABLE ${relation} AS SELECT ${columns.join(', ')}, CAST("${POSITION_COLUMN}" AS INTEGER) AS pos FROM ${rows}`,
      );
    } catch (error) {
      this.#bytes -= bytes;
      // The step can do without.
      if (isOutOfMemory(error)) return null;
      throw error;
    }
    const held: Held = { owner, path: file.path, relation, bytes, usedAt: this.#now(), readers: 0 };
    this.#held.set(name, held);
    return held;
  }

  /** Gives the memory to the steps: all that nobody reads just now. */
  async dropAll(sql: Sql): Promise<void> {
    await this.#drop(sql, () => true);
  }

  async #drop(sql: Sql, isGone: (held: Held) => boolean): Promise<void> {
    for (const [name, held] of [...this.#held]) {
      if (held.readers > 0 || !this.#held.has(name) || !isGone(held)) continue;
      this.#held.delete(name);
      this.#bytes -= held.bytes;
      await sql.run(`DROP TABLE IF EXISTS ${held.relation}`);
    }
  }
}

/** Names of files that were asked for once and no more, kept at most. */
const MOST_ASKED = 10_000;

/** Bytes of a row of such a key with its place; null: of types whose values have no one size. */
function widthOf(key: readonly ScanColumn[]): number | null {
  let width = 4;
  for (const { type } of key) {
    if (typeof type !== 'string') return null;
    const bytes = decimalOf(type) === null ? WIDTHS[type] : 16;
    if (bytes === undefined) return null;
    width += bytes;
  }
  return width;
}

const WIDTHS: Readonly<Record<string, number>> = {
  int: 4,
  date: 4,
  long: 8,
  time: 8,
  timestamp: 8,
  timestamptz: 8,
  uuid: 16,
};
