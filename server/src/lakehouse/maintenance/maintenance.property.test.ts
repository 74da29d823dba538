import { relative } from 'node:path';
import { Session } from 'chdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshSeed } from '../../../../tests/support/seed.ts';
import type { ContentFile, LiveFile } from '../data-file.ts';
import { writeDataFiles, writePositionDeletes } from '../duckdb/parquet-write.ts';
import { FILE_COLUMN, POSITION_COLUMN, type ScanColumn, scanSql } from '../duckdb/scan-sql.ts';
import { quoteText } from '../duckdb/sql-text.ts';
import { expireSnapshots } from '../expire-snapshots.ts';
import { openWarehouse, type WarehouseFixture } from '../query/warehouse-fixture.ts';
import { liveFiles } from '../scan.ts';
import { editSchema } from '../schema-edit.ts';
import { currentSchema } from '../table-metadata.ts';
import { prepareCompaction } from './compaction.ts';
import { prepareDeleteMerge } from './delete-merge.ts';
import { removeOrphans } from './orphans.ts';
import { discardUpkeep, finishUpkeep, type PreparedUpkeep, prepareUpkeep, UpkeepMemory } from './upkeep.ts';

const SEED = Number(process.env.SLUICE_TEST_SEED ?? freshSeed());
const RUNS = 6;
const STEPS = 60;

let warehouse: WarehouseFixture;
let session: Session;
const home = process.cwd();

beforeAll(async () => {
  warehouse = await openWarehouse("sluice maintenance 'q'-");
  // chDB reads files below its working folder only.
  process.chdir(warehouse.root);
  session = new Session();
});
afterAll(async () => {
  session.close();
  process.chdir(home);
  await warehouse.close();
});

/** mulberry32 */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

interface ModelRow {
  readonly v: string | null;
  readonly n: number;
}

/** A table, what must be in it, and the steps of upkeep that are prepared and not finished. */
class Run {
  readonly name;
  readonly random;
  readonly model = new Map<number, ModelRow>();
  readonly prepared: PreparedUpkeep[] = [];
  readonly done = { compactions: 0, merges: 0, givenUp: 0, late: 0 };
  readonly commitsAt = new Map<PreparedUpkeep, number>();
  readonly memory = new UpkeepMemory();
  nextId = 1;
  commits = 0;

  constructor(seed: number) {
    this.name = { schema: 'p', table: `t${seed}` };
    this.random = randomOf(seed);
  }

  async create(): Promise<void> {
    await warehouse.create(
      this.name,
      [
        { name: 'id', type: { kind: 'long' }, required: true },
        { name: 'v', type: { kind: 'string' }, required: false },
        { name: 'n', type: { kind: 'int' }, required: false },
      ],
      ['id'],
    );
  }

  async files(): Promise<readonly LiveFile[]> {
    return liveFiles(warehouse.storage, (await warehouse.load(this.name)).metadata);
  }

  async step(): Promise<string> {
    const choice = this.random(100);
    if (choice < 40) return this.change();
    if (choice < 55) return this.prepareRandomCompaction();
    if (choice < 60) return this.prepareMerge();
    if (choice < 70) return this.prepareDue();
    if (choice < 88) return this.finish();
    if (choice < 92) return this.expire();
    if (choice < 94) return this.editSchema();
    if (choice < 95) return this.truncate();
    if (choice < 97) return this.discard();
    return this.cleanUp();
  }

  /** Inserts, updates and deletes in one commit, as the writer makes it. */
  async change(): Promise<string> {
    const { storage, connection } = warehouse;
    const { metadata } = await warehouse.load(this.name);
    const known = [...this.model.keys()];
    const rate = 2 + this.random(12);
    const gone = known.filter(() => this.random(rate) === 0);
    const written: [number, ModelRow][] = [];
    for (const id of gone) if (this.random(2) === 0) written.push([id, this.row()]);
    const inserts = this.random(3) === 0 ? 0 : this.random(60);
    for (let i = 0; i < inserts; i++) written.push([this.nextId++, this.row()]);
    const folder = storage.join(metadata.location, 'data');
    const add: ContentFile[] = [];
    if (written.length > 0) {
      const values = written
        .map(([id, { v, n }]) => `(${id}, ${v === null ? 'NULL' : quoteText(v)}, ${n})`)
        .join(', ');
      const { fields } = currentSchema(metadata);
      add.push(
        ...(await writeDataFiles(connection, storage, {
          select: `SELECT * FROM (VALUES ${values})`,
          fields,
          folder,
        })),
      );
    }
    if (gone.length > 0) {
      const scan = scanSql(storage, await this.files(), [{ id: 1, name: 'id', type: 'long' }], {
        positions: true,
      });
      const select = `SELECT "${FILE_COLUMN}", "${POSITION_COLUMN}" FROM ${scan} WHERE id IN (${gone.join(', ')})`;
      const file = await writePositionDeletes(connection, storage, { select, folder });
      expect(file?.records).toBe(gone.length);
      add.push(file!);
    }
    if (add.length === 0) return 'change: nothing';
    await warehouse.commit(this.name, { add, operation: 'overwrite', nowMs: Date.now() });
    this.commits++;
    for (const id of gone) this.model.delete(id);
    for (const [id, row] of written) this.model.set(id, row);
    return `change: ${gone.length} gone, ${written.length} written`;
  }

