import type { LaneState } from '../model/lane-state.ts';
import type { TableName, TableSchema } from '../model/table.ts';
import type { DiscoveredTable, LogRelation, Position, Visibility } from '../sources/source.ts';
import type { LaneSpool } from './spool.ts';

/** What a lane's schema was read from; kept with each version of it. Version 1 of the JSON in lane_schemas. */
export interface KeptSchema {
  readonly schema: TableSchema;
  readonly storage: string;
  /** As in DiscoveredTable. */
  readonly columnVersions: DiscoveredTable['columnVersions'];
  readonly pieces: DiscoveredTable['pieces'];
  readonly logColumns: DiscoveredTable['logColumns'];
  /** The log's own description that was found equal to it (signatureOf); null until the first change arrives. */
  readonly signature: string | null;
  /** The columns that the target has, where they are others (schema_evolution); not there: the same. */
  readonly target?: TableSchema;
  /** Lines were applied of which the target has left out values; otherwise all lines since then are kept. */
  readonly targetLacks?: true;
}

/**
 * What a state beside the visible table begins with, where that is the visible table itself and not an empty one.
 *   replay    the table was paused; only its segments are to be applied
 *   backfill  rows that match a filter are read anew, before its segments are applied
 * `exact` is Lane.exact of before.
 */
export type FromVisible =
  | { readonly kind: 'replay'; readonly exact: boolean }
  | { readonly kind: 'backfill'; readonly exact: boolean; readonly filter: string };

/** The load under way; kept as JSON in lanes.load_json. */
export interface Load {
  /** Not there: a full load. */
  readonly fromVisible?: FromVisible;
  /** Metadata of the state beside the visible table. */
  readonly staged: string;
  /** What the first snapshot of the load showed. */
  readonly visibility: Visibility;
  /** The rows' storage when chunks were planned; under another one the plan is void. */
  readonly storage: string;
  /** The table is consistent from this position on, and not visible before; null until all chunks are there. */
  readonly consistentFrom: Position | null;
  /** Microseconds since 1970, by the source's clock: `_source_ts` of loaded rows. */
  readonly takenAt: string;
  /** Whether chunks were read in one snapshot only. */
  readonly oneSnapshot: boolean;
  /** Lines before it are not kept, the load has them (Source.ddl 'log'); null: all since the lane waits for its load. */
  readonly keptFrom: Position | null;
}

/** A table of the task, in the memory of its run. The metastore's row is written with the commit that it belongs to. */
export interface Lane {
  readonly id: number;
  /** Follows a rename at the source; the target's name stays. */
  source: TableName;
  readonly target: TableName;
  objectId: string;
  state: LaneState;
  /** The code of what stopped it, while it is blocked. */
  trouble: string | null;
  kept: KeptSchema;
  schemaVersion: number;
  load: Load | null;
  /**
   * True once the log alone made every change since a consistent load: inserts are of new keys, and deletes find
   * their rows. Never for tables mirrored without a full load.
   */
  exact: boolean;
  rowsLoaded: number;
  rowsEstimated: number | null;
  rowsApplied: number;
  nulledValues: number;
  readPosition: Position | null;
  latencyMs: number | null;
  /**
   * Lines of the log were left out because the load that comes will have them. A transaction is in the log before
   * other sessions see it (for long, while it waits for a synchronous standby), so the load has to wait until all
   * that were running are done.
   */
  settle: boolean;
  /** Its changes are in the log: only a snapshot that is taken after that leaves no gap before them. */
  published: boolean;
  /** Grows when the load begins anew; work for an older one is void. */
  generation: number;
  /**
   * The number of the next line when the lane began to keep lines for the load that comes (Source.ddl 'log'); null:
   * it keeps none while it is pending. Earlier ones are of no use to that load.
   */
  armedAt: number | null;
  /** The place that was read then. */
  keptFrom: Position | null;
  /** What foreign keys did unseen counts from the line with this number on (sync/cascades.ts). */
  cascadesFrom: number;
  /** Why its load begins anew, and who wants it (null: nobody, it has to), until the timeline has it. */
  anew: { readonly reason: string; readonly by: string | null } | null;
  /** Counts DDL of the table as it is read (Source.ddl 'log'). */
  ddlRead: number;
  /** What the source's catalog said before a mark that came back since; seen only if no newer schema was. */
  seen: { readonly table: DiscoveredTable; readonly version: number } | null;
  /** Segments are being applied to the staged state, beside the commits. */
  draining: boolean;
  /** Of the lanes that wait for their full load the one with the greatest is next. */
  priority: number;
  /** In the log's order; the last one is being written to. */
  spools: LaneSpool[];
}

/** What a process knows of a lane beyond its row in the metastore, before it has done anything with it. */
export const freshMemory = () =>
  ({
    published: false,
    generation: 0,
    armedAt: null,
    cascadesFrom: 0,
    anew: null,
    keptFrom: null,
    ddlRead: 0,
    seen: null,
    draining: false,
    spools: [],
  }) satisfies Partial<Lane>;

/**
 * Names what a lane is doing since its last load began: another text means that its schema was taken from the
 * source's catalog again, and that whatever the log's reader knew of it is void.
 */
export function lifeOf(lane: Lane): string {
  return `${lane.id}.${lane.generation}.${lane.armedAt ?? 0}`;
}

/** Two relations with the same signature have the same columns in the same order, of the same types, and key. */
export function signatureOf(relation: LogRelation): string {
  const { table } = relation;
  if (table !== null) {
    const { columns, identity } = table.schema;
    return JSON.stringify([columns.map((column) => [column.sourceId, column.name, column.native]), identity]);
  }
  return JSON.stringify([
    relation.identity,
    relation.columns.map((column) => [column.name, column.typeId, column.typeModifier, column.inKey]),
  ]);
}

/** Indexes of the key's columns in the log's relation; empty where rows have no key or the log's columns cannot tell it. */
export function keyIn(relation: LogRelation, kept: KeptSchema): readonly number[] {
  const { schema } = kept;
  if (schema.identity.kind === 'row') return [];
  if (relation.identity !== 'full')
    return relation.columns.flatMap((column, index) => (column.inKey ? [index] : []));
  // A table that has other columns by now may have given the key's name to another one.
  if (!describes(kept, relation)) return [];
  const names = schema.identity.columns.map((index) => schema.columns[index]!.name);
  const indexes = names.map((name) => relation.columns.findIndex((column) => column.name === name));
  // Under FULL every row comes with its old one: deleting that and inserting the new one is right for any key.
  return indexes.includes(-1) ? [] : indexes.sort((a, b) => a - b);
}

/** Whether the catalog's table is what the log describes. */
export function describes(table: Pick<DiscoveredTable, 'logColumns'>, relation: LogRelation): boolean {
  return (
    table.logColumns.length === relation.columns.length &&
    table.logColumns.every((column, index) => {
      const other = relation.columns[index]!;
      return (
        column.name === other.name &&
        column.typeId === other.typeId &&
        column.typeModifier === other.typeModifier
      );
    })
  );
}
