import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { SluiceError } from '@sluice/contract';
import { nextLaneState } from '../model/lane-state.ts';
import { type TableName, tableText } from '../model/table.ts';
import type { DiscoveredTable, TableSnapshot } from '../sources/source.ts';
import { cascadeTrouble, type LanesByObject, lacksParents } from './cascades.ts';
import { type ChunkRow, readChunks, writeChunks } from './chunk-rows.ts';
import { sameIdentity, sameShape } from './evolution.ts';
import type { Lane, Load } from './lane.ts';
import type { RunContext } from './run-context.ts';
import { keptOf } from './schema-follow.ts';
import { ofSource, targetOfLoad, targetUntilLoad } from './schema-verdict.ts';
import { dropSegmentsBefore } from './segment-rows.ts';

const SETTLE_MS = 1000;

/** A load whose snapshot is taken and whose chunks are planned. */
export interface OpenedLoad {
  readonly generation: number;
  /** The caller's to dispose. */
  readonly snapshot: TableSnapshot;
  readonly chunks: readonly ChunkRow[];
}

/** A table as a load is of it. */
export interface LoadedTable extends Pick<DiscoveredTable, 'schema' | 'storage'> {
  /** Lane.ddlRead then. */
  readonly ddlRead: number;
}

/** One life of a lane, and what its load is of; null: nothing was found yet, or the load was given up. */
export interface LoadOf {
  readonly lane: Lane;
  readonly generation: number;
  readonly of: () => LoadedTable | null;
}

/** What the chunks of a lane's load are of, which follows what the log tells of the table. */
export function plannedFor({ kept, load, ddlRead }: Lane): LoadedTable | null {
  return load === null ? null : { schema: kept.schema, storage: load.storage, ddlRead };
}

/**
 * Begins a table's load, or goes on with one that was interrupted.
 * @param lanes all of the run, as they are when it is asked
 * @param onFound is told what the load would be of, before anything is done with it
 * @returns null where the lane is not to be loaded now, or no more
 * @throws SluiceError TABLE_DROPPED, or why the table cannot be mirrored; SOURCE_*
 */
export async function openLoad(
  context: RunContext,
  lanes: () => LanesByObject,
  lane: Lane,
  onFound: (table: LoadedTable) => void,
  signal: AbortSignal,
): Promise<OpenedLoad | null> {
  for (;;) {
    const { generation, ddlRead } = lane;
    const table = await describeTable(context, lanes(), lane, signal);
    // Read by the log's reader while the catalog was: the description is not of the reader's place.
    if (lane.ddlRead !== ddlRead) continue;
    onFound({ schema: table.schema, storage: table.storage, ddlRead });
    if (lacksParents(lane, lanes())) return null;
    if (lane.state === 'loading' && !resumable(lane, table))
      lane.anew ??= { reason: whyNotResumed(table), by: null };
    arm(context, lane, table);
    const snapshot = await takeSnapshot(context, lane, table, signal);
    let opened = false;
    try {
      // DDL between the two looks would have the snapshot's rows under another schema.
      const again = await describeTable(context, lanes(), lane, signal);
      const same = sameShape(table.schema, again.schema) && table.storage === again.storage;
      const chunks =
        same && lane.ddlRead === ddlRead
          ? await planChunks(context, lane, generation, table, snapshot)
          : null;
      if (chunks !== null && lane.generation === generation) {
        opened = true;
        return { generation, snapshot, chunks };
      }
    } finally {
      if (!opened) await snapshot[Symbol.asyncDispose]();
    }
    signal.throwIfAborted();
    if (lane.state !== 'pending' && lane.state !== 'loading') return null;
  }
}

/**
 * Where the log tells DDL, a lane begins to keep lines here, under the schema that the table has at the place that
 * is read; whatever lies before is visible to the snapshot that is taken next (Source.snapshot).
 */
function arm({ source, router }: RunContext, lane: Lane, table: DiscoveredTable): void {
  if (source.ddl === 'catalog' || resumable(lane, table)) return;
  if (!sameShape(lane.kept.schema, table.schema)) lane.schemaVersion++;
  lane.kept = { ...keptOf(table, null), ...targetUntilLoad(lane) };
  // Chunks of an earlier attempt, of a table that has changed since.
  if (lane.state === 'loading') lane.state = nextLaneState(lane.state, 'reload');
  lane.load = null;
  const read = router.readOf(lane);
  lane.armedAt = read.nextOrd;
  lane.cascadesFrom = lane.armedAt;
  lane.keptFrom = read.position;
  router.refresh();
}

async function takeSnapshot(
  { source, log }: RunContext,
  lane: Lane,
  table: DiscoveredTable,
  signal: AbortSignal,
): Promise<TableSnapshot> {
  const take = (): Promise<TableSnapshot> => source.snapshot(table.schema, signal);
  const first = await take();
  if (!lane.settle || first.visibility.kind !== 'xid') return first;
  const horizon = BigInt(first.visibility.xmax);
  for (let snapshot = first; ; snapshot = await take()) {
    if (snapshot.visibility.kind !== 'xid' || BigInt(snapshot.visibility.xmin) >= horizon) {
      lane.settle = false;
      return snapshot;
    }
    await snapshot[Symbol.asyncDispose]();
    log.info(
      { table: tableText(lane.source) },
      'the full load waits for transactions at the source that are still open',
    );
    await pause(SETTLE_MS, undefined, { signal });
  }
}

