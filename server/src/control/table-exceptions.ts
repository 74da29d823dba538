import type { ColumnSides, TableException } from '@sluice/contract';
import { appliesNone, isBlocklisted, LANE_TABLE, type LaneState } from '../model/lane-state.ts';
import { typeText } from '../model/logical-type.ts';
import { type ColumnPair, sideBySide } from '../model/schema-difference.ts';
import type { TableSchema } from '../model/table.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import { sourceOf } from '../store/progress.ts';
import { type Control, isoTime } from './context.ts';
import { findNamed } from './references.ts';
import { problemOf } from './runs.ts';

/** The tables of a task that something is wrong with, each with the columns of both sides. */
export async function tableExceptions({ db }: Control, ref: string): Promise<TableException[]> {
  const task = await findNamed(db, 'tasks', ref);
  const waiting = await readWaiting(db, task.id);
  const rows = await db
    .selectFrom('lanes')
    .leftJoin('lane_schemas', (join) =>
      join
        .onRef('lane_schemas.lane_id', '=', 'lanes.id')
        .onRef('lane_schemas.version', '=', 'lanes.schema_version'),
    )
    .where('lanes.task_id', '=', task.id)
    .where('lanes.error_json', 'is not', null)
    .orderBy('source_schema')
    .orderBy('source_table')
    .orderBy('lanes.id')
    .selectAll('lanes')
    .select('lane_schemas.schema_json as schema_json')
    .execute();
  return rows.flatMap((row) => {
    const error = problemOf(row.error_json);
    if (error === null) return [];
    const state = row.state as LaneState;
    const columns = sidesOf(row.schema_json);
    return [
      {
        id: row.id,
        source: sourceOf(row),
        target: { schema: row.target_schema, table: row.target_table },
        state,
        blocklisted: isBlocklisted(state),
        since: isoTime(row.since),
        error,
        waiting: appliesNone(state) ? (waiting.get(row.id) ?? { changes: 0, bytes: 0 }) : null,
        startsWith: startsWith(state),
        differs: columns.some(({ differs }) => differs.length > 0),
        columns,
      },
    ];
  });
}

function startsWith(state: LaneState): TableException['startsWith'] {
  const next = LANE_TABLE[state].start;
  if (typeof next !== 'string') return null;
  return next === 'catching_up' ? 'changes' : 'load';
}

/** What sync/lane.ts keeps of a table (KeptSchema); `target` where its columns are held to others than the source's. */
function sidesOf(json: string | null): ColumnSides[] {
  if (json === null) return [];
  const { schema, target } = JSON.parse(json) as { schema: TableSchema; target?: TableSchema };
  return sideBySide(target ?? schema, schema).map(sides);
}

function sides({ source, target, inSourceKey, inTargetKey, differs }: ColumnPair): ColumnSides {
  return {
    source:
      source === null
        ? null
        : { name: source.name, type: source.native, nullable: source.nullable, inKey: inSourceKey },
    target:
      target === null
        ? null
        : {
            name: target.name,
            type: typeText(target.type),
            // The lake's other columns are optional, whatever the source says.
            nullable: !inTargetKey,
            inKey: inTargetKey,
          },
    differs: [...differs],
  };
}

async function readWaiting(
  db: MetastoreDb,
  taskId: number,
): Promise<ReadonlyMap<number, { readonly changes: number; readonly bytes: number }>> {
  const rows = await db
    .selectFrom('segments')
    .innerJoin('lanes', 'lanes.id', 'segments.lane_id')
    .where('lanes.task_id', '=', taskId)
    .groupBy('lanes.id')
    .select(({ fn }) => [
      'lanes.id as id',
      fn.sum<number>('segments.rows').as('changes'),
      fn.sum<number>('segments.bytes').as('bytes'),
    ])
    .execute();
  return new Map(rows.map(({ id, changes, bytes }) => [id, { changes, bytes }]));
}
