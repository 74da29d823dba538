import { type MirrorSpec, targetName } from '@sluice/contract';
import { type TableName, tableKey } from '../model/table.ts';
import type { Lane } from './lane.ts';

/** Whether a task wants a table of its source. */
export function wantsTable(spec: MirrorSpec, name: TableName): boolean {
  if (spec.pipelineType === 3) return spec.schemas.length === 0 || spec.schemas.includes(name.schema);
  return spec.tables.some((table) => table.schema === name.schema && table.table === name.table);
}

/** Whether a task wants a table that it has: by its target, which stays when the source table is renamed. */
export function wantsLane(spec: MirrorSpec, lane: Pick<Lane, 'source' | 'target'>): boolean {
  if (spec.pipelineType === 3) return wantsTable(spec, lane.source);
  return spec.tables.some((table) => tableKey(targetName(spec, table)) === tableKey(lane.target));
}