/** @throws SluiceError TABLE_DROPPED, or why the table cannot be mirrored */
async function describeTable(
  { source }: RunContext,
  lanes: LanesByObject,
  lane: Lane,
  signal: AbortSignal,
): Promise<DiscoveredTable> {
  const find = async (tables: readonly TableName[]): Promise<DiscoveredTable | undefined> =>
    (await source.discover({ schemas: [], tables }, signal)).find((one) => one.objectId === lane.objectId);
  // It may have been renamed since the last look at all tables.
  const table = (await find([lane.source])) ?? (await find([]));
  if (table === undefined)
    throw new SluiceError('TABLE_DROPPED', `The table ${tableText(lane.source)} is gone at the source.`);
  if (table.refused !== null)
    throw new SluiceError(table.refused.code, table.refused.message, { remedy: table.refused.remedy });
  const trouble = cascadeTrouble(table.schema, lanes);
  if (trouble !== null) throw trouble;
  return table;
}

/** Whether the table is another one than the load is of: only then can another go come to something else. */
export async function changedSince(
  context: RunContext,
  lanes: LanesByObject,
  { lane, of }: LoadOf,
  signal: AbortSignal,
): Promise<boolean> {
  if (of() === null) return false;
  try {
    const now = await describeTable(context, lanes, lane, signal);
    const then = of();
    if (then === null) return false;
    const isSame = sameShape(then.schema, now.schema) && then.storage === now.storage;
    return !isSame || then.ddlRead !== lane.ddlRead;
  } catch (error) {
    if (SluiceError.from(error).rule.scope !== 'table') throw error;
    return true;
  }
}

/**
 * Goes on with the chunks of an earlier attempt where the table is still what they were planned for; otherwise
 * plans anew. A table without a key is read in one snapshot or not at all.
 */
async function planChunks(
  context: RunContext,
  lane: Lane,
  generation: number,
  table: DiscoveredTable,
  snapshot: TableSnapshot,
): Promise<readonly ChunkRow[] | null> {
  const { store, target, work } = context;
  const load = lane.load;
  if (load !== null && resumable(lane, table)) {
    const chunks = await readChunks(store.db, lane.id);
    if (chunks.length === 0) {
      // Nothing tells which rows are there: planned anew.
      if (lane.generation === generation) lane.load = null;
      return null;
    }
    const goesOn = await store.writeIf(
      () => lane.generation === generation,
      async (transaction) => {
        lane.load = { ...load, oneSnapshot: false };
        await store.saveLane(transaction, lane);
      },
    );
    return goesOn ? chunks : null;
  }
  if (!sameIdentity(lane.kept.schema, table.schema)) {
    // Lines read until now recognise rows by another key: this snapshot may be too old to have them all.
    lane.kept = { ...keptOf(table, null), ...targetUntilLoad(lane) };
    lane.schemaVersion++;
    lane.settle = true;
    context.router.refresh();
    return null;
  }
  await context.merges?.follow(lane, table.schema, true);
  const ranges = await snapshot.plan(work.parameters.chunkSize);
  const into = targetOfLoad(context, lane, table.schema);
  const staged = await target.stageEmpty(lane.target, into.target ?? table.schema);
  const fresh: Load = {
    staged: staged.location,
    visibility: snapshot.visibility,
    storage: table.storage,
    consistentFrom: null,
    takenAt: String(snapshot.takenAt),
    oneSnapshot: snapshot.visibility.kind !== 'none',
    keptFrom: lane.keptFrom,
  };
  let stale: readonly string[] = [];
  const planned = await store.writeIf(
    () => lane.generation === generation,
    async (transaction) => {
      lane.state = nextLaneState(lane.state, 'load');
      if (!sameShape(lane.kept.schema, table.schema)) {
        lane.kept = { ...keptOf(table, null), ...into };
        lane.schemaVersion++;
      } else {
        const { storage, columnVersions, pieces } = table;
        lane.kept = { ...ofSource(lane.kept), ...into, storage, columnVersions, pieces };
      }
      lane.load = fresh;
      lane.rowsLoaded = 0;
      lane.nulledValues = 0;
      lane.rowsEstimated = table.estimatedRows;
      await store.saveLane(transaction, lane);
      if (lane.armedAt !== null) stale = await dropSegmentsBefore(transaction, lane.id, lane.armedAt);
      await writeChunks(transaction, lane.id, ranges);
    },
  );
  if (!planned) return null;
  await Promise.all(stale.map((path) => rm(path, { force: true })));
  return ranges.map((range, number) => ({ number, range, files: null }));
}

/** Whether the chunks of an earlier attempt are still the table's. */
function resumable(lane: Lane, table: DiscoveredTable): boolean {
  return (
    lane.state === 'loading' &&
    lane.load !== null &&
    lane.load.storage === table.storage &&
    sameShape(lane.kept.schema, table.schema) &&
    table.schema.identity.kind === 'key'
  );
}

function whyNotResumed(table: DiscoveredTable): string {
  return table.schema.identity.kind === 'row'
    ? 'its load was interrupted, and without a key it is read in one go'
    : 'its load was interrupted, and it changed at the source since';
}
