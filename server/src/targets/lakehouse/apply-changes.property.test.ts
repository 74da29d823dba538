import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../tests/property/random.ts';
import { freshSeed } from '../../../../tests/support/seed.ts';
import { scanSql } from '../../lakehouse/duckdb/scan-sql.ts';
import { fileStorage } from '../../lakehouse/file-storage.ts';
import { finishUpkeep, prepareUpkeep, UpkeepMemory } from '../../lakehouse/maintenance/upkeep.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import { writeMetadata } from '../../lakehouse/metadata-file.ts';
import { liveFiles } from '../../lakehouse/scan.ts';
import { currentSchema } from '../../lakehouse/table-metadata.ts';
import type { Column, TableSchema } from '../../model/table.ts';
import { applyChanges } from './apply-changes.ts';
import { newTable } from './column-map.ts';
import { HeldKeys } from './held-keys.ts';
import { withSql } from './sql.ts';
import { Bench, column, type Line } from './testing/change-batches.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
const COMMITS = 25;
const RULES = { infiniteDates: 'error', zeroDates: 'error', outOfRange: 'error' } as const;
const THRESHOLDS = { targetBytes: 20_000, smallFiles: 4, deletedFraction: 0.2, deleteFiles: 3 };
const never = new AbortController().signal;

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const hex = (n: number): string => Math.imul(n, 0x9e3779b1).toString(16).replace('-', '').padStart(8, '0');
const day = (n: number): string => new Date(n * 86_400_000 * 3).toISOString().slice(0, 10);

/** The key's columns, and the text of the n-th key. The order of the texts is not that of the values, nor that of n. */
const KEYS: Record<string, readonly [readonly Column[], (n: number) => readonly string[]]> = {
  int: [[column(1, 'k', { kind: 'int' })], (n) => [String((n % 2 === 0 ? -1 : 1) * n)]],
  long: [[column(1, 'k', { kind: 'long' })], (n) => [String(n * 7_000_000_001 - 2_000_000_000_000)]],
  decimal: [[column(1, 'k', { kind: 'decimal', precision: 15, scale: 0 })], (n) => [String(n * 997)]],
  date: [[column(1, 'k', { kind: 'date' })], (n) => [day(n - 100)]],
  uuid: [
    [column(1, 'k', { kind: 'uuid' })],
    (n) => [`${hex(n)}-0000-4000-8000-00000000${hex(n + 9).slice(4)}`],
  ],
  'two columns': [
    [column(1, 'k', { kind: 'date' }), column(2, 'k2', { kind: 'int' })],
    (n) => [day(n % 5), String(100 - n)],
  ],
  text: [[column(1, 'k')], (n) => [`k${n}`]],
  // One digest each, though the texts side by side are the same of many.
  'two texts': [
    [column(1, 'k'), column(2, 'k2')],
    (n) => ['1'.repeat(1 + (n % 17)), '1'.repeat(1 + Math.floor(n / 17))],
  ],
  'a number and a text': [
    [column(1, 'k', { kind: 'long' }), column(2, 'k2')],
    (n) => [String(n % 7), `ä${n}\u{1f600}`],
  ],
  'decimal with digits behind the point': [
    [column(1, 'k', { kind: 'decimal', precision: 15, scale: 2 })],
    (n) => [((n - 150) / 4).toFixed(2)],
  ],
  // No numbers say it: such keys are looked for in files.
  double: [[column(1, 'k', { kind: 'double' })], (n) => [`${n - 150}.5`]],
};

/** One table, its model, and the log that brings both on. */
class Table {
  readonly #random: Random;
  readonly #columns: readonly Column[];
  readonly #keyOf: (n: number) => readonly string[];
  readonly #schema: TableSchema;
  readonly #storage = fileStorage();
  readonly #heldKeys = new HeldKeys(4 << 20);
  readonly #memory = new UpkeepMemory();
  #metadata: TableMetadata;
  /** By n of the key. */
  #model: ReadonlyMap<number, string> = new Map();
  #ord = 0;
  rewrites = 0;

