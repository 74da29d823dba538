import type { EventDetail, EventKind } from '@sluice/contract';
import { callerName } from '../model/caller.ts';
import type { MetastoreDb } from './open-metastore.ts';

/** An event as whoever makes it happen writes it, in the transaction that makes it so. */
export interface NewEvent {
  readonly kind: EventKind;
  readonly taskId?: number;
  readonly runId?: number;
  /** schema.table at the source. */
  readonly table?: string;
  readonly dataSourceId?: number;
  readonly detail?: EventDetail;
  /** By default the caller of the request that is being answered (asCaller), else Sluice itself. */
  readonly by?: string;
}

/** Of a task, a data source, or of neither, so many events are kept. */
const KEPT = 10_000;
/** Older ones go so many at a time. */
const STEP = 500;

export async function recordEvent(db: MetastoreDb, event: NewEvent): Promise<void> {
  const { id } = await db
    .insertInto('events')
    .values({
      at: Date.now(),
      kind: event.kind,
      done_by: event.by ?? callerName(),
      task_id: event.taskId ?? null,
      run_id: event.runId ?? null,
      table_name: event.table ?? null,
      data_source_id: event.dataSourceId ?? null,
      detail_json: JSON.stringify(event.detail ?? {}),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  if (id % STEP === 0) await dropOldEvents(db, event);
}

async function dropOldEvents(db: MetastoreDb, event: NewEvent): Promise<void> {
  const column = event.taskId !== undefined ? 'task_id' : 'data_source_id';
  const owner = event.taskId ?? event.dataSourceId ?? null;
  const oldest = await db
    .selectFrom('events')
    .select('id')
    .where(column, owner === null ? 'is' : '=', owner)
    .orderBy('id', 'desc')
    .offset(KEPT)
    .limit(1)
    .executeTakeFirst();
  if (oldest === undefined) return;
  await db
    .deleteFrom('events')
    .where(column, owner === null ? 'is' : '=', owner)
    .where('id', '<=', oldest.id)
    .execute();
}
