import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';
import { crashPoint } from '../model/crash-point.ts';
import { appliesNone } from '../model/lane-state.ts';
import { type TableName, tableKey, tableText } from '../model/table.ts';
import type { Position } from '../sources/source.ts';
import type { CascadePart, Staged } from '../targets/target.ts';
import { linesFor, ownReferences } from './cascades.ts';
import { joinStep } from './catch-up.ts';
import { sameIdentity } from './evolution.ts';
import type { KeptSchema, Lane } from './lane.ts';
import {
  batchOf,
  isEmpty,
  type LaneLines,
  NO_CASCADES,
  partsOf,
  type Settled,
  segmentsOf,
} from './lane-batch.ts';
import {
  blocked,
  canStall,
  dropped,
  joined,
  type LaneStep,
  lapsed,
  NOTHING,
  resetForLoad,
  stall,
  stopped,
} from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import type { NewSegment } from './run-store.ts';
import { followRelation, followTable, type Refused } from './schema-follow.ts';
import { heldTo, ofSource, stillRefused, takesOver, verdictNow } from './schema-verdict.ts';
import type { SpoolPart } from './spool.ts';
import { type LaneEventOf, type Outcome, outcomeOf, renameOf } from './table-events.ts';

/** What was read of a lane: lines, and DDL that the log told, all of whose lines lie before a closing one. */
export interface LaneInput {
  readonly parts: readonly SpoolPart[];
  readonly events: readonly LaneEventOf[];
  /** What foreign keys did to its rows unseen, under its schema of version `cascadesVersion`. */
  readonly cascades: readonly CascadePart[];
  readonly cascadesVersion: number;
  /** Why what foreign keys do to its rows is no longer known; null: it is. */
  readonly untold: string | null;
  /** ChangeBatch.tellDeleted */
  readonly tellDeleted: string | null;
}

/**
 * Makes what one lane's whole transactions come to: a step of its table where it is live, segments where it is not
 * yet, and, where its load has caught up, the step that makes it visible.
 * @throws SluiceError of scope `task`; a trouble of the table alone puts the lane on the blocklist instead
 */
export async function makeLaneStep(
  context: RunContext,
  lane: Lane,
  read: LaneInput,
  position: Position,
): Promise<LaneStep> {
  try {
    return await attempt(context, lane, read, position);
  } catch (error) {
    context.signal.throwIfAborted();
    const trouble = SluiceError.from(error);
    if (trouble.code === 'TABLE_CASCADE')
      return sendBack(context, lane, { ...NOTHING, lane }, trouble.message);
    if (trouble.rule.scope !== 'table') throw error;
    context.log.warn(
      { table: tableText(lane.source), code: trouble.code, cause: trouble.message },
      'a table is stopped',
    );
    return stopped(lane, trouble);
  }
}

async function attempt(
  context: RunContext,
  lane: Lane,
  read: LaneInput,
  position: Position,
): Promise<LaneStep> {
  const halts: LaneStep[] = [];
  const last = await attemptBehind(context, lane, read, position, halts);
  return halts.reduceRight((after, before) => joined(before, after), last);
}

/** `halts` are steps up to places where the lane came to a halt, and behind which its lines are kept. */
async function attemptBehind(
  context: RunContext,
  lane: Lane,
  read: LaneInput,
  position: Position,
  halts: LaneStep[],
): Promise<LaneStep> {
  const { parts, events } = read;
  if (read.untold !== null) return sendBack(context, lane, { ...NOTHING, lane }, read.untold);
  let settled: Settled[] = [];
  const { cascades, cascadesVersion, tellDeleted } = read;
  let lines: LaneLines = { settled, cascades, cascadesVersion, tellDeleted };
  const outcome = outcomeOf(events, lane, context.source.compare);
  const own = parts.filter((part) => belongs(context, lane, part));
  for (const [index, part] of own.entries()) {
    if (context.source.ddl === 'catalog' && (await nameTaken(context, lane, part))) {
      const step = await closing(context, lane, lines, position);
      resetForLoad(lane, null, 'another table bears its name now');
      // The next look at the source's catalog gives the target to the table that bears the name; no load before that.
      lane.published = false;
      lane.settle = true;
      context.router.refresh();
      return step;
    }
    const before = { kept: lane.kept, version: lane.schemaVersion };
    const follow = await followRelation(context, lane, part.relation);
    if (follow.kind === 'refused') {
      const step = await halt(context, lane, follow, lines, position);
      if (follow.loads) return step;
      halts.push(step);
      settled = [];
      lines = { ...NO_CASCADES, settled };
      context.router.refresh();
    }
    if (follow.kind === 'reload') {
      if (context.source.ddl === 'log')
        return sendBack(context, lane, await lastStep(context, lane, lines, position), follow.reason);
      context.log.warn({ table: tableText(lane.source), reason: follow.reason }, 'a table is loaded anew');
      const step = await closing(context, lane, lines, position);
      return startOver(context, lane, follow, step, own.slice(index), position);
    }
    if (follow.kind === 'changed') {
      const unfit = await unfitForMerge(context, lane, before);
      if (unfit !== null) {
        if (context.source.ddl === 'log')
          return sendBack(context, lane, await lastStep(context, lane, lines, position), unfit.reason);
        const step = await closing(context, lane, lines, position);
        return startOver(context, lane, unfit, step, own.slice(index), position);
      }
      context.router.refresh();
    }
    checkColumns(lane, part);
    settled.push({ part, kept: lane.kept, version: lane.schemaVersion });
  }
  if (outcome.kind !== 'nothing') return conclude(context, lane, lines, outcome, events, position);
  const rename = renameOf(events);
  if (rename !== null) return renamed(context, lane, await advance(context, lane, lines, position), rename);
  const seen = lane.seen;
  lane.seen = null;
  if (seen !== null && seen.version === lane.schemaVersion) {
    const before = { kept: lane.kept, version: lane.schemaVersion };
    const follow = followTable(context, lane, seen.table, null);
    if (follow.kind === 'refused') return halt(context, lane, follow, lines, position);
    if (follow.kind === 'reload') {
      context.log.warn({ table: tableText(lane.source), reason: follow.reason }, 'a table is loaded anew');
      const step = await closing(context, lane, lines, position);
      return startOver(context, lane, follow, step, [], position);
    }
    const unfit = await unfitForMerge(context, lane, before);
    if (unfit !== null) {
      const step = await closing(context, lane, lines, position);
      return startOver(context, lane, unfit, step, [], position);
    }
    if (lane.state === 'live' && lane.schemaVersion !== seen.version)
      return advance(context, lane, lines, position, true);
  }
  return advance(context, lane, lines, position);
}

