import { Problem, TableVerdict, type Verification } from '@sluice/contract';
import type { MetastoreDb } from './open-metastore.ts';
import type { Metastore } from './tables.ts';

/** So many comparisons of each task are kept. */
const KEPT = 50;

type Row = Omit<Metastore['verifications'], 'id'> & { readonly id: number };

/** Records that a comparison begins. @returns its number, which is never used again */
export async function beginVerification(db: MetastoreDb, taskId: number, by: string): Promise<Verification> {
  const row = await db
    .insertInto('verifications')
    .values({
      task_id: taskId,
      asked_by: by,
      state: 'running',
      started_at: Date.now(),
      ended_at: null,
      error_json: null,
      tables_json: '[]',
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const kept = db
    .selectFrom('verifications')
    .where('task_id', '=', taskId)
    .orderBy('id', 'desc')
    .limit(KEPT)
    .select('id');
  await db.deleteFrom('verifications').where('task_id', '=', taskId).where('id', 'not in', kept).execute();
  return shown(row);
}

export async function endVerification(
  db: MetastoreDb,
  { id, state, error, tables }: Pick<Verification, 'id' | 'state' | 'error' | 'tables'>,
  endedAt: number,
): Promise<void> {
  await db
    .updateTable('verifications')
    .set({
      state,
      ended_at: endedAt,
      error_json: error === null ? null : JSON.stringify(error),
      tables_json: JSON.stringify(tables),
    })
    .where('id', '=', id)
    .execute();
}

/** Those that an earlier server left behind. */
export async function failVerifications(db: MetastoreDb, error: Problem): Promise<void> {
  await db
    .updateTable('verifications')
    .set({ state: 'failed', ended_at: Date.now(), error_json: JSON.stringify(error) })
    .where('state', '=', 'running')
    .execute();
}

/** Newest first. */
export async function readVerifications(db: MetastoreDb, taskId: number): Promise<Verification[]> {
  const rows = await db
    .selectFrom('verifications')
    .selectAll()
    .where('task_id', '=', taskId)
    .orderBy('id', 'desc')
    .execute();
  return rows.map(shown);
}

/** By task: the newest that got to its end, and the newest that did not. */
export async function lastVerifications(
  db: MetastoreDb,
): Promise<ReadonlyMap<number, readonly Verification[]>> {
  const rows = await db
    .selectFrom('verifications')
    .selectAll()
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('verifications as v')
        .where('v.state', '!=', 'running')
        .groupBy(['v.task_id', 'v.state'])
        .select(({ fn }) => fn.max('v.id').as('id')),
    )
    .execute();
  const found = new Map<number, Verification[]>();
  for (const row of rows) found.set(row.task_id, [...(found.get(row.task_id) ?? []), shown(row)]);
  return found;
}

export async function readVerification(db: MetastoreDb, id: number): Promise<Verification | null> {
  const row = await db.selectFrom('verifications').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : shown(row);
}

/** Whether no table differs; null: it did not come to its end. */
export function equalOf(state: Verification['state'], tables: readonly TableVerdict[]): boolean | null {
  return state === 'done' ? tables.every(({ verdict }) => verdict !== 'different') : null;
}

function shown(row: Row): Verification {
  const tables = TableVerdict.array().parse(JSON.parse(row.tables_json));
  const state = row.state as Verification['state'];
  return {
    id: row.id,
    taskId: row.task_id,
    by: row.asked_by,
    state,
    startedAt: new Date(row.started_at).toISOString(),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at).toISOString(),
    equal: equalOf(state, tables),
    error: row.error_json === null ? null : Problem.parse(JSON.parse(row.error_json)),
    tables,
  };
}
