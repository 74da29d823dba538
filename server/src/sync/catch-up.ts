import { rm } from 'node:fs/promises';
import { tableText } from '../model/table.ts';
import type { Position } from '../sources/source.ts';
import type { ChangePart, TableStep } from '../targets/target.ts';
import type { Lane } from './lane.ts';
import { batchOf, type LaneLines, partsOf, stagedBase } from './lane-batch.ts';
import type { RunContext } from './run-context.ts';
import { dropSegments, readSegments, type SegmentRow } from './segment-rows.ts';

/** With no more lines than this left, a lane joins the commit: they are applied within it. */
const JOIN_ROWS = 50_000;
/** Lines that are applied in one go beside the commits. */
const DRAIN_ROWS = 2_000_000;

/** What joining comes to; without a table step the staged state has come further, and the table is not visible yet. */
export interface Join {
  readonly step: TableStep | null;
  /** Segments up to this id are in the staged state now. */
  readonly usedSegments: number | null;
  readonly becomes: Partial<
    Pick<
      Lane,
      'state' | 'load' | 'exact' | 'readPosition' | 'rowsApplied' | 'nulledValues' | 'source' | 'objectId'
    >
  >;
}

/** Whether the next commit is to look if the lane can join, even if it has no changes. */
export function joinStepDue(lane: Lane): boolean {
  return lane.state === 'catching_up' && !lane.draining;
}

/**
 * The step that makes a loaded table visible: the segments that are left and the commit's own changes are applied to
 * its staged state, which thereby stands at the commit's position, as all other tables of the task do.
 * @returns null where too much is left; then the changes go to a segment once more
 */
export async function joinStep(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
): Promise<Join | null> {
  const segments = await readSegments(context.store.db, lane.id);
  if (segments.reduce((sum, segment) => sum + segment.rows, 0) > JOIN_ROWS) return null;
  const parts = [...(await segmentParts(context, lane, segments)), ...partsOf(lines)];
  const load = lane.load;
  // Sent back to the queue of loads while this was asked.
  if (load === null) return null;
  const usedSegments = segments.at(-1)?.id ?? null;
  // Without a line too: a change of the schema may be all that came since the load.
  const staged = await context.target.stageChanges(
    lane.target,
    stagedBase(lane),
    batchOf(context, lane, parts, position),
    context.signal,
  );
  const nulledValues = lane.nulledValues + staged.nulledValues;
  const rowsApplied = lane.rowsApplied + parts.reduce((sum, part) => sum + part.rows, 0);
  const consistentFrom = staged.fetched
    ? await context.source.head(context.signal)
    : (load.consistentFrom ?? position);
  if (staged.fetched || context.source.compare(position, consistentFrom) < 0)
    return {
      step: null,
      usedSegments,
      becomes: { rowsApplied, nulledValues, load: { ...load, staged: staged.location, consistentFrom } },
    };
  return {
    step: { table: lane.target, staged, kind: 'replace' },
    usedSegments,
    becomes: {
      state: 'live',
      load: null,
      exact: load.fromVisible?.exact ?? !context.work.inexact,
      rowsApplied,
      nulledValues,
      readPosition: position,
    },
  };
}

export async function segmentParts(
  context: RunContext,
  lane: Lane,
  segments: readonly SegmentRow[],
): Promise<readonly ChangePart[]> {
  // Of a table that was paused for long there are very many.
  const runs: { version: number; files: string[]; rows: number }[] = [];
  for (const { schemaVersion: version, path, rows } of segments) {
    const run = runs.at(-1);
    if (run?.version === version) {
      run.files.push(path);
      run.rows += rows;
    } else runs.push({ version, files: [path], rows });
  }
  const parts: ChangePart[] = [];
  for (const { version, files, rows } of runs) {
    const kept = await context.store.schema(lane.id, version);
    parts.push({
      format: 'parquet',
      files,
      columns: kept.schema.columns,
      rows,
      longestLine: 0,
      masked: true,
      lossy: true,
      unseen: false,
      truncates: true,
    });
  }
  return parts;
}

/**
 * Applies a lane's segments to its staged state until few enough are left to join a commit. Each go is recorded, so
 * that a restart goes on behind it.
 */
export async function drain(context: RunContext, lane: Lane): Promise<void> {
  const generation = lane.generation;
  lane.draining = true;
  try {
    for (;;) {
      const all = await readSegments(context.store.db, lane.id);
      if (all.reduce((sum, segment) => sum + segment.rows, 0) <= JOIN_ROWS) return;
      const some = firstSegments(all);
      const load = lane.load;
      if (lane.generation !== generation || load === null) return;
      const last = some.at(-1)!;
      const staged = await context.target.stageChanges(
        lane.target,
        stagedBase(lane),
        batchOf(context, lane, await segmentParts(context, lane, some), last.endPosition),
        context.signal,
      );
      const consistentFrom = staged.fetched ? await context.source.head(context.signal) : load.consistentFrom;
      const recorded = await context.store.writeIf(
        () => lane.generation === generation,
        async (transaction) => {
          lane.load = { ...load, staged: staged.location, consistentFrom };
          lane.nulledValues += staged.nulledValues;
          lane.rowsApplied += some.reduce((sum, segment) => sum + segment.rows, 0);
          await context.store.saveLane(transaction, lane);
          await dropSegments(transaction, lane.id, last.id);
        },
      );
      if (!recorded) return;
      await Promise.all(some.map((segment) => rm(segment.path, { force: true })));
      context.log.info({ table: tableText(lane.source), segments: some.length }, 'segments applied');
    }
  } finally {
    lane.draining = false;
  }
}

function firstSegments(segments: readonly SegmentRow[]): readonly SegmentRow[] {
  let rows = 0;
  const cut = segments.findIndex((segment) => {
    rows += segment.rows;
    return rows > DRAIN_ROWS;
  });
  return cut < 0 ? segments : segments.slice(0, Math.max(1, cut));
}
