import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SluiceError } from '@sluice/contract';
import { nextLaneState } from '../model/lane-state.ts';
import { tableText } from '../model/table.ts';
import type { ChangePart } from '../targets/target.ts';
import { sameShape } from './evolution.ts';
import type { Lane, Load } from './lane.ts';
import { batchOf, besideVisible, stagedBase } from './lane-batch.ts';
import { type LaneStep, recorded } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';

/** Between two looks whether the log has been read as far as the source's catalog is. */
const SCHEMA_MS = 500;

type Filtered = Load & {
  readonly fromVisible: { readonly kind: 'backfill'; readonly filter: string; readonly exact: boolean };
};

/**
 * Reads the rows that a filter matches again, beside the visible table: into a state that begins with what is visible,
 * in which these rows, and no others, are as the source has them now. Its changes since it began wait in segments and
 * are applied to that state, as to any load; the table is right from the end of the source's log on that was reached
 * when the last row was read, and visible, in one commit, not before.
 *
 * A trouble of the table gives the backfill up: the segments are applied to what is visible, and the table goes on.
 * A restart begins the reading anew.
 */
export async function backfill(
  context: RunContext,
  lane: Lane,
  handIn: (step: LaneStep) => void,
): Promise<void> {
  const { signal, log, store } = context;
  // Whatever ends the backfill early gives the lane another load, or none.
  const load = filterOf(lane);
  const table = tableText(lane.source);
  try {
    log.info({ table, filter: load.fromVisible.filter }, 'a backfill begins');
    for (;;) {
      const version = lane.schemaVersion;
      if (!(await schemaIsNow(context, lane, load))) return;
      const read = await readRows(context, lane);
      // What was read is under a schema that the lane no longer has.
      if (lane.load !== load) return;
      if (lane.schemaVersion !== version) continue;
      const recorded = await store.writeIf(
        () => lane.load === load,
        async (transaction) => {
          lane.state = nextLaneState(lane.state, 'loaded');
          lane.load = read.load;
          lane.nulledValues += read.nulledValues;
          await store.saveLane(transaction, lane);
        },
      );
      if (!recorded) return;
      log.info({ table, rows: read.rows, deleted: read.gone }, 'a backfill is read');
      return;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (lane.load !== load) return;
    const trouble = SluiceError.from(error);
    if (trouble.rule.retry === 'always' || trouble.code === 'INTERNAL' || trouble.code === 'FENCED')
      throw error;
    await giveUp(context, lane, trouble, handIn);
  }
}

function filterOf(lane: Lane): Filtered {
  const { load } = lane;
  if (load?.fromVisible?.kind !== 'backfill') throw new Error('a lane that backfills nothing');
  return load as Filtered;
}

async function giveUp(
  context: RunContext,
  lane: Lane,
  cause: SluiceError,
  handIn: (step: LaneStep) => void,
): Promise<void> {
  const load = filterOf(lane);
  const error = new SluiceError(
    'TABLE_BACKFILL',
    `The backfill of ${tableText(lane.source)} was given up, and the table goes on as before it: ${cause.message}`,
  );
  context.log.warn(
    { table: tableText(lane.source), code: cause.code, cause: cause.message },
    'a backfill is given up',
  );
  lane.state = nextLaneState(lane.state, 'cancel');
  lane.load = besideVisible(load.staged, { kind: 'replay', exact: load.fromVisible.exact });
  handIn({ ...recorded(lane), error: error.toBody().error });
}

/** Waits until the lane's schema is that of the source's catalog. @returns false where the lane does something else meanwhile */
async function schemaIsNow(context: RunContext, lane: Lane, load: Load): Promise<boolean> {
  const { source, signal } = context;
  for (;;) {
    const found = await source.discover({ schemas: [], tables: [lane.source] }, signal);
    if (lane.load !== load) return false;
    const now = found.find((one) => one.objectId === lane.objectId);
    if (now !== undefined && sameShape(now.schema, lane.kept.schema)) return true;
    await source.mark('backfill', signal);
    await pause(SCHEMA_MS, undefined, { signal });
    if (lane.load !== load) return false;
  }
}

async function readRows(
  context: RunContext,
  lane: Lane,
): Promise<{
  readonly load: Load;
  readonly rows: number;
  readonly gone: number;
  readonly nulledValues: number;
}> {
  const { source, target, signal, spoolFolder } = context;
  const load = filterOf(lane);
  const { filter } = load.fromVisible;
  const { columns, identity, name } = lane.kept.schema;
  const view = context.merges?.view(lane);
  const key = identity.kind === 'key' ? identity.columns : [];
  const keyNames = key.map((index) => columns[index]!.name);
  const file = join(spoolFolder, `backfill-${lane.id}-${lane.generation}.csv`);
  const to = join(spoolFolder, `backfill-${lane.id}-${lane.generation}.parquet`);
  try {
    const copied = await copyRows(context, lane, filter, file);
    const lines = await target.backfillLines(
      stagedBase(lane),
      {
        file,
        to,
        filter,
        columns: view?.columns(columns) ?? columns,
        key,
        longestLine: copied.longestLine,
        takenAt: copied.takenAt,
        fetchRows: (keys) => source.fetchRows(name, columns, keyNames, keys, signal),
      },
      signal,
    );
    // Whatever any of these rows shows lies before it.
    const consistentFrom = await source.head(signal);
    const staged = await stage(context, lane, { ...lines.part, columns });
    return {
      load: { ...load, staged: staged.location, consistentFrom },
      rows: copied.rows,
      gone: lines.gone,
      nulledValues: staged.nulledValues,
    };
  } finally {
    await Promise.all([rm(file, { force: true }), rm(to, { force: true })]);
  }
}

function stage(
  context: RunContext,
  lane: Lane,
  part: ChangePart,
): Promise<{ readonly location: string; readonly nulledValues: number }> {
  const { target, router, signal } = context;
  if (part.rows === 0) return Promise.resolve({ location: stagedBase(lane).location, nulledValues: 0 });
  return target.stageChanges(
    lane.target,
    stagedBase(lane),
    batchOf(context, lane, [part], router.position),
    signal,
  );
}

async function copyRows(
  { source, signal }: RunContext,
  lane: Lane,
  filter: string,
  file: string,
): Promise<{ readonly rows: number; readonly longestLine: number; readonly takenAt: bigint }> {
  await using snapshot = await source.snapshot(lane.kept.schema, signal);
  const handle = await open(file, 'w');
  try {
    const copied = await snapshot.copyMatching(filter, (lines) => handle.writeFile(lines), signal);
    return { ...copied, takenAt: snapshot.takenAt };
  } finally {
    await handle.close();
  }
}
