import { SluiceError } from '@sluice/contract';
import { tableText } from '../model/table.ts';
import type { Position } from '../sources/source.ts';
import type { Base, CascadePart, ChangeBatch, ChangePart } from '../targets/target.ts';
import type { FromVisible, KeptSchema, Lane, Load } from './lane.ts';
import type { RunContext } from './run-context.ts';
import type { SpoolPart } from './spool.ts';

/** Sealed lines of a lane, with the schema that they were found to be written under. */
export interface Settled {
  readonly part: SpoolPart;
  readonly kept: KeptSchema;
  readonly version: number;
}

export function changePart(part: SpoolPart, kept: KeptSchema): ChangePart {
  return {
    format: 'csv',
    files: [part.file],
    columns: kept.schema.columns,
    rows: part.rows,
    longestLine: part.longestLine,
    masked: part.masked,
    lossy: part.lossy,
    unseen: part.unseen,
    truncates: part.truncates,
  };
}

/** All that a lane gets in one commit. */
export interface LaneLines {
  readonly settled: readonly Settled[];
  /** What foreign keys did to its rows unseen; their numbers lie among those of the settled lines. */
  readonly cascades: readonly CascadePart[];
  /** The version of the schema that they have the columns of. */
  readonly cascadesVersion: number;
  /** ChangeBatch.tellDeleted */
  readonly tellDeleted: string | null;
}

export const NO_CASCADES = { cascades: [], cascadesVersion: 0, tellDeleted: null } as const;

export function isEmpty({ settled, cascades }: LaneLines): boolean {
  return settled.length === 0 && cascades.length === 0;
}

export function partsOf({ settled, cascades }: LaneLines): readonly ChangePart[] {
  return [...settled.map(({ part, kept }) => changePart(part, kept)), ...cascades];
}

/** What goes into one segment: it is applied as a whole, in the order of the lines' numbers. */
export interface SegmentParts {
  readonly parts: readonly ChangePart[];
  readonly version: number;
  readonly kept: KeptSchema;
  readonly firstOrd: number;
  readonly lastOrd: number;
}

/** @throws SluiceError TABLE_CASCADE where lines of several schemas lie among each other */
export function segmentsOf(lane: Lane, lines: LaneLines): readonly SegmentParts[] {
  const { settled, cascades, cascadesVersion } = lines;
  if (cascades.length === 0)
    return settled.map(({ part, kept, version }) => ({
      parts: [changePart(part, kept)],
      version,
      kept,
      firstOrd: part.firstOrd,
      lastOrd: part.lastOrd,
    }));
  if (settled.some(({ version }) => version !== cascadesVersion))
    throw new SluiceError(
      'TABLE_CASCADE',
      `Foreign keys changed rows of ${tableText(lane.source)} unseen while its columns changed.`,
    );
  const places = [...settled.map(({ part }) => part), ...cascades];
  return [
    {
      parts: partsOf(lines),
      version: cascadesVersion,
      kept: settled[0]?.kept ?? lane.kept,
      firstOrd: Math.min(...places.map((part) => part.firstOrd)),
      lastOrd: Math.max(...places.map((part) => part.lastOrd)),
    },
  ];
}

export const NO_CONSTANTS: ReadonlyMap<number, string> = new Map();

export function batchOf(
  context: RunContext,
  lane: Lane,
  parts: readonly ChangePart[],
  position: Position,
  tellDeleted: string | null = null,
): ChangeBatch {
  const view = context.merges?.view(lane) ?? null;
  const schema = lane.kept.schema;
  const into = lane.kept.target ?? schema;
  const key =
    schema.identity.kind === 'key' ? schema.identity.columns.map((index) => schema.columns[index]!.name) : [];
  const oneSnapshot = lane.load?.oneSnapshot ?? false;
  const known = knownRows(lane);
  return {
    parts: view === null ? parts : parts.map((part) => ({ ...part, columns: view.columns(part.columns) })),
    schema: view?.schema ?? into,
    constants: view?.constants ?? NO_CONSTANTS,
    alreadyVisible: lane.load?.visibility ?? null,
    exact: known ?? (oneSnapshot && schema.identity.kind === 'row'),
    oneMoment: known ?? oneSnapshot,
    position,
    tellDeleted,
    fetchRows: (keys) =>
      context.source.fetchRows(
        lane.source,
        schema.columns,
        key,
        view === null ? keys : keys.map((whole) => view.keyPlaces.map((place) => whole[place]!)),
        context.signal,
      ),
    fetchColumns: view?.columns(schema.columns) ?? schema.columns,
  };
}

/** Lane.exact of what the lines are applied to; null: a full load, of which its snapshots tell. */
function knownRows({ load, exact }: Lane): boolean | null {
  if (load === null) return exact;
  switch (load.fromVisible?.kind) {
    case 'replay':
      return load.fromVisible.exact;
    case 'backfill':
      return false;
    case undefined:
      return null;
  }
}

/** A state beside the visible table that begins with what is visible. */
export function besideVisible(pointer: string, fromVisible: FromVisible): Load {
  return {
    fromVisible,
    staged: pointer,
    visibility: { kind: 'none' },
    storage: '',
    consistentFrom: null,
    takenAt: '0',
    oneSnapshot: false,
    keptFrom: null,
  };
}

/** The base of a lane whose load is under way. */
export function stagedBase(lane: Lane): Base & { kind: 'staged' } {
  return { kind: 'staged', location: lane.load!.staged };
}
