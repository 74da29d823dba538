import type { Logger } from 'pino';
import type { Engine, EngineConnection } from '../../lakehouse/duckdb/engine.ts';
import type { EmbeddedCatalog } from '../../lakehouse/embedded-catalog.ts';
import { expireSnapshots } from '../../lakehouse/expire-snapshots.ts';
import { type Rewriter, rewriterOf } from '../../lakehouse/maintenance/compaction.ts';
import type { CompactorProcess } from '../../lakehouse/maintenance/compactor-process.ts';
import { DEFAULT_ORPHAN_AGE_MS, removeOrphans } from '../../lakehouse/maintenance/orphans.ts';
import { besideBacklog, DEFAULT_THRESHOLDS, type Thresholds } from '../../lakehouse/maintenance/plan.ts';
import {
  discardUpkeep,
  finishUpkeep,
  type PreparedUpkeep,
  prepareUpkeep,
  UpkeepMemory,
} from '../../lakehouse/maintenance/upkeep.ts';
import type { SnapshotId, TableMetadata } from '../../lakehouse/metadata.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { type TableName, tableKey, tableText } from '../../model/table.ts';
import type { MetastoreDb } from '../../store/open-metastore.ts';
import type { HeldKeys } from './held-keys.ts';
import { hasLoadUnderWay } from './loads-under-way.ts';
import { besideSteps } from './sql.ts';
import type { Upkeep } from './upkeep.ts';

export interface UpkeepOptions {
  readonly storage: Storage;
  readonly catalog: Pick<EmbeddedCatalog, 'load' | 'lines'>;
  readonly metastore: MetastoreDb;
  readonly engine: Engine;
  readonly targetBytes: number;
  /** Told of the delete files that it rewrites. */
  readonly heldKeys: HeldKeys;
  readonly log: Logger;
  /** Rewrites large files aside; without it the engine does. */
  readonly compactor?: CompactorProcess;
  /** REST_MS, but for tests. */
  readonly restMs?: number;
}

/**
 * From one step of a table until the next, unless that is urgent. Commits that follow each other quickly bring small files
 * quickly, and each step costs the reading of the delete files, however little there is to rewrite.
 */
const REST_MS = 10_000;

/** Snapshots that stay for readers that have begun, and for a look back. */
const KEPT_SNAPSHOTS = 10;
const SNAPSHOT_AGE_MS = 10 * 60_000;
/** With more than so many, every commit would write a long metadata file: then only the last minute's stay. */
const MANY_SNAPSHOTS = 360;
const SHORT_AGE_MS = 60_000;
/** Readers that planned on an expired snapshot may still read so long (a query may run 300 s); then its files go. */
const READERS_MS = 6 * 60_000;
/** Expiry is worth a look when so many snapshots have come together. */
const EXPIRY_STEP = 20;
const ORPHANS_EVERY_MS = 6 * 3_600_000;
/** A start has more urgent work than to list folders. */
const ORPHANS_NOT_BEFORE_MS = 10 * 60_000;

/** A table's state after a commit, to be looked at. */
interface Look {
  readonly table: TableName;
  readonly metadata: TableMetadata;
  readonly kind: Parameters<Upkeep['committed']>[2];
}

interface Expiry {
  readonly ids: ReadonlySet<SnapshotId>;
  readonly files: readonly string[];
}

/**
 * Compaction, merging of delete files, expiry of snapshots and orphans, for the tables of one run. Slow work is done
 * on a connection of its own, one table at a time; what comes of it is put in by the table's only writer.
 */
