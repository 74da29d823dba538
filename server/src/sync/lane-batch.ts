import type { Position } from '../sources/source.ts';
import type { Base, ChangeBatch, ChangePart } from '../targets/target.ts';
import type { KeptSchema, Lane } from './lane.ts';
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
  };
}

export function batchOf(
  context: RunContext,
  lane: Lane,
  parts: readonly ChangePart[],
  position: Position,
): ChangeBatch {
  const schema = lane.kept.schema;
  const key =
    schema.identity.kind === 'key' ? schema.identity.columns.map((index) => schema.columns[index]!.name) : [];
  const oneSnapshot = lane.load?.oneSnapshot ?? false;
  return {
    parts,
    schema,
    alreadyVisible: lane.load?.visibility ?? null,
    exact: lane.load === null ? lane.exact : oneSnapshot && schema.identity.kind === 'row',
    oneMoment: lane.load === null ? lane.exact : oneSnapshot,
    position,
    fetchRows: (keys) => context.source.fetchRows(lane.source, schema.columns, key, keys, context.signal),
  };
}

/** The base of a lane whose load is under way. */
export function stagedBase(lane: Lane): Base & { kind: 'staged' } {
  return { kind: 'staged', location: lane.load!.staged };
}
