import type { Problem } from '@sluice/contract';
import { type TableSchema, tableText } from '../model/table.ts';
import { type NewEvent, recordEvent } from '../store/events.ts';
import type { MetastoreDb } from '../store/open-metastore.ts';
import type { Lane } from './lane.ts';
import { schemaChanges } from './schema-changes.ts';
import type { Work } from './work.ts';

/** What a run writes into the task's timeline, each event in the transaction that makes it so. */
export class RunTimeline {
  readonly #work: Pick<Work, 'taskId' | 'runId'>;
  /** What the metastore has of each lane: whatever differs when it is saved is an event. */
  readonly #lanes = new Map<number, { readonly state: string; readonly schema: TableSchema }>();

  constructor(work: Pick<Work, 'taskId' | 'runId'>) {
    this.#work = work;
  }

  record(transaction: MetastoreDb, event: Pick<NewEvent, 'kind' | 'detail' | 'table' | 'by'>): Promise<void> {
    const { taskId, runId } = this.#work;
    return recordEvent(transaction, { ...event, taskId, runId });
  }

  /** The metastore has the lane so. */
  known(laneId: number, state: string, schema: TableSchema): void {
    this.#lanes.set(laneId, { state, schema });
  }

  /** The lane is saved as it is now. */
  async saved(transaction: MetastoreDb, lane: Lane, error: Problem | null | undefined): Promise<void> {
    const { schema } = lane.kept;
    const before = this.#lanes.get(lane.id);
    this.known(lane.id, lane.state, schema);
    const { anew } = lane;
    lane.anew = null;
    if (before === undefined) return;
    const table = tableText(lane.source);
    // What has not begun does not begin anew.
    if (anew !== null && before.state !== 'pending')
      await this.record(transaction, {
        kind: 'table.reload',
        table,
        detail: { reason: anew.reason },
        ...(anew.by === null ? {} : { by: anew.by }),
      });
    const changes = before.schema === schema ? [] : schemaChanges(before.schema, schema);
    if (changes.length > 0)
      await this.record(transaction, { kind: 'table.schema', table, detail: { changes } });
    if (before.state === lane.state) return;
    const why = error === undefined || error === null ? {} : { code: error.code, message: error.message };
    const rows = before.state === 'loading' && lane.state === 'catching_up' ? { rows: lane.rowsLoaded } : {};
    const detail = { from: before.state, to: lane.state, ...rows, ...why };
    await this.record(transaction, { kind: 'table.state', table, detail });
  }

  /** An order was carried out, or refused. */
  ordered(
    transaction: MetastoreDb,
    lane: Lane,
    order: { readonly kind: string; readonly filter: string | null; readonly by: string },
    refused: string | null,
  ): Promise<void> {
    const detail = { order: order.kind, filter: order.filter, refused };
    return this.record(transaction, {
      kind: 'table.order',
      table: tableText(lane.source),
      detail,
      by: order.by,
    });
  }
}
