import { randomUUID } from 'node:crypto';
import type { LiveFile } from '../../lakehouse/data-file.ts';
import type { Engine } from '../../lakehouse/duckdb/engine.ts';
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
  /** Looks that read it just now, or are about to. */
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
 * The keys of large data files in tables of DuckDB's memory, which grows by as much. A commit looks for old rows in every
 * file that may have them, and reading a column of a file, compressed, takes most of that time. A data file never changes,
 * and its name is never given again, so what is held of one is true as long as somebody asks for it.
 */
export class HeldKeys {
  readonly #engine: Engine;
  readonly #budget: number;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  /** Files that were asked for once: only the second time shows that they are read again and again. */
  readonly #asked = new Set<string>();
  #bytes = 0;

  /** @param budget bytes, at most */
  constructor(engine: Engine, budget: number, now: () => number = Date.now) {
    this.#engine = engine;
    this.#budget = budget;
    this.#now = now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Does `work` with those of the files whose keys are held, each with a relation of columns k0 …, the key's columns in
   * their order, whose rowid is the row's number in the file. It is there until the work has ended.
   */
  async look<T>(
    sql: Sql,
    storage: Storage,
    files: KeyFiles,
    work: (relations: ReadonlyMap<LiveFile, string>) => Promise<T>,
  ): Promise<T> {
    const paths = new Set(files.live.map(({ path }) => path));
    await this.#drop(({ owner, path }) => owner === files.owner && !paths.has(path));
    const using: Held[] = [];
    const relations = new Map<LiveFile, string>();
    try {
      for (const file of files.data) {
        const size = file.records < LEAST_RECORDS ? null : sizeOf(files.key, file.records);
        const held = size === null ? null : await this.#holding(sql, storage, files, file, size);
        if (held === null) continue;
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
    if (known !== undefined) {
      known.readers++;
      return known;
    }
    if (!this.#asked.delete(name)) {
      this.#asked.add(name);
      const [oldest] = this.#asked;
      if (this.#asked.size > MOST_ASKED) this.#asked.delete(oldest!);
      return null;
    }
    if (this.#bytes + bytes > this.#budget) {
      const before = this.#now() - IDLE_MS;
      await this.#drop(({ usedAt }) => usedAt < before);
    }
    if (this.#bytes + bytes > this.#budget) return null;
    await this.#take(bytes);
    const relation = `held_keys_${randomUUID().replaceAll('-', '')}`;
    try {
      if (await fill(sql, storage, file, key, relation)) {
        const held: Held = { owner, path: file.path, relation, bytes, usedAt: this.#now(), readers: 1 };
        this.#held.set(name, held);
        return held;
      }
    } catch (error) {
      await this.#remove(relation, bytes);
      // The step can do without.
      if (isOutOfMemory(error)) return null;
      throw error;
    }
    await this.#remove(relation, bytes);
    return null;
  }

  async #take(bytes: number): Promise<void> {
    this.#bytes += bytes;
    await this.#engine.allowBeside(this.#bytes);
  }

  /** Over a connection that no step's abort interrupts. */
  async #remove(relation: string, bytes: number): Promise<void> {
    const connection = await this.#engine.connect();
    await connection.run(`DROP TABLE IF EXISTS ${relation}`).finally(() => connection.close());
    await this.#take(-bytes);
  }

  /** Gives the memory to the steps: all that nobody reads just now. */
  async dropAll(): Promise<void> {
    await this.#drop(() => true);
  }

  async #drop(isGone: (held: Held) => boolean): Promise<void> {
    for (const [name, held] of [...this.#held]) {
      if (held.readers > 0 || !this.#held.has(name) || !isGone(held)) continue;
      this.#held.delete(name);
      await this.#remove(held.relation, held.bytes);
    }
  }
}

/** Names of files that were asked for once and no more, kept at most. */
const MOST_ASKED = 10_000;

/** @returns whether a row's rowid is its number in the file, which DuckDB promises and which everything depends on */
async function fill(
  sql: Sql,
  storage: Storage,
  file: LiveFile,
  key: readonly ScanColumn[],
  relation: string,
): Promise<boolean> {
  const columns = key.map((column, index) => `${quoteIdentifier(column.name)} AS k${index}`);
  const rows = scanSql(storage, [file], key, { positions: true });
  await sql.run(
    `CREATE TABLE ${relation} AS SELECT ${columns.join(', ')}, CAST("${POSITION_COLUMN}" AS INTEGER) AS pos FROM ${rows}`,
  );
  const [row] = await sql.rows(`SELECT count(*), count(*) FILTER (rowid <> pos) FROM ${relation}`);
  await sql.run(`ALTER TABLE ${relation} DROP COLUMN pos`);
  return row?.[0] === BigInt(file.records) && row[1] === 0n;
}

/** DuckDB's rows in a group, and the blocks of a column in it: those of the values, and one of which are null. */
const GROUP_ROWS = 122_880;
const BLOCK = 262_144;

/** Bytes that so many keys take; null: of types whose values have no one size. */
function sizeOf(key: readonly ScanColumn[], records: number): number | null {
  let blocks = 0;
  for (const { type } of key) {
    if (typeof type !== 'string') return null;
    const width = decimalOf(type) === null ? WIDTHS[type] : 16;
    if (width === undefined) return null;
    blocks += Math.ceil((width * GROUP_ROWS) / BLOCK) + 1;
  }
  return Math.ceil(records / GROUP_ROWS) * blocks * BLOCK;
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
