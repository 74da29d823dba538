import { type MirrorSpec, targetName } from '@sluice/contract';
import { type TableName, tableKey } from '../model/table.ts';
import type { Lane } from './lane.ts';
import type { MergeTables } from './merge-tables.ts';
import type { Work } from './work.ts';

/** Which tables are a task's, and where they go. Asked anew each time: a later version may have other ones. */
export interface Membership {
  /** Schemas to look for tables in; none: all. */
  schemas(): readonly string[];
  wants(source: TableName): boolean;
  /** Of a table that is wanted. */
  targetOf(source: TableName): TableName;
  /** Of a table that the task has: by its target, which stays when the source table is renamed. */
  wantsLane(lane: Pick<Lane, 'source' | 'target'>): boolean;
}

export function mirrorMembership(work: Work): Membership {
  const spec = (): MirrorSpec => {
    if (work.spec.pipelineType === 2) throw new Error('a merge is no mirror');
    return work.spec;
  };
  return {
    schemas: () => {
      const { pipelineType, schemas, tables } = spec();
      return pipelineType === 3 ? schemas : [...new Set(tables.map((table) => table.schema))];
    },
    wants: (source) => wantsTable(spec(), source),
    targetOf: (source) => targetName(spec(), source),
    wantsLane: (lane) => wantsLane(spec(), lane),
  };
}

export function mergeMembership(merges: MergeTables): Membership {
  const wants = (source: TableName): boolean => merges.targetOf(source) !== null;
  return {
    schemas: () => [],
    wants,
    targetOf: (source) => {
      const target = merges.targetOf(source);
      if (target === null) throw new Error(`${tableKey(source)} belongs to no merged table`);
      return target;
    },
    // Another version may lead it to another merged table.
    wantsLane: ({ source, target }) => {
      const now = merges.targetOf(source);
      return now !== null && now.schema === target.schema && now.table === target.table;
    },
  };
}

/** Whether a mirror wants a table of its source. */
export function wantsTable(spec: MirrorSpec, name: TableName): boolean {
  if (spec.pipelineType === 3) return spec.schemas.length === 0 || spec.schemas.includes(name.schema);
  return spec.tables.some((table) => table.schema === name.schema && table.table === name.table);
}

/** Whether a mirror wants a table that it has. */
export function wantsLane(spec: MirrorSpec, lane: Pick<Lane, 'source' | 'target'>): boolean {
  if (spec.pipelineType === 3) return wantsTable(spec, lane.source);
  return spec.tables.some((table) => tableKey(targetName(spec, table)) === tableKey(lane.target));
}
