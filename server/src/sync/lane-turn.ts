import type { Problem } from '@sluice/contract';
import { SluiceError } from '@sluice/contract';
import { nextLaneState } from '../model/lane-state.ts';
import { tableText } from '../model/table.ts';
import type { ChangePart, TableStep } from '../targets/target.ts';
import type { Join } from './catch-up.ts';
import type { KeptSchema, Lane } from './lane.ts';
import { ofSource, targetUntilLoad } from './schema-verdict.ts';
import type { NewSegment } from './segment-rows.ts';

/** What a lane contributes to a commit. */
export interface LaneStep {
  readonly lane: Lane;
  readonly step: TableStep | null;
  readonly segments: readonly NewSegment[];
  /** Segments up to this id are in the table now, or of no use to it; those of the lane's later steps are none of them. */
  readonly usedSegments: number | null;
  /** What the lane becomes with the commit, and not before. */
  readonly becomes: Join['becomes'];
  readonly error: Problem | null | undefined;
  readonly rows: number;
  /** The step sends the lane back to the queue of loads. */
  readonly sentBack: boolean;
  /** Lines of a visible table from which tables that refer to it learn what foreign keys did unseen. */
  readonly told: readonly ChangePart[];
}

export const NOTHING = {
  step: null,
  segments: [],
  usedSegments: null,
  error: undefined,
  rows: 0,
  becomes: {},
  sentBack: false,
  told: [],
} as const;

/** Two steps of a lane in one commit, of which the second brings the table no further. */
export function joined(before: LaneStep, after: LaneStep): LaneStep {
  return {
    ...after,
    step: after.step ?? before.step,
    segments: [...before.segments, ...after.segments],
    error: after.error === undefined ? before.error : after.error,
    rows: before.rows + after.rows,
    told: [...before.told, ...after.told],
  };
}

/** Troubles that a person can mend so that the same changes can be applied after all. */
const MENDABLE: ReadonlySet<string> = new Set(['TABLE_VALUE', 'TABLE_KEY_LENGTH']);

/** Whether a lane whose changes cannot be applied may keep them: what they go on from stays as it is. */
export function canStall(lane: Lane, trouble: SluiceError): boolean {
  if (!MENDABLE.has(trouble.code)) return false;
  return lane.state === 'live' || (lane.state === 'catching_up' && lane.load?.fromVisible?.kind === 'replay');
}

/** The lane goes to the blocklist; its changes are kept where they may be applied some day. */
export function stopped(lane: Lane, trouble: SluiceError): LaneStep {
  if (!canStall(lane, trouble)) return blocked(lane, trouble);
  lane.state = nextLaneState(lane.state, 'stall');
  lane.trouble = trouble.code;
  return { ...recorded(lane), error: trouble.toBody().error };
}

/** A step that only records what a lane has become. */
export function recorded(lane: Lane): LaneStep {
  return { ...NOTHING, lane };
}

/** What is said of a paused table of which changes are missing. */
export function lapsed(lane: Lane, why: string): SluiceError {
  return new SluiceError(
    'TABLE_LAPSED',
    `The changes of ${tableText(lane.source)}, of which none is applied now, are no longer kept: ${why}. What was visible stays.`,
  );
}

export function blocked(lane: Lane, trouble: SluiceError): LaneStep {
  lane.state = nextLaneState(lane.state, 'block');
  lane.trouble = trouble.code;
  lane.load = null;
  return { ...NOTHING, lane, error: trouble.toBody().error };
}

/** The table is gone, which is no trouble. `why` goes on from the table's name. */
export function dropped(lane: Lane, why: string): LaneStep {
  lane.state = nextLaneState(lane.state, 'drop');
  lane.generation++;
  lane.load = null;
  const error = new SluiceError('TABLE_DROPPED', `${tableText(lane.source)} ${why}.`);
  return { ...NOTHING, lane, error: error.toBody().error };
}

export function stall(lane: Lane, earlier: LaneStep['error'], error: SluiceError): Pick<LaneStep, 'error'> {
  lane.state = nextLaneState(lane.state, 'stall');
  if (earlier !== undefined && earlier !== null) return { error: earlier };
  lane.trouble = error.code;
  return { error: error.toBody().error };
}

/** `reason` is for people, and goes on from `the table is loaded anew:`. */
export function resetForLoad(lane: Lane, kept: KeptSchema | null, reason: string): void {
  const target = targetUntilLoad(lane);
  lane.state = nextLaneState(lane.state, 'reload');
  if (lane.state === 'pending') lane.anew = { reason, by: null };
  lane.armedAt = null;
  lane.trouble = null;
  lane.generation++;
  lane.load = null;
  lane.exact = false;
  lane.rowsLoaded = 0;
  lane.kept = { ...ofSource(kept ?? lane.kept), ...target };
  if (kept !== null) lane.schemaVersion++;
}
