import { randomUUID } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';
import type { Transaction } from 'kysely';
import type { PointerMove } from '../../lakehouse/catalog.ts';
import { DeferredStorage } from '../../lakehouse/deferred-storage.ts';
import type { Engine } from '../../lakehouse/duckdb/engine.ts';
import { commitWithin, type EmbeddedCatalog } from '../../lakehouse/embedded-catalog.ts';
import { removeSnapshots } from '../../lakehouse/expire-snapshots.ts';
import type { TableMetadata } from '../../lakehouse/metadata.ts';
import { writeSnapshot } from '../../lakehouse/snapshot.ts';
import { adoptSnapshot } from '../../lakehouse/snapshot-adopt.ts';
import type { Storage } from '../../lakehouse/storage.ts';
import { freeTableLocation } from '../../lakehouse/table-location.ts';
import { type TableName, type TableSchema, tableKey, tableText } from '../../model/table.ts';
import type { MetastoreDb } from '../../store/open-metastore.ts';
import type { Metastore } from '../../store/tables.ts';
import type {
  BackfillLines,
  BackfillRequest,
  Base,
  CascadePart,
  CascadeRequest,
  ChangeBatch,
  ChangePart,
  KeyedMerge,
  LoadedChunk,
  MergedStep,
  RefusedLine,
  Staged,
  TableStep,
  Target,
} from '../target.ts';
import { applyChanges } from './apply-changes.ts';
import { writeBackfillLines } from './backfill-lines.ts';
import { writeCascadeLines } from './cascade-lines.ts';
import { rawPart } from './change-lines.ts';
import { columnMapOf, followSchema, newTable } from './column-map.ts';
import { parseFiles } from './content-file-json.ts';
import type { HeldKeys } from './held-keys.ts';
import { findKeyConflict, lineConflicts } from './key-conflict.ts';
import { type Chunk, loadChunk } from './load-chunk.ts';
import {
  compose,
  emptied,
  followRoot,
  hasSchemaOf,
  isLineOf,
  listsLeft,
  ROOT,
  rootOf,
  underRoot,
  withoutHistory,
} from './merge-lines.ts';
import { withSql } from './sql.ts';
import { NOTHING, TableStates } from './table-states.ts';
import type { ReadingRules } from './text-expression.ts';
import type { Upkeep } from './upkeep.ts';

export interface LakehouseOptions {
  readonly storage: Storage;
  readonly catalog: EmbeddedCatalog;
  readonly metastore: MetastoreDb;
  readonly engine: Engine;
  /** Location of the warehouse. */
  readonly warehouse: string;
  readonly rules: ReadingRules;
  readonly targetBytes: number;
  /** How long the key of a row may be, in bytes; may change while the task runs. */
  readonly keyLimit: () => number;
  readonly heldKeys: HeldKeys;
  /** A folder on this machine for files that live as long as a step. */
  readonly scratchFolder: string;
  readonly upkeep: Upkeep;
}

export type MetastoreTransaction = Transaction<Metastore>;

/** Iceberg tables in a warehouse, their pointers in the metastore's catalog. */
export class LakehouseTarget implements Target<MetastoreTransaction> {
  readonly #options: LakehouseOptions;
  readonly #states: TableStates;

  constructor(options: LakehouseOptions) {
    this.#options = options;
    this.#states = new TableStates(options.storage, options.catalog);
  }

  async exists(table: TableName): Promise<boolean> {
    return (await this.#options.catalog.pointer(table)) !== null;
  }

  visible(table: TableName): Promise<string | null> {
    return this.#states.pointer(table);
  }

  async stageRoot(
    table: TableName,
    schema: TableSchema,
    { replace }: { readonly replace: boolean },
  ): Promise<Staged> {
    const { catalog } = this.#options;
    const pointer = await this.#states.pointer(rootOf(table));
    const root = pointer === null ? null : await this.#states.metadata(pointer);
    const visible = root === null ? ((await catalog.load(table))?.metadata ?? null) : null;
    const free = await this.#freeLocation(table);
    const next = followRoot({ root, visible }, schema, { replace, location: () => free });
    return this.#states.write(next, pointer);
  }

  async #freeLocation(table: TableName): Promise<string> {
    const { storage, warehouse, catalog } = this.#options;
    const taken = (await catalog.tables()).map((one) => one.metadataLocation);
    return freeTableLocation(storage, warehouse, table, taken);
  }