  row(): ModelRow {
    const v = this.random(8) === 0 ? null : `v${this.random(1000)}`;
    return { v, n: this.random(2 ** 31) };
  }

  hold(prepared: PreparedUpkeep): void {
    this.prepared.push(prepared);
    this.commitsAt.set(prepared, this.commits);
  }

  async prepareRandomCompaction(): Promise<string> {
    const data = (await this.files()).filter((file) => file.content === 'data');
    const chosen = data.filter(() => this.random(2) === 0).sort(() => this.random(3) - 1);
    if (chosen.length === 0 || this.prepared.length >= 3) return 'compaction: none';
    const { metadata } = await warehouse.load(this.name);
    const compaction = await prepareCompaction(warehouse.connection, warehouse.storage, metadata, chosen);
    this.hold({ kind: 'compaction', compaction });
    return `prepare compaction of ${chosen.length} of ${data.length}`;
  }

  async prepareMerge(): Promise<string> {
    if (this.prepared.length >= 3) return 'merge: none';
    const { metadata } = await warehouse.load(this.name);
    const merge = await prepareDeleteMerge(warehouse.connection, warehouse.storage, metadata);
    if (merge.replaced.length === 0) return 'merge: none';
    this.hold({ kind: 'delete-merge', merge });
    return `prepare merge of ${merge.replaced.length} into ${merge.output.length}`;
  }

  async prepareDue(): Promise<string> {
    if (this.prepared.length >= 3) return 'due: none';
    const { metadata } = await warehouse.load(this.name);
    const thresholds = { targetBytes: 12_000, smallFiles: 4, deletedFraction: 0.3, deleteFiles: 4 };
    const prepared = await prepareUpkeep(
      warehouse.connection,
      warehouse.storage,
      metadata,
      thresholds,
      this.memory,
    );
    if (prepared) this.hold(prepared);
    return `prepare due: ${prepared?.kind ?? 'nothing'}`;
  }

  async finish(): Promise<string> {
    const [prepared] = this.prepared.splice(this.random(Math.max(1, this.prepared.length)), 1);
    if (!prepared) return 'finish: none';
    const { connection, storage } = warehouse;
    const { metadata } = await warehouse.load(this.name);
    const finished = await finishUpkeep(connection, storage, prepared, metadata, { 'sluice.position': 'p' });
    if (finished === null) {
      this.done.givenUp++;
      return `finish ${prepared.kind}: given up`;
    }
    await warehouse.replace(this.name, finished.metadata);
    this.done[prepared.kind === 'compaction' ? 'compactions' : 'merges']++;
    if (this.commits > this.commitsAt.get(prepared)!) this.done.late++;
    return `finish ${prepared.kind}`;
  }

  async discard(): Promise<string> {
    const prepared = this.prepared.pop();
    if (prepared) await discardUpkeep(warehouse.connection, warehouse.storage, prepared);
    return 'discard';
  }

  async expire(): Promise<string> {
    const { storage } = warehouse;
    const { metadata } = await warehouse.load(this.name);
    const rule = { keepLast: 1 + this.random(3), olderThanMs: 0, nowMs: Date.now() + 1 };
    const expired = await expireSnapshots(storage, metadata, rule);
    await warehouse.replace(this.name, expired.metadata);
    await storage.remove(expired.filesToRemove);
    return `expire: ${expired.filesToRemove.length} files`;
  }

  async editSchema(): Promise<string> {
    const { metadata } = await warehouse.load(this.name);
    const { fields } = currentSchema(metadata);
    const edits = [
      { kind: 'widen' as const, id: 3, type: { kind: 'long' as const } },
      { kind: 'rename' as const, id: 2, name: fields[1]!.name === 'v' ? 'W w' : 'v' },
    ];
    await warehouse.replace(this.name, editSchema(metadata, [edits[this.random(2)]!], Date.now()));
    return 'edit schema';
  }

