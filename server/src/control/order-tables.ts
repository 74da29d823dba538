import { setTimeout as pause } from 'node:timers/promises';
import {
  type OrderTables as OrderTablesInput,
  parseRowFilter,
  SluiceError,
  type TableOrder,
  type TableOrderResult,
} from '@sluice/contract';
import { type LaneState, refusalOf } from '../model/lane-state.ts';
import { tableText } from '../model/table.ts';
import { type LaneRow, readLanes, sourceOf } from '../store/progress.ts';
import type { Control } from './context.ts';
import { findNamed } from './references.ts';
import { isEnded } from './run-machine.ts';
import { newestRun } from './run-rows.ts';

const POLL_MS = 100;
/** SQLite takes 32,766 values a statement. */
const ROWS_AT_ONCE = 1000;

/**
 * Orders something for single tables of a task. The run carries it out with its next commit; where that is soon
 * enough, the answer says what came of it.
 * @throws SluiceError NOT_FOUND, INVALID_REQUEST, CONFIRMATION_REQUIRED with what it would do
 */
export async function orderTables(
  control: Control,
  ref: string,
  request: OrderTablesInput,
  by: string,
  signal: AbortSignal,
): Promise<TableOrderResult[]> {
  const { db, supervisor } = control;
  const { order } = request;
  const filter = request.where === undefined ? null : parseRowFilter(request.where);
  const task = await findNamed(db, 'tasks', ref);
  const lanes = findLanes(await readLanes(db, task.id), request.tables, task.name);
  const consequences = CONSEQUENCES[order];
  if (consequences !== null && request.confirm !== true)
    throw new SluiceError('CONFIRMATION_REQUIRED', whatItDoes(lanes, order, consequences, filter));
  const asked: { readonly id: number; readonly lane_id: number }[] = [];
  for (let at = 0; at < lanes.length; at += ROWS_AT_ONCE)
    asked.push(
      ...(await db
        .insertInto('table_orders')
        .values(
          lanes.slice(at, at + ROWS_AT_ONCE).map((lane) => ({
            lane_id: lane.id,
            kind: order,
            filter,
            asked_by: by,
            asked_at: Date.now(),
            ended_at: null,
            refused: null,
          })),
        )
        .returning(['id', 'lane_id'])
        .execute()),
    );
  const run = await newestRun(db, task.id);
  const runs = run !== null && !isEnded(run.state);
  if (runs) supervisor.look(run.id);
  for (;;) {
    const results = await resultsOf(control, asked, order);
    if (!runs || signal.aborted || results.every(({ outcome }) => outcome !== 'waiting')) return results;
    await pause(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

/** What an order costs, of those that cost something; they ask first. */
const CONSEQUENCES: Readonly<Record<TableOrder, string | null>> = {
  prioritize: null,
  pause: null,
  recover: null,
  cancel:
    'gives up what is being read of them. Rows that are visible stay; a full load that is given up begins anew with start-table, a backfill leaves the table as if it had not been asked for',
  resync:
    'reads all of their rows again. Until that is done readers see the rows of now, which stand still; then all are replaced at once',
  backfill:
    'reads rows of theirs again. Until that is done readers see the rows of now, which stand still; then they are replaced at once, and those that the source no longer has are deleted',
  stop: 'drops their changes from now on. Rows that are visible stay as they are; start-table loads the tables anew',
  start:
    'applies the changes that were kept of those that have them (stalled), and reads all rows of the others again. Until that is done readers see the rows of now, which stand still; then all are replaced at once',
};

function whatItDoes(
  lanes: readonly LaneRow[],
  order: TableOrder,
  consequences: string,
  filter: string | null,
): string {
  const names = lanes.slice(0, 5).map((lane) => tableText(sourceOf(lane)));
  const more = lanes.length > names.length ? ` and ${lanes.length - names.length} more` : '';
  const refused = lanes.filter((lane) => refusalOf(lane.state as LaneState, order) !== null).length;
  return (
    `${order}-table${filter === null ? '' : ` where ${filter}`} of ${names.join(', ')}${more}: it ${consequences}. Other tables are not affected.` +
    (refused === 0 ? '' : ` (${refused} of them cannot take this order now.)`)
  );
}

/** @throws SluiceError NOT_FOUND, INVALID_REQUEST where a name means several */
function findLanes(
  lanes: readonly LaneRow[],
  wanted: readonly (number | string)[],
  task: string,
): readonly LaneRow[] {
  const found = new Map<number, LaneRow>();
  for (const one of wanted) {
    const matching = lanes.filter((lane) =>
      typeof one === 'number'
        ? lane.id === one
        : [tableText(sourceOf(lane)), lane.source_table].includes(one) || String(lane.id) === one,
    );
    const exact = matching.filter((lane) => typeof one === 'number' || tableText(sourceOf(lane)) === one);
    const [lane, ...others] = exact.length > 0 ? exact : matching;
    if (lane === undefined)
      throw new SluiceError('NOT_FOUND', `The task ${task} has no table ${one}.`, {
        remedy: 'sluice task cdc tables shows the tables of the task with their ids.',
      });
    if (others.length > 0)
      throw new SluiceError(
        'INVALID_REQUEST',
        `${one} means ${others.length + 1} tables of the task ${task}.`,
        {
          remedy: 'Write the whole name, or the id that sluice task cdc tables shows.',
        },
      );
    found.set(lane.id, lane);
  }
  return [...found.values()];
}

async function resultsOf(
  { db }: Control,
  asked: readonly { readonly id: number; readonly lane_id: number }[],
  order: TableOrder,
): Promise<TableOrderResult[]> {
  const rows = await db
    .selectFrom('table_orders')
    .innerJoin('lanes', 'lanes.id', 'table_orders.lane_id')
    .where(
      'table_orders.id',
      'in',
      asked.map(({ id }) => id),
    )
    .orderBy('table_orders.id')
    .select(['lanes.id', 'source_schema', 'source_table', 'source_shard', 'state', 'ended_at', 'refused'])
    .execute();
  return rows.map((row) => ({
    id: row.id,
    source: sourceOf(row),
    order,
    outcome: row.ended_at === null ? 'waiting' : row.refused === null ? 'done' : 'refused',
    reason: row.refused,
    state: row.state,
  }));
}