/** Whether lines are of the table that the lane has, and not older than what its load begins with. */
function belongs(context: RunContext, lane: Lane, part: SpoolPart): boolean {
  if (context.source.ddl === 'catalog')
    // Another table bore the name before, and its last lines were still waiting.
    return part.relation.objectId === lane.objectId;
  if (lane.state === 'pending' && lane.armedAt === null) return false;
  return lane.state === 'live' || appliesNone(lane.state) || part.lastOrd >= (lane.armedAt ?? 0);
}

/** What DDL in the log comes to, behind the lines before it. */
async function conclude(
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
 * Whether rows of a shard that are in the merged table have to be loaded anew, since its columns are others now. The
 * lane has then the schema of before, for the lines that came under it.
 */
async function unfitForMerge(
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
function renamed(
  context: RunContext,
  lane: Lane,
  step: LaneStep,
  rename: { readonly name: TableName; readonly to: string },
): LaneStep {
  const becomes = { ...step.becomes, source: rename.name, objectId: rename.to };
  if (context.merges === null) return { ...step, becomes };
  return sendBack(context, lane, { ...step, becomes }, 'it bears another name');
}

/** The table is loaded anew; the load begins behind the log's place of now, so nothing of before is kept for it. */
function sendBack(context: RunContext, lane: Lane, step: LaneStep, reason: string): LaneStep {
  context.log.warn({ table: tableText(lane.source), reason }, 'a table is loaded anew');
  resetForLoad(lane, null, reason);
  return { ...step, ...whileAway(lane, reason), sentBack: true };
}

/**
 * The target may not follow the columns of the lines behind `lines`. Those are kept where they may be applied some day:
 * after a change of the policy, or of the columns back to what they were.
 */
async function halt(
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

/** A table that somebody has paused is loaded when it is resumed, not before. */
function whileAway(lane: Lane, reason: string): Pick<LaneStep, 'error' | 'usedSegments'> | object {
  if (lane.state !== 'lapsed') return {};
  return { error: lapsed(lane, reason).toBody().error, usedSegments: Number.MAX_SAFE_INTEGER };
}

/** What a visible table still gets; one that is not visible gets nothing more. */
async function lastStep(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
): Promise<LaneStep> {
  if (lane.state === 'live') return advance(context, lane, lines, position);
  return { ...NOTHING, lane };
}

/** Whether these lines were written under another name, and the lane's own belongs to another table by now. */
async function nameTaken(context: RunContext, lane: Lane, part: SpoolPart): Promise<boolean> {
  if (tableKey(part.relation.name) === tableKey(lane.source)) return false;
  const found = await context.source.discover({ schemas: [], tables: [lane.source] }, context.signal);
  return found.some((table) => table.objectId !== lane.objectId);
}

/** Lines under a schema that the lane's does not describe would go into wrong columns. */
function checkColumns(lane: Lane, part: SpoolPart): void {
  const names = lane.kept.schema.columns.map((column) => column.name);
  const inLog = part.relation.columns.map((column) => column.name);
  if (names.join('\0') !== inLog.join('\0'))
    throw new SluiceError(
      'TABLE_SCHEMA',
      `The log has the columns ${inLog.join(', ')} of ${tableText(lane.source)}, the table has ${names.join(', ')}. A publication with a column list cannot be mirrored.`,
    );
}

/** What the table's foreign keys to itself did unseen lies among the cascades of a commit as well. */
async function advance(
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
  schemaOnly = false,
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

async function toSegments(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
): Promise<LaneStep['segments']> {
  const segments: NewSegment[] = [];
  for (const { parts, version, kept, firstOrd, lastOrd } of segmentsOf(lane, lines)) {
    const path = join(
      context.segmentFolder,
      `lane-${lane.id}-${firstOrd}-${lastOrd}-${context.work.attemptId}.parquet`,
    );
    const { bytes } = await context.target.writeSegment(parts, path, context.signal);
    crashPoint('after-segment-file');
    segments.push({
      schemaVersion: version,
      kept,
      path,
      rows: parts.reduce((sum, part) => sum + part.rows, 0),
      bytes,
      firstOrd,
      lastOrd,
      endPosition: position,
    });
  }
  return segments;
}

/** The last step under a schema: a table that is visible gets it, one that is being loaded anyway keeps it for later. */
async function closing(
  context: RunContext,
  lane: Lane,
  lines: LaneLines,
  position: Position,
): Promise<LaneStep> {
  if (lane.state === 'live') return advance(context, lane, lines, position);
  return { ...NOTHING, lane, segments: await toSegments(context, lane, lines, position) };
}

/** The table goes back to the queue of loads; what was read under the new schema waits in segments for it. */
async function startOver(
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