  async #root(table: TableName): Promise<TableMetadata> {
    const pointer = await this.#states.pointer(rootOf(table));
    if (pointer === null)
      throw new SluiceError('TABLE_SCHEMA', `The merged table ${tableText(table)} has lost its root.`);
    return this.#states.metadata(pointer);
  }

  async stageEmpty(table: TableName, schema: TableSchema): Promise<Staged> {
    const { catalog } = this.#options;
    if (table.shard !== undefined) {
      const root = await this.#root(table);
      return this.#states.write({ ...root, 'metadata-log': [] }, null);
    }
    const visible = await catalog.load(table);
    if (visible === null) {
      const location = await this.#freeLocation(table);
      return this.#states.write(newTable(schema, location, Date.now()), null);
    }
    if (columnMapOf(visible.metadata) === null)
      throw new SluiceError(
        'TABLE_NAME_TAKEN',
        `The lake has a table ${tableText(table)} that Sluice did not make; it is not overwritten.`,
        {
          remedy:
            'Rename or drop that table, or change the naming rule of the target; then start the task again.',
        },
      );
    const metadata = followSchema(emptied(visible.metadata), schema, Date.now(), { replace: true });
    return this.#states.write(metadata, null);
  }

  async loadChunk(
    base: Base & { kind: 'staged' },
    chunk: Chunk,
    table: TableName,
    signal: AbortSignal,
  ): Promise<LoadedChunk> {
    const { storage, engine, rules, targetBytes, keyLimit } = this.#options;
    const metadata = await this.#states.metadata(base.location);
    return withSql(engine, signal, (sql) =>
      loadChunk(sql, storage, metadata, table, chunk, { rules, targetBytes, keyLimit: keyLimit() }, signal),
    );
  }

  async stageLoaded(
    _table: TableName,
    base: Base & { kind: 'staged' },
    files: readonly string[],
    position: string,
  ): Promise<Staged> {
    const metadata = await this.#states.metadata(base.location);
    const next = await writeSnapshot(this.#options.storage, metadata, {
      add: files.flatMap(parseFiles),
      remove: new Set(),
      replaceAll: true,
      operation: 'overwrite',
      summary: { 'sluice.position': position },
    });
    return this.#states.write(next, base.location);
  }

  async stageChanges(table: TableName, base: Base, batch: ChangeBatch, signal: AbortSignal): Promise<Staged> {
    const { storage, engine, rules, targetBytes, keyLimit, heldKeys, scratchFolder, upkeep } = this.#options;
    const from = base.kind === 'staged' ? base.location : await this.#states.pointer(table);
    if (from === null)
      throw new SluiceError('TABLE_SCHEMA', `The table ${tableText(table)} is no longer in the catalog.`);
    const before = await this.#states.metadata(from);
    // What maintenance has prepared meanwhile goes along with the first step that is made.
    const maintained = base.kind === 'visible' ? await upkeep.finish(table, before) : before;
    const kept = table.shard === undefined ? maintained : underRoot(maintained, await this.#root(table));
    if (batch.parts.length === 0) {
      const followed = followSchema(kept, batch.schema, Date.now(), { replace: false });
      return followed === before ? { location: from, ...NOTHING } : this.#states.write(followed, from);
    }
    const scratch: string[] = [];
    const files = new DeferredStorage(storage);
    try {
      const applied = await withSql(engine, signal, (sql) =>
        applyChanges(
          sql,
          files,
          kept,
          batch,
          {
            rules,
            targetBytes,
            keyLimit: keyLimit(),
            heldKeys,
            scratch: async (lines) => {
              const file = join(scratchFolder, `${randomUUID()}.csv`);
              scratch.push(file);
              await writeFile(file, lines);
              return file;
            },
          },
          signal,
        ),
      );
      if (applied.metadata === before) return { location: from, ...applied };
      const { metadata } = applied;
      const state = table.shard === undefined ? metadata : withoutHistory(metadata);
      const staged = await this.#states.write(state, from, applied, files);
      await files.settle();
      return staged;
    } finally {
      await Promise.all(scratch.map((file) => rm(file, { force: true })));
    }
  }

  async writeSegment(
    parts: readonly ChangePart[],
    file: string,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }> {
    const { engine, storage } = this.#options;
    await withSql(engine, signal, (sql) =>
      sql.run(
        `COPY (${parts.map(rawPart).join(' UNION ALL ')}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
      ),
    );
    await storage.sync([storage.location(file)]);
    return { bytes: (await stat(file)).size };
  }

  async cascadeLines(request: CascadeRequest, signal: AbortSignal): Promise<CascadePart | null> {
    return withSql(this.#options.engine, signal, (sql) => writeCascadeLines(sql, request));
  }

  async backfillLines(
    base: Base & { kind: 'staged' },
    request: BackfillRequest,
    signal: AbortSignal,
  ): Promise<BackfillLines> {
    const metadata = await this.#states.metadata(base.location);
    return withSql(this.#options.engine, signal, (sql) =>
      writeBackfillLines(sql, this.#options.storage, metadata, request),
    );
  }

  async keyConflicts(
    steps: readonly TableStep[],
    merges: readonly KeyedMerge[],
    signal: AbortSignal,
  ): Promise<readonly RefusedLine[]> {
    const refused: RefusedLine[] = [];
    for (const { table, key } of merges) {
      const own = steps.filter((step) => isLineOf(step.table, table));
      if (own.length === 0) continue;
      const root = await this.#root(table);
      const before = new Map<string, TableMetadata>();
      for (const { name, metadataLocation } of await this.#options.catalog.lines(table))
        if (name.shard !== ROOT) before.set(name.shard ?? '', await this.#states.metadata(metadataLocation));
      const after = new Map<string, TableMetadata>();
      for (const { table: line, staged } of own)
        after.set(line.shard ?? '', await this.#states.metadata(staged.location));
      const conflicts = await lineConflicts(before, after, (change, others) =>
        withSql(this.#options.engine, signal, (sql) =>
          findKeyConflict(sql, this.#options.storage, root, key, change, others),
        ),
      );
      for (const { table: line } of own) {
        const conflict = conflicts.get(line.shard ?? '');
        if (conflict === undefined) continue;
        refused.push({
          line,
          error: new SluiceError(
            'TABLE_KEY_CONFLICT',
            `The key (${conflict.key}) of ${line.shard} is also one of ${conflict.shard}; ${tableText(table)} can have it once.`,
          ),
        });
      }
    }
    return refused;
  }

  async commit(
    steps: readonly TableStep[],
    also: (transaction: MetastoreTransaction) => Promise<void>,
    merged: readonly MergedStep[] = [],
  ): Promise<void> {
    const { metastore, upkeep } = this.#options;
    const moves: PointerMove[] = [];
    for (const step of steps) moves.push(await this.#move(step));
    for (const step of merged) {
      const move = await this.#compose(step, moves);
      if (move !== null) moves.push(move);
    }
    const real = moves.filter((move) => move.from !== move.to);
    try {
      await metastore.transaction().execute(async (transaction) => {
        await commitWithin(transaction, real);
        await also(transaction);
      });
    } catch (error) {
      this.#states.forgetPointers();
      throw error;
    }
    for (const move of real) {
      const before = this.#states.moved(move.name, move.from, move.to);
      const metadata = await this.#states.metadata(move.to);
      if (before !== null) await this.#forgetOldFiles(move.name, before, metadata);
      if (move.name.shard === ROOT) continue;
      const whole = merged.some(({ table }) => tableKey(table) === tableKey(move.name));
      upkeep.committed(move.name, metadata, whole ? 'merged' : 'alone');
    }
  }

  /** @returns null where the table shows already what its lines hold */
  async #compose(step: MergedStep, moves: readonly PointerMove[]): Promise<PointerMove | null> {
    const { storage, catalog, upkeep } = this.#options;
    const at = new Map<string, string>();
    for (const { name, metadataLocation } of await catalog.lines(step.table))
      if (name.shard !== ROOT) at.set(tableKey(name), metadataLocation);
    const moved = moves.filter((move) => isLineOf(move.name, step.table) && move.from !== move.to);
    for (const move of moved) at.set(tableKey(move.name), move.to);
    const root = await this.#root(step.table);
    const from = await this.#states.pointer(step.table);
    const visible = from === null ? null : await this.#states.metadata(from);
    const shown = visible?.snapshots.at(-1)?.summary['sluice.lines'] !== undefined;
    if (at.size === 0 || (moved.length === 0 && visible !== null && shown && hasSchemaOf(visible, root)))
      return null;
    const lines: TableMetadata[] = [];
    for (const location of at.values()) lines.push(await this.#states.metadata(location));
    const composed = await compose(storage, visible, root, lines, step.position);
    const next = await upkeep.finish(step.table, composed);
    const log = from === null ? { ...next, 'metadata-log': [] } : next;
    const written = await this.#states.write(log, from);
    return { name: step.table, from, to: written.location, uuid: composed['table-uuid'] };
  }

  /** Metadata files that the table's log no longer names; other writers' keep to the same rule (write.metadata.previous-versions-max). */
  async #forgetOldFiles(name: TableName, before: TableMetadata, now: TableMetadata): Promise<void> {
    const named = new Set(now['metadata-log'].map((entry) => entry['metadata-file']));
    const gone = before['metadata-log']
      .map((entry) => entry['metadata-file'])
      .filter((file) => !named.has(file) && file.startsWith(`${now.location}/metadata/`));
    if (name.shard !== undefined) gone.push(...listsLeft(before, now));
    if (gone.length > 0) await this.#options.storage.remove(gone);
  }

  besideBacklog(isSo: boolean): void {
    this.#options.upkeep.besideBacklog(isSo);
  }

  upkeepWaits(): boolean {
    return this.#options.upkeep.ready().length > 0;
  }

  async stageUpkeep(busy: readonly TableName[]): Promise<readonly TableStep[]> {
    const { upkeep } = this.#options;
    const taken = new Set(busy.map(tableKey));
    const steps: TableStep[] = [];
    for (const table of upkeep.ready()) {
      if (taken.has(tableKey(table))) continue;
      const from = await this.#states.pointer(table);
      if (from === null) continue;
      const before = await this.#states.metadata(from);
      const finished = await upkeep.finish(table, before);
      const after = table.shard === undefined ? finished : withoutHistory(finished);
      if (after !== before)
        steps.push({ table, staged: await this.#states.write(after, from), kind: 'advance' });
    }
    return steps;
  }

  async #move(step: TableStep): Promise<PointerMove> {
    const staged = await this.#states.metadata(step.staged.location);
    const from = await this.#states.pointer(step.table);
    if (step.kind === 'advance')
      return {
        name: step.table,
        // The transaction finds out whether it still stands there.
        from: this.#states.baseOf(step.staged.location) ?? from,
        to: step.staged.location,
        uuid: staged['table-uuid'],
      };
    const { storage } = this.#options;
    if (from === null) {
      // The states that led here were of no position of the source; no reader is to see them, not even as history.
      const old = staged.snapshots.filter(
        (snapshot) => snapshot['snapshot-id'] !== staged['current-snapshot-id'],
      );
      const clean = removeSnapshots(staged, new Set(old.map((snapshot) => snapshot['snapshot-id'])));
      const written = await this.#states.write({ ...clean, 'metadata-log': [] }, null);
      return { name: step.table, from: null, to: written.location, uuid: staged['table-uuid'] };
    }
    // Nothing came while a state beside it went on from it.
    if (step.staged.location === from)
      return { name: step.table, from, to: from, uuid: staged['table-uuid'] };
    const visible = await this.#states.metadata(from);
    const summary = staged.snapshots.at(-1)?.summary['sluice.position'];
    const adopted = await adoptSnapshot(
      storage,
      visible,
      staged,
      summary === undefined ? {} : { 'sluice.position': summary },
    );
    // Which field is which column of the source stands in the properties, and goes with the schema.
    const properties = { ...adopted.properties, ...staged.properties };
    const whole = { ...adopted, properties };
    const next = step.table.shard === undefined ? whole : withoutHistory(whole);
    const written = await this.#states.write(next, from);
    return { name: step.table, from, to: written.location, uuid: adopted['table-uuid'] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#states.clear();
    await this.#options.upkeep.stop();
  }
}
