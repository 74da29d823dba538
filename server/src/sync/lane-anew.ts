import { tableText } from '../model/table.ts';
import type { Position } from '../sources/source.ts';
import { sameIdentity } from './evolution.ts';
import type { KeptSchema, Lane } from './lane.ts';
import { NO_CASCADES } from './lane-batch.ts';
import { toSegments } from './lane-segments.ts';
import { type LaneStep, lapsed, resetForLoad } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import type { SpoolPart } from './spool.ts';

/** The table is loaded anew; the load begins behind the log's place of now, so nothing of before is kept for it. */
export function sendBack(context: RunContext, lane: Lane, step: LaneStep, reason: string): LaneStep {
  context.log.warn({ table: tableText(lane.source), reason }, 'a table is loaded anew');
  resetForLoad(lane, null, reason);
  return { ...step, ...whileAway(lane, reason), sentBack: true };
}

/** A table that somebody has paused is loaded when it is resumed, not before. */
function whileAway(lane: Lane, reason: string): Pick<LaneStep, 'error' | 'usedSegments'> | object {
  if (lane.state !== 'lapsed') return {};
  return { error: lapsed(lane, reason).toBody().error, usedSegments: Number.MAX_SAFE_INTEGER };
}

/** The table goes back to the queue of loads; what was read under the new schema waits in segments for it. */
export async function startOver(
  context: RunContext,
  lane: Lane,
  { kept, reason }: { readonly kept: KeptSchema | null; readonly reason: string },
  step: LaneStep,
  rest: readonly SpoolPart[],
  position: Position,
): Promise<LaneStep> {
  // Lines that recognise rows by another key are of no use; the snapshot has to have them all.
  if (kept !== null && !sameIdentity(lane.kept.schema, kept.schema)) lane.settle = true;
  resetForLoad(lane, kept, reason);
  context.router.refresh();
  // Lines that no schema is known for cannot be kept. They are in the snapshot that will be taken: see Lane.settle.
  const described = kept === null ? [] : rest.filter((part) => matches(part, kept));
  if (described.length < rest.length) lane.settle = true;
  const segments = await toSegments(
    context,
    lane,
    {
      ...NO_CASCADES,
      settled: described.map((part) => ({ part, kept: lane.kept, version: lane.schemaVersion })),
    },
    position,
  );
  return {
    ...step,
    segments: [...step.segments, ...segments],
    ...whileAway(lane, 'its columns changed so that it has to be loaded anew'),
    sentBack: true,
  };
}

function matches(part: SpoolPart, kept: KeptSchema): boolean {
  const names = kept.schema.columns.map((column) => column.name).join('\0');
  return part.relation.columns.map((column) => column.name).join('\0') === names;
}
