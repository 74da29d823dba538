import {
  EVENTS,
  type EventDetail,
  type EventFeedQuery,
  type EventKind,
  type EventQuery as EventQueryInput,
  type EventUpdate,
  type TimelineEvent,
} from '@sluice/contract';
import { type Control, isoTime } from './context.ts';
import { findNamed } from './references.ts';

/** Of whom the timeline is asked for; null: of all. */
export type Owner = { readonly of: 'tasks' | 'data_sources'; readonly ref: string } | null;

/** Newest first; with `after` oldest first, so that a reader can follow. */
export async function listEvents(
  { db }: Control,
  owner: Owner,
  {
    limit = 100,
    before,
    after,
    kind,
    table,
  }: Partial<Record<keyof EventQueryInput, unknown>> & {
    readonly limit?: number;
    readonly before?: number | undefined;
    readonly after?: number | undefined;
    readonly kind?: string | undefined;
    readonly table?: string | undefined;
  },
): Promise<TimelineEvent[]> {
  let query = db
    .selectFrom('events')
    .leftJoin('tasks', 'tasks.id', 'events.task_id')
    .leftJoin('data_sources', 'data_sources.id', 'events.data_source_id')
    .select([
      'events.id as id',
      'at',
      'kind',
      'done_by',
      'run_id',
      'table_name',
      'detail_json',
      'tasks.name as task',
      'data_sources.name as source',
    ])
    .orderBy('events.id', after === undefined ? 'desc' : 'asc')
    .limit(limit);
  if (owner !== null) {
    const { id } = await findNamed(db, owner.of, owner.ref);
    query = query.where(owner.of === 'tasks' ? 'events.task_id' : 'events.data_source_id', '=', id);
  }
  if (before !== undefined) query = query.where('events.id', '<', before);
  if (after !== undefined) query = query.where('events.id', '>', after);
  if (table !== undefined) query = query.where('table_name', '=', table);
  if (kind !== undefined) query = query.where('kind', 'like', `${kind.replaceAll(/[%_]/g, '')}%`);
  return (await query.execute()).map((row) => {
    const detail = JSON.parse(row.detail_json) as EventDetail;
    return {
      id: row.id,
      at: isoTime(row.at),
      kind: row.kind as EventKind,
      by: row.done_by,
      task: row.task,
      run: row.run_id,
      table: row.table_name,
      dataSource: row.source,
      detail,
      text: textOf(row.kind, detail),
    };
  });
}

/** Tells one listener what is new, each time it is asked; without `after` from the first time on. */
export function eventFeed(
  control: Control,
  owner: NonNullable<Owner>,
  {
    after,
    kind,
    table,
  }: Partial<Record<keyof EventFeedQuery, unknown>> & {
    readonly after?: number | undefined;
    readonly kind?: string | undefined;
    readonly table?: string | undefined;
  },
): () => Promise<EventUpdate> {
  let told = after;
  return async () => {
    if (told === undefined) {
      const [newest] = await listEvents(control, owner, { limit: 1 });
      told = newest?.id ?? 0;
    }
    const events = await listEvents(control, owner, { limit: MOST_AT_ONCE, after: told, kind, table });
    told = events.at(-1)?.id ?? told;
    return { at: isoTime(Date.now()), events };
  };
}

const MOST_AT_ONCE = 1000;

/** An event of a newer version's kind is shown as it is. */
function textOf(kind: string, detail: EventDetail): string {
  const rule = (EVENTS as Readonly<Record<string, { readonly text: (detail: EventDetail) => string }>>)[kind];
  return rule === undefined ? JSON.stringify(detail) : rule.text(detail);
}