  constructor(name: string, random: Random) {
    const [key, keyOf] = KEYS[name]!;
    this.#random = random;
    this.#columns = [...key, column(9, 'v')];
    this.#keyOf = keyOf;
    const identity = { kind: 'key' as const, columns: key.map((_, index) => index) };
    this.#schema = { name: { schema: 's', table: name }, columns: this.#columns, identity };
    const location = this.#storage.location(join(bench.folder, `${name} ${random.bits()}`));
    this.#metadata = newTable(this.#schema, location, Date.now());
  }

  async commit(): Promise<void> {
    const lines: Line[] = [];
    const model = new Map(this.#model);
    for (let left = this.#random.between(1, 60); left > 0; left--) this.#change(model, lines);
    const batch = bench.batch(this.#schema, [await bench.part(this.#columns, lines)], { exact: true });
    const applied = await withSql(bench.engine, never, (sql) =>
      applyChanges(
        sql,
        this.#storage,
        this.#metadata,
        batch,
        {
          rules: RULES,
          targetBytes: 1 << 20,
          keyLimit: 1024,
          heldKeys: this.#heldKeys,
          scratch: bench.scratch,
        },
        never,
      ),
    );
    // The transaction that would have moved the pointer fails now and then; what was written is in no table.
    if (this.#random.once(6)) return;
    this.#metadata = (await writeMetadata(this.#storage, applied.metadata, null)).metadata;
    this.#model = model;
  }

  #change(model: Map<number, string>, lines: Line[]): void {
    const random = this.#random;
    const value = (): string => `v${random.bits()}`;
    const line = (op: string, n: number, v: string | null): void =>
      void lines.push({ ord: ++this.#ord, op, values: [...this.#keyOf(n), v] });
    const n = random.below(300);
    if (!model.has(n)) {
      model.set(n, value());
      line('I', n, model.get(n)!);
    } else if (random.once(3)) {
      model.delete(n);
      line('D', n, null);
    } else {
      const to = random.once(4) ? random.below(300) : n;
      if (to !== n && model.has(to)) return;
      if (to !== n) line('K', n, null);
      model.delete(n);
      model.set(to, value());
      line('U', to, model.get(to)!);
    }
  }

  /** As TableUpkeep does it: prepared beside commits, finished before one. */
  async maintain(): Promise<void> {
    const connection = await bench.engine.connect();
    try {
      const base = this.#metadata;
      const prepared = await prepareUpkeep(connection, this.#storage, base, THRESHOLDS, this.#memory);
      if (prepared === null) return;
      if (this.#random.once(2)) await this.commit();
      const finished = await finishUpkeep(connection, this.#storage, prepared, this.#metadata, {});
      if (finished === null) return;
      this.rewrites++;
      this.#heldKeys.rewrote(finished.deletes);
      if (!this.#random.once(6)) this.#metadata = finished.metadata;
    } finally {
      connection.close();
    }
  }

  async check(): Promise<void> {
    const files = await liveFiles(this.#storage, this.#metadata);
    const fields = currentSchema(this.#metadata).fields.filter(({ name }) => !name.startsWith('_'));
    const columns = fields.map(({ id, name, type }) => ({ id, name, type }));
    const texts = columns.map(({ name }) => `CAST(${name} AS VARCHAR)`).join(', ');
    const rows = await bench.rows(`SELECT ${texts} FROM ${scanSql(this.#storage, files, columns)}`);
    const expected = [...this.#model].map(([n, v]) => [...this.#keyOf(n), v].join(' '));
    expect(rows.map((row) => row.join(' ')).sort()).toEqual(expected.sort());
    // Readers rely on it: no position is listed twice, and none of a file that is gone.
    const listed = (content: string): number =>
      files.reduce((sum, file) => sum + (file.content === content ? file.records : 0), 0);
    expect(listed('data') - listed('position-deletes')).toBe(this.#model.size);
  }
}

describe(`a table is what its log says, commit by commit and rewrite by rewrite, SLUICE_TEST_SEED=${SEED}`, () => {
  it.each(Object.keys(KEYS))('keys of type %s', async (name) => {
    const random = new Random(SEED).fork(name);
    const table = new Table(name, random);
    for (let commit = 0; commit < COMMITS; commit++) {
      await table.commit();
      if (random.once(2)) await table.maintain();
      await table.check();
    }
    expect(table.rewrites).toBeGreaterThan(0);
  });
});
