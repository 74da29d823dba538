import { type TableName, tableText } from '../model/table.ts';
import type { Position } from '../sources/source.ts';
import type { KeptSchema, Lane } from './lane.ts';
import { advance, closing, lastStep } from './lane-advance.ts';
import { sendBack } from './lane-anew.ts';
import type { LaneLines } from './lane-batch.ts';
import { blocked, dropped, type LaneStep, stall } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import { followTable, type Refused } from './schema-follow.ts';
import { heldTo } from './schema-verdict.ts';
import { type LaneEventOf, type Outcome, renameOf } from './table-events.ts';

/** What DDL in the log comes to, behind the lines before it. */
export async function conclude(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  outcome: Exclude<Outcome, { kind: 'nothing' }>,
  events: readonly LaneEventOf[],
  position: Position,
): Promise<LaneStep> {
  const name = tableText(lane.source);
  switch (outcome.kind) {
    case 'schema': {
      const before = { kept: lane.kept, version: lane.schemaVersion };
      const follow = followTable(context, lane, outcome.table, outcome.signature);
      if (follow.kind === 'refused') {
        const step = await halt(context, lane, follow, lines, position);
        const rename = renameOf(events);
        return rename === null ? step : renamed(context, lane, step, rename);
      }
      if (follow.kind === 'reload')
        return sendBack(context, lane, await lastStep(context, lane, lines, position), follow.reason);
      const unfit = await unfitForMerge(context, lane, before);
      if (unfit !== null)
        return sendBack(context, lane, await lastStep(context, lane, lines, position), unfit.reason);
      const step = await advance(
        context,
        lane,
        lines,
        position,
        lane.state === 'live' && lane.schemaVersion !== before.version,
      );
      const rename = renameOf(events);
      return rename === null ? step : renamed(context, lane, step, rename);
    }
    case 'gap':
      return sendBack(context, lane, await lastStep(context, lane, lines, position), outcome.reason);
    case 'dropped': {
      const step = await lastStep(context, lane, lines, position);
      context.log.warn({ table: tableText(lane.source) }, 'a table is gone at the source');
      return { ...step, error: dropped(lane, 'was dropped at the source').error, sentBack: true };
    }
    case 'refused':
      return halt(
        context,
        lane,
        {
          kind: 'refused',
          error: outcome.error,
          loads: true,
          kept: heldTo(lane.kept, outcome.kept, false),
        },
        lines,
        position,
      );
    case 'trouble': {
      const step = await lastStep(context, lane, lines, position);
      context.log.warn(
        { table: name, code: outcome.error.code, cause: outcome.error.message },
        'a table is stopped',
      );
      const stopped = blocked(lane, outcome.error);
      return { ...step, error: stopped.error };
    }
  }
}

/**
 * The target may not follow the columns of the lines behind `lines`. Those are kept where they may be applied some day:
 * after a change of the policy, or of the columns back to what they were.
 */
export async function halt(
  context: RunContext,
  lane: Lane,
  { error, loads, kept }: Refused,
  lines: LaneLines,
  position: Position,
): Promise<LaneStep> {
  context.log.warn(
    { table: tableText(lane.source), code: error.code, cause: error.message },
    'a table is stopped',
  );
  const step = loads
    ? await lastStep(context, lane, lines, position)
    : await closing(context, lane, lines, position);
  lane.kept = kept;
  lane.schemaVersion++;
  if (loads) return { ...step, error: blocked(lane, error).error };
  // It is looked at again when what was kept of it is to be applied.
  if (lane.state === 'paused' || lane.state === 'backfilling') return step;
  return { ...step, ...stall(lane, step.error, error) };
}

/**
 * Whether rows of a shard that are in the merged table have to be loaded anew, since its columns are others now. The
 * lane has then the schema of before, for the lines that came under it.
 */
export async function unfitForMerge(
  context: RunContext,
  lane: Lane,
  before: { readonly kept: KeptSchema; readonly version: number },
): Promise<{ readonly reason: string; readonly kept: KeptSchema } | null> {
  const { kept } = lane;
  const reason = (await context.merges?.follow(lane, kept.schema, false)) ?? null;
  if (reason === null) return null;
  lane.kept = before.kept;
  lane.schemaVersion = before.version;
  context.log.warn({ table: tableText(lane.source), reason }, 'a table is loaded anew');
  return { reason, kept };
}

/** The lane goes on under the table's new name. In a merge its rows say where they come from, and are loaded anew. */
export function renamed(
  context: RunContext,
  lane: Lane,
  step: LaneStep,
  rename: { readonly name: TableName; readonly to: string },
): LaneStep {
  const becomes = { ...step.becomes, source: rename.name, objectId: rename.to };
  if (context.merges === null) return { ...step, becomes };
  return sendBack(context, lane, { ...step, becomes }, 'it bears another name');
}
