import type { EventDetail, EventKind } from '@sluice/contract';
import { sql } from 'kysely';
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

/** So many events of each task and of each data source are kept. */
const KEPT = 10_000;
/** Older ones go when so many have come, whoever's they are. */
const STEP = 500;

export async function recordEvent(db: MetastoreDb, event: NewEvent, kept = KEPT): Promise<void> {
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
  if (id % STEP !== 0) return;
  await sql`DELETE FROM events WHERE id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY task_id, data_source_id ORDER BY id DESC) AS place FROM events)
    WHERE place > ${kept})`.execute(db);
}
