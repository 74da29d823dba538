import { SluiceError } from '@sluice/contract';
import { appliesNone } from '../model/lane-state.ts';
import { tableKey, tableText } from '../model/table.ts';
import type { Position } from '../sources/source.ts';
import type { CascadePart } from '../targets/target.ts';
import type { Lane } from './lane.ts';
import { advance, closing, lastStep } from './lane-advance.ts';
import { sendBack, startOver } from './lane-anew.ts';
import { type LaneLines, NO_CASCADES, type Settled } from './lane-batch.ts';
import { conclude, halt, renamed, unfitForMerge } from './lane-outcome.ts';
import { joined, type LaneStep, NOTHING, resetForLoad, stopped } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';
import { followRelation, followTable } from './schema-follow.ts';
import type { SpoolPart } from './spool.ts';
import { type LaneEventOf, outcomeOf, renameOf } from './table-events.ts';

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
