import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';
import { tableText } from '../model/table.ts';
import type { Position } from '../sources/source.ts';
import type { CascadePart, Staged } from '../targets/target.ts';
import { linesFor, ownReferences } from './cascades.ts';
import { joinStep } from './catch-up.ts';
import type { Lane } from './lane.ts';
import { sendBack } from './lane-anew.ts';
import { batchOf, isEmpty, type LaneLines, partsOf } from './lane-batch.ts';
import { toSegments } from './lane-segments.ts';
import { blocked, canStall, type LaneStep, NOTHING, stall, stopped } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import { heldTo, ofSource, stillRefused, takesOver, verdictNow } from './schema-verdict.ts';

/**
 * Brings a lane on by what was read of it: a step of the visible table, segments where it is not visible yet, or the step that
 * makes it so. What the table's foreign keys to itself did unseen lies among the cascades of a commit as well.
 */
export async function advance(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
  schemaOnly = false,
): Promise<LaneStep> {
  const own: CascadePart[] = [];
  const told = partsOf({ ...lines, cascades: [] });
  try {
    for (const [n, reference] of ownReferences(lane).entries()) {
      const file = join(context.spoolFolder, `cascade-own-${lane.id}-${n}.parquet`);
      const part = await linesFor(context.target, lane, told, reference, file, context.signal);
      if (part !== null) own.push(part);
    }
    const all = { ...lines, cascades: [...lines.cascades, ...own], cascadesVersion: lane.schemaVersion };
    return await advanceBy(context, lane, own.length === 0 ? lines : all, position, schemaOnly);
  } finally {
    await Promise.all(own.flatMap(({ files }) => files).map((file) => rm(file, { force: true })));
  }
}

async function advanceBy(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
  schemaOnly: boolean,
): Promise<LaneStep> {
  const { settled } = lines;
  const rows = settled.reduce((sum, { part }) => sum + part.rows, 0);
  const base = { ...NOTHING, lane, rows };
  const held = lane.state === 'catching_up' ? await heldBack(context, lane, lines, position) : null;
  if (held !== null) return held;
  if (lane.state === 'catching_up' && !lane.draining) {
    try {
      const join = await joinStep(context, lane, lines, position);
      if (join !== null) return { ...base, ...join };
    } catch (error) {
      context.signal.throwIfAborted();
      return await keep(context, lane, lines, position, error);
    }
  }
  if (isEmpty(lines) && !schemaOnly) return base;
  if (lane.state !== 'live') return { ...base, segments: await toSegments(context, lane, lines, position) };
  const parts = partsOf(lines);
  const batch = batchOf(context, lane, parts, position, lines.tellDeleted);
  let staged: Staged;
  try {
    staged = await context.target.stageChanges(lane.target, { kind: 'visible' }, batch, context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    return await keep(context, lane, lines, position, error);
  }
  lane.nulledValues += staged.nulledValues;
  lane.rowsApplied += rows;
  lane.readPosition = position;
  return {
    ...base,
    step: { table: lane.target, staged, kind: 'advance' },
    told: [...parts.filter((part) => part.unseen), ...staged.deleted],
  };
}

/**
 * Before what was kept is applied to the visible table: may its columns become those of the source?
 * @returns null where the lane goes on
 */
async function heldBack(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
): Promise<LaneStep | null> {
  const verdict = verdictNow(context, lane);
  if (verdict === null) return null;
  const refused = stillRefused(context, lane);
  const anew = takesOver(context, lane);
  if (refused !== null && anew !== null) return blocked(lane, refused);
  if (refused !== null) {
    const segments = await toSegments(context, lane, lines, position);
    return { ...NOTHING, lane, segments, ...stall(lane, undefined, refused) };
  }
  if (anew !== null) return sendBack(context, lane, await closing(context, lane, lines, position), anew);
  lane.kept = verdict.kind === 'held' ? heldTo(lane.kept, lane.kept, true) : ofSource(lane.kept);
  return null;
}

/** Lines that cannot be applied wait in segments, where that can be mended. @throws the error, where it cannot */
async function keep(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
  error: unknown,
): Promise<LaneStep> {
  const trouble = SluiceError.from(error);
  if (!canStall(lane, trouble)) throw error;
  const segments = await toSegments(context, lane, lines, position);
  context.log.warn(
    { table: tableText(lane.source), code: trouble.code, cause: trouble.message },
    'a table is stopped; its changes are kept',
  );
  return { ...stopped(lane, trouble), segments };
}

/** The last step under a schema: a table that is visible gets it, one that is being loaded anyway keeps it for later. */
export async function closing(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
): Promise<LaneStep> {
  if (lane.state === 'live') return advance(context, lane, lines, position);
  return { ...NOTHING, lane, segments: await toSegments(context, lane, lines, position) };
}

/** What a visible table still gets; one that is not visible gets nothing more. */
export async function lastStep(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
): Promise<LaneStep> {
  if (lane.state === 'live') return advance(context, lane, lines, position);
  return { ...NOTHING, lane };
}