  async truncate(): Promise<string> {
    await warehouse.commit(this.name, { replaceAll: true, operation: 'delete' });
    this.commits++;
    this.model.clear();
    return 'truncate';
  }

  /** What is prepared is in no metadata yet: it is old enough here, and must be kept by name. */
  async cleanUp(): Promise<string> {
    const { metadata } = await warehouse.load(this.name);
    const inMaking = new Set(
      this.prepared.flatMap((one) =>
        one.kind === 'compaction' ? [one.compaction.output?.path] : one.merge.output.map((file) => file.path),
      ),
    );
    const removed = await removeOrphans(
      warehouse.storage,
      metadata.location,
      () => warehouse.load(this.name),
      {
        minAgeMs: -1,
        nowMs: Date.now() + 1000,
        isKept: (location) => inMaking.has(location),
      },
    );
    return `clean up: ${removed.length}`;
  }

  expected(): string {
    const rows = [...this.model].sort(([a], [b]) => a - b).map(([id, { v, n }]) => [id, v, n]);
    return JSON.stringify(rows);
  }

  async check(): Promise<void> {
    const { storage, connection } = warehouse;
    const { metadata } = await warehouse.load(this.name);
    const columns: ScanColumn[] = currentSchema(metadata).fields.map(({ id, type }) => ({
      id,
      name: `c${id}`,
      type,
    }));
    const rows = await connection.rows(
      `SELECT * FROM ${scanSql(storage, await this.files(), columns)} ORDER BY c1`,
    );
    expect(JSON.stringify(rows.map((row) => [Number(row.c1), row.c2, Number(row.c3)]))).toBe(this.expected());
    const summary = metadata.snapshots.at(-1)?.summary;
    if (summary)
      expect(Number(summary['total-records']) - Number(summary['total-position-deletes'])).toBe(
        this.model.size,
      );
  }

  /** A reader that shares no code with ours. */
  async checkByClickHouse(): Promise<void> {
    const { storage } = warehouse;
    const { metadata, metadataLocation } = await warehouse.load(this.name);
    const folder = storage.localPath(metadata.location);
    const file = relative(folder, storage.localPath(metadataLocation));
    const quoted = folder.replaceAll("'", "\\'");
    const source = `icebergLocal('${quoted}', 'Parquet', SETTINGS iceberg_metadata_file_path = '${file}')`;
    const settings = 'SETTINGS output_format_json_quote_64bit_integers = 0';
    const answer = session.query(`SELECT * FROM ${source} ORDER BY 1 ${settings}`, 'JSONCompactEachRow');
    expect(`[${answer.trim().split('\n').join(',')}]`.replaceAll(', ', ',')).toBe(this.expected());
    expect(Number(session.query(`SELECT count() FROM ${source}`, 'TSV'))).toBe(this.model.size);
    // Bounds are what readers skip files by: each value must be found by its equality.
    for (const [id, { v }] of [...this.model].slice(0, 5)) {
      const name = currentSchema(metadata).fields[1]!.name;
      const where = `id = ${id}${v === null ? '' : ` AND \`${name}\` = '${v}'`}`;
      expect(Number(session.query(`SELECT count(id) FROM ${source} WHERE ${where}`, 'TSV')), where).toBe(1);
    }
  }
}

describe(`maintenance beside a writer (SLUICE_TEST_SEED=${SEED})`, () => {
  it.each(Array.from({ length: RUNS }, (_, index) => SEED + index))(
    'keeps every row: seed %i',
    async (seed) => {
      const run = new Run(seed);
      const log: string[] = [];
      await run.create();
      try {
        await run.change();
        for (let step = 0; step < STEPS; step++) {
          log.push(await run.step());
          await run.check();
        }
        while (run.prepared.length > 0) log.push(await run.finish());
        await run.check();
        await run.checkByClickHouse();
      } catch (error) {
        throw new Error(`seed ${seed}, after:\n${log.join('\n')}`, { cause: error });
      }
      totals.push(run.done);
    },
    120_000,
  );

  it('did what it was to test', () => {
    const sum = (key: keyof Run['done']): number => totals.reduce((all, one) => all + one[key], 0);
    expect(sum('compactions')).toBeGreaterThan(RUNS);
    expect(sum('merges')).toBeGreaterThan(0);
    expect(sum('givenUp')).toBeGreaterThan(0);
    expect(sum('late')).toBeGreaterThan(0);
  });
});

const totals: Run['done'][] = [];