export class TableUpkeep implements Upkeep {
  readonly #options: UpkeepOptions;
  readonly #thresholds: Thresholds;
  readonly #queue = new Map<string, Look>();
  #hasBacklog = false;
  /** Of tables where nothing was urgent beside a backlog. */
  readonly #putOff = new Map<string, Look>();
  readonly #restsUntil = new Map<string, number>();
  /** Of tables where nothing was urgent while they rested: their next look. */
  readonly #resting = new Map<string, NodeJS.Timeout>();
  readonly #prepared = new Map<string, { readonly table: TableName; readonly step: PreparedUpkeep }>();
  /** Files to be removed once the metadata without their snapshots is the table's. */
  readonly #expiries = new Map<string, Expiry>();
  readonly #leaving: { readonly at: number; readonly files: readonly string[] }[] = [];
  /** By tableKey: the shards of a merged table have one uuid. */
  readonly #memories = new Map<string, UpkeepMemory>();
  readonly #failedAside = new Set<string>();
  readonly #orphansAt = new Map<string, number>();
  readonly #started = Date.now();
  readonly #stop = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #working = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#thresholds = {
      ...DEFAULT_THRESHOLDS,
      targetBytes: Math.max(DEFAULT_THRESHOLDS.targetBytes, options.targetBytes),
    };
  }

  ready(): readonly TableName[] {
    return [...this.#prepared.values()].map(({ table }) => table);
  }

  async finish(table: TableName, metadata: TableMetadata): Promise<TableMetadata> {
    const key = tableKey(table);
    const prepared = this.#prepared.get(key);
    this.#prepared.delete(key);
    const next = prepared === undefined ? metadata : await this.#finish(table, prepared.step, metadata);
    // A line has no history, and its files are the merged table's.
    return table.shard === undefined ? this.#expire(key, next) : next;
  }

  async #finish(table: TableName, step: PreparedUpkeep, metadata: TableMetadata): Promise<TableMetadata> {
    const { engine, storage, heldKeys, log } = this.#options;
    const connection = await engine.connect();
    try {
      const position = currentPosition(metadata);
      const summary = position === undefined ? {} : { 'sluice.position': position };
      const finished = await besideSteps(engine, () =>
        finishUpkeep(connection, storage, step, metadata, summary),
      ).catch((error: unknown) => {
        // The table is right without it, so the commit that it would have joined goes on.
        log.warn({ table: tableText(table), cause: String(error) }, 'maintenance failed');
        return null;
      });
      if (finished !== null) {
        heldKeys.rewrote(finished.deletes);
        log.info({ table: tableText(table), kind: step.kind }, 'maintained');
        return finished.metadata;
      }
      await discardUpkeep(connection, storage, step);
      return metadata;
    } finally {
      connection.close();
    }
  }

  async #expire(key: string, metadata: TableMetadata): Promise<TableMetadata> {
    const count = metadata.snapshots.length;
    if (count < KEPT_SNAPSHOTS + EXPIRY_STEP || count % EXPIRY_STEP !== 0) return metadata;
    const expired = await expireSnapshots(this.#options.storage, metadata, {
      keepLast: KEPT_SNAPSHOTS,
      olderThanMs: count > MANY_SNAPSHOTS ? SHORT_AGE_MS : SNAPSHOT_AGE_MS,
      nowMs: Date.now(),
    });
    const stays = new Set(expired.metadata.snapshots.map((snapshot) => snapshot['snapshot-id']));
    const ids = new Set(
      metadata.snapshots.map((snapshot) => snapshot['snapshot-id']).filter((id) => !stays.has(id)),
    );
    if (ids.size > 0) this.#expiries.set(key, { ids, files: expired.filesToRemove });
    return expired.metadata;
  }

  committed(table: TableName, metadata: TableMetadata, kind: 'alone' | 'merged'): void {
    const key = tableKey(table);
    this.#removeExpired(key, metadata);
    this.#putOff.delete(key);
    clearTimeout(this.#resting.get(key));
    this.#resting.delete(key);
    if (!this.#prepared.has(key)) this.#look(key, { table, metadata, kind });
  }

  besideBacklog(isSo: boolean): void {
    this.#hasBacklog = isSo;
    if (isSo) return;
    const looks = [...this.#putOff];
    this.#putOff.clear();
    for (const [key, look] of looks) this.#look(key, look);
  }

  #look(key: string, look: Look): void {
    if (this.#stop.signal.aborted) return;
    this.#queue.set(key, look);
    if (this.#working) return;
    this.#working = true;
    this.#work = this.#run().finally(() => {
      this.#working = false;
    });
  }

  #lookAfter(ms: number, key: string, look: Look): void {
    if (this.#stop.signal.aborted || this.#queue.has(key)) return;
    const timer = setTimeout(() => {
      this.#resting.delete(key);
      this.#look(key, look);
    }, ms);
    this.#resting.set(key, timer.unref());
  }

  #removeExpired(key: string, metadata: TableMetadata): void {
    const expiry = this.#expiries.get(key);
    if (expiry === undefined) return;
    this.#expiries.delete(key);
    // The commit that left them out may have failed, and this be another.
    if (metadata.snapshots.some((snapshot) => expiry.ids.has(snapshot['snapshot-id']))) return;
    this.#leaving.push({ at: Date.now() + READERS_MS, files: expiry.files });
  }

  /** What a stop leaves behind here is found by the orphans' clean-up. */
  async #removeLeaving(): Promise<void> {
    for (
      let [first] = this.#leaving;
      first !== undefined && first.at <= Date.now();
      [first] = this.#leaving
    ) {
      this.#leaving.shift();
      await this.#options.storage.remove(first.files);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let [first] = this.#queue; first !== undefined && !signal.aborted; [first] = this.#queue) {
      const [key, look] = first;
      const { table, kind } = look;
      this.#queue.delete(key);
      try {
        await this.#removeLeaving();
        if (kind !== 'merged') await this.#prepare(key, look, signal);
        if (table.shard === undefined) await this.#orphans(key, table);
      } catch (error) {
        if (signal.aborted) return;
        // The table is right without it; the next commit brings the next try.
        this.#options.log.warn({ table: tableText(table), cause: String(error) }, 'maintenance failed');
      }
    }
  }

  async #prepare(key: string, look: Look, signal: AbortSignal): Promise<void> {
    const { engine, storage, restMs = REST_MS } = this.#options;
    const { table, metadata } = look;
    const rest = (this.#restsUntil.get(key) ?? 0) - Date.now();
    const waits = this.#hasBacklog || rest > 0;
    const thresholds = waits ? besideBacklog(this.#thresholds) : this.#thresholds;
    const memory = this.#memories.get(key) ?? new UpkeepMemory();
    this.#memories.set(key, memory);
    const connection = await engine.connect();
    try {
      const step = await besideSteps(engine, () =>
        prepareUpkeep(
          connection,
          storage,
          metadata,
          thresholds,
          memory,
          signal,
          this.#aside(table, connection),
        ),
      );
      if (step !== null) {
        this.#prepared.set(key, { table, step });
        this.#restsUntil.set(key, Date.now() + restMs);
      } else if (this.#hasBacklog) this.#putOff.set(key, look);
      else if (waits) this.#lookAfter(Math.max(0, rest), key, look);
    } finally {
      connection.close();
    }
  }

  /** A table that the other process failed at, for want of memory or because it was killed, is rewritten here from then on. */
  #aside(table: TableName, connection: EngineConnection): Rewriter | undefined {
    const { compactor, storage, log } = this.#options;
    const key = tableKey(table);
    if (compactor === undefined || this.#failedAside.has(key)) return undefined;
    return async (rewrite, signal) => {
      try {
        return await compactor.rewrite(rewrite, signal);
      } catch (error) {
        signal?.throwIfAborted();
        this.#failedAside.add(key);
        log.warn(
          { table: tableText(table), cause: String(error) },
          'the compactor failed; the runner rewrites the files of this table itself',
        );
        return await rewriterOf(connection, storage)(rewrite, signal);
      }
    };
  }

  async #orphans(key: string, table: TableName): Promise<void> {
    const now = Date.now();
    if (now - this.#started < ORPHANS_NOT_BEFORE_MS) return;
    if (now - (this.#orphansAt.get(key) ?? 0) < ORPHANS_EVERY_MS) return;
    this.#orphansAt.set(key, now);
    const { storage, catalog, metastore, log } = this.#options;
    const loaded = await catalog.load(table);
    if (loaded === null) return;
    // Asked before the metadata is read: what takes its place in between is in the metadata.
    const unlessLoading = async () =>
      (await hasLoadUnderWay(metastore, table)) ? null : await catalog.load(table);
    const removed = await removeOrphans(storage, loaded.metadata.location, unlessLoading, {
      minAgeMs: DEFAULT_ORPHAN_AGE_MS,
      nowMs: now,
      // What is prepared is in no metadata yet.
      isKept: () => [...this.#prepared.values()].some((one) => tableKey(wholeOf(one.table)) === key),
      lines: async () => {
        const lines = await catalog.lines(table);
        const loaded = await Promise.all(lines.map(({ name }) => catalog.load(name)));
        return loaded.filter((line) => line !== null);
      },
    });
    if (removed.length > 0) log.info({ table: tableText(table), files: removed.length }, 'orphans removed');
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    for (const timer of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
    await this.#work;
    const { engine, storage, compactor } = this.#options;
    await compactor?.close();
    for (const { step } of this.#prepared.values()) {
      const connection = await engine.connect();
      try {
        await discardUpkeep(connection, storage, step);
      } finally {
        connection.close();
      }
    }
    this.#prepared.clear();
  }
}

function wholeOf({ schema, table }: TableName): TableName {
  return { schema, table };
}

function currentPosition(metadata: TableMetadata): string | undefined {
  const current = metadata['current-snapshot-id'];
  return metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === current)?.summary[
    'sluice.position'
  ];
}
