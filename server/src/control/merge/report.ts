import {
  type MergeReport,
  type MergeSpec,
  type MergeSpecInput,
  NAMED_SHARDS,
  type ReportedVirtualTable,
  SluiceError,
  type VirtualTable,
} from '@sluice/contract';
import type { z } from 'zod';
import { typeText } from '../../model/logical-type.ts';
import { differences } from '../../model/merge/differences.ts';
import { mergeShards } from '../../model/merge/merge-shards.ts';
import type { MergedTable } from '../../model/merge/merged-table.ts';
import { refusalText } from '../../model/merge/refusal-text.ts';
import { type Shard, shardKey, shardText } from '../../model/merge/shard.ts';
import { virtualTables as matchedTables } from '../../sources/composite/virtual-table-match.ts';
import type { Control } from '../context.ts';
import { draftOf } from '../draft.ts';
import { findNamed } from '../references.ts';
import { type Candidate, lookAt, type SeenSource } from './look.ts';
import { resolveMerge } from './resolve.ts';

/**
 * What a task's draft would merge, read from the sources as they are now.
 * @throws SluiceError NOT_FOUND; INVALID_REQUEST where the task is no merge
 */
export async function mergeReport(control: Control, ref: string, signal: AbortSignal): Promise<MergeReport> {
  const task = await findNamed(control.db, 'tasks', ref);
  const spec = draftOf(task);
  if (spec.pipelineType !== 2)
    throw new SluiceError('INVALID_REQUEST', `The task ${task.name} is no sharded-table merge.`, {
      remedy: 'This report is of tasks of pipeline type 2; `sluice task cdc tables` shows those of a mirror.',
    });
  return reportOf(control, spec, signal);
}

/** The same of a spec that nobody has saved: for who is still choosing. */
export async function previewMerge(
  control: Control,
  input: z.output<typeof MergeSpecInput>,
  signal: AbortSignal,
): Promise<MergeReport> {
  return reportOf(control, await resolveMerge(control.db, input), signal);
}

export async function reportOf(control: Control, spec: MergeSpec, signal: AbortSignal): Promise<MergeReport> {
  const tables = matchedTables(spec);
  const seen = await lookAt(
    control,
    spec,
    tables.map(({ match }) => match),
    signal,
  );
  const candidates = seen.flatMap(({ databases }) => databases.flatMap((database) => database.candidates));
  const owners = new Map<string, string[]>();
  for (const { table, match } of tables)
    for (const { shard } of candidates)
      if (match.has(shard)) {
        const key = shardKey(shard);
        owners.set(key, [...(owners.get(key) ?? []), table.name]);
      }
  const virtualTables = tables.map(({ table, match }) =>
    virtualTableReport(
      table,
      candidates.filter(({ shard }) => match.has(shard)),
      owners,
    ),
  );
  const sources = await Promise.all(seen.map((source) => sourceReport(control, source, owners)));
  const passed =
    virtualTables.every(({ refusals }) => refusals.length === 0) &&
    sources.every(({ error, databases }) => error === null && databases.every((one) => one.error === null));
  return { passed, sources, virtualTables };
}

function virtualTableReport(
  table: VirtualTable,
  members: readonly Candidate[],
  owners: ReadonlyMap<string, readonly string[]>,
): ReportedVirtualTable {
  const shards = members.map(({ shard, table: { schema } }) => ({ shard, schema }));
  const merge = mergeShards(shards, table);
  const byName = new Map(merge.table.columns.map((column) => [column.name, column]));
  return {
    name: table.name,
    target: table.target,
    shards: members.map(({ shard, table: { estimatedRows, refused } }) => ({
      ...shard,
      estimatedRows,
      problem: refused,
    })),
    columns: columnsOf(merge.table),
    differences: differences(shards).map(({ column, definitions, missingIn }) => {
      const merged = byName.get(column);
      return {
        column,
        merged: merged === undefined ? null : { type: typeText(merged.type), nullable: merged.nullable },
        definitions: definitions.map((one) => ({
          native: one.column.native,
          type: typeText(one.column.type),
          nullable: one.column.nullable,
          shards: named(one.shards),
        })),
        missingIn: named(missingIn),
      };
    }),
    refusals: [
      ...choiceRefusals(table, members, owners),
      ...(merge.kind === 'refused'
        ? merge.refusals.map((refusal) => ({ kind: refusal.kind, ...refusalText(refusal) }))
        : []),
    ],
  };
}

/** What is wrong with which source tables belong to it, whatever their columns are. */
function choiceRefusals(
  table: VirtualTable,
  members: readonly Candidate[],
  owners: ReadonlyMap<string, readonly string[]>,
): ReportedVirtualTable['refusals'] {
  const refusals: ReportedVirtualTable['refusals'] = [];
  if (members.length === 0)
    refusals.push({
      kind: 'nothing matched',
      message: 'No source table belongs to it.',
      remedy: 'Check its patterns (the whole name has to match, and case counts) and its data sources.',
    });
  const present = new Set(members.map(({ shard }) => shardKey(shard)));
  if (table.shards.by === 'tables' && members.length > 0)
    for (const name of table.shards.tables) {
      const shard: Shard = { ...name, schema: name.schema ?? name.database };
      if (!present.has(shardKey(shard)))
        refusals.push({
          kind: 'shard missing',
          message: `There is no source table ${shardText(shard)}.`,
          remedy: 'Mend its name in the list, or take it out.',
        });
    }
  for (const { shard, table: found } of members) {
    const others = owners.get(shardKey(shard))?.filter((name) => name !== table.name) ?? [];
    if (others.length > 0)
      refusals.push({
        kind: 'shard shared',
        message: `${shardText(shard)} belongs to ${others.join(', ')} too.`,
        remedy: 'Narrow the patterns so that each source table belongs to one virtual table.',
      });
    if (found.refused !== null)
      refusals.push({
        kind: 'shard not readable',
        message: `${shardText(shard)}: ${found.refused.message}`,
        remedy: found.refused.remedy,
      });
  }
  return refusals;
}

function columnsOf({ columns, extended, key }: MergedTable): ReportedVirtualTable['columns'] {
  return [
    ...columns.map(({ name, type, nullable }) => ({
      name,
      type: typeText(type),
      nullable,
      inKey: key.includes(name),
      extended: null,
    })),
    ...extended.map(({ name, part }) => ({
      name,
      type: 'string',
      nullable: false,
      inKey: key.includes(name),
      extended: part,
    })),
  ];
}

const named = (shards: readonly Shard[]): { count: number; names: string[] } => ({
  count: shards.length,
  names: shards.slice(0, NAMED_SHARDS).map(shardText),
});

async function sourceReport(
  control: Control,
  { server, dataSource, databases, error }: SeenSource,
  owners: ReadonlyMap<string, readonly string[]>,
): Promise<MergeReport['sources'][number]> {
  const { id, name } = await findNamed(control.db, 'data_sources', dataSource);
  return {
    server,
    dataSource: { id, name },
    databases: databases.map((database) => ({
      name: database.name,
      tables: database.candidates.length,
      matched: database.candidates.filter(({ shard }) => owners.has(shardKey(shard))).length,
      error: database.error,
    })),
    error,
  };
}
