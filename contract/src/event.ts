import { z } from 'zod';
import { Id, Time } from './primitives.ts';

/** What an event tells besides when, by whom and of what. */
export type EventDetail = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

interface EventRule {
  /** For people who filter by it. */
  readonly means: string;
  /** One line of the timeline. */
  readonly text: (detail: EventDetail) => string;
}

const problem = ({ code, message }: EventDetail): string => `${code}: ${message}`;

/** Everything that is written down of what happened to a task, its tables and its data sources. */
export const EVENTS = {
  'data-source.created': { means: 'a data source was made', text: () => 'data source made' },
  'data-source.changed': {
    means: 'a data source was changed',
    text: ({ fields }) => `data source changed: ${String(fields)}`,
  },
  'data-source.deleted': {
    means: 'a data source was deleted',
    text: ({ name }) => `data source ${name} deleted`,
  },
  'task.created': { means: 'a task was made', text: () => 'task made' },
  'task.configured': { means: 'the draft was replaced', text: () => 'draft replaced' },
  'task.published': {
    means: 'the draft became the next version',
    text: ({ version }) => `version ${version} published`,
  },
  'task.undeployed': {
    means: 'position and progress were forgotten',
    text: ({ position }) => `undeployed; forgot the position ${position ?? 'none'}`,
  },
  'task.deleted': { means: 'a task was deleted', text: ({ name }) => `task ${name} deleted` },
  'task.compared': {
    means: 'the lake was compared with the source',
    text: ({ state, code, message, equal, different, unsettled, skipped }) =>
      state === 'failed'
        ? `comparison failed: ${code}: ${message}`
        : `compared with the source: ${different === undefined || (different as readonly string[]).length === 0 ? 'no table differs' : `different: ${(different as readonly string[]).join(', ')}`}; ${equal} equal, ${unsettled} unsettled, ${skipped} skipped`,
  },
  'run.started': {
    means: 'somebody started the task',
    text: ({ mode, position, version }) =>
      `started: ${mode}${position === null ? '' : ` from ${position}`}, version ${version}`,
  },
  'run.stop-asked': { means: 'somebody stopped the task', text: () => 'stop asked for' },
  'run.stopped': { means: 'the run ended as it was asked to', text: () => 'stopped' },
  'run.failed': { means: 'the run ended by itself, and waits for a person', text: problem },
  'run.phase': { means: 'the run came into another phase', text: ({ phase }) => `phase ${phase}` },
  'run.version': {
    means: 'the run took over a version that was published meanwhile',
    text: ({ version }) => `goes on as version ${version}`,
  },
  'attempt.began': {
    means: 'a process of the run began; all but the first are failovers or restarts of the server',
    text: ({ number, failover }) => `attempt ${number} began${failover === true ? ' (failover)' : ''}`,
  },
  'source.away': {
    means: 'a merge goes on without a server that cannot be reached',
    text: ({ source, code, message }) => `goes on without ${source} (${code}: ${message})`,
  },
  'source.back': {
    means: 'a merge reads again of a server that could not be reached',
    text: ({ source }) => `reads ${source} again`,
  },
  'attempt.failed': { means: 'a process of the run ended by itself', text: problem },
  'table.joined': {
    means: 'a table became part of the task',
    text: ({ state }) => `joined the task, ${state}`,
  },
  'table.left': {
    means: 'a table is no longer part of the task',
    text: () => 'left the task; its target stays',
  },
  'table.state': {
    means: 'a table came into another state',
    text: ({ from, to, rows, code, message }) =>
      `${from} → ${to}${rows === undefined ? '' : `, ${rows} rows loaded`}${code === undefined ? '' : ` (${code}: ${message})`}`,
  },
  'table.reload': {
    means: 'a table that was loaded before, or was being loaded, is loaded anew, and why',
    text: ({ reason }) => `loaded anew: ${reason}`,
  },
  'table.schema': {
    means: 'the columns of a table changed, and its target followed',
    text: ({ changes }) => `columns: ${(changes as readonly string[]).join('; ')}`,
  },
  'table.order': {
    means: 'somebody ordered something for a table',
    text: ({ order, filter, refused }) =>
      `${order}${filter === null ? '' : ` where ${filter}`}${refused === null ? '' : `: refused, ${refused}`}`,
  },
} as const satisfies Record<string, EventRule>;

export type EventKind = keyof typeof EVENTS;
const KINDS = Object.keys(EVENTS) as [EventKind, ...EventKind[]];

export const TimelineEvent = z.object({
  id: Id,
  at: Time,
  kind: z.enum(KINDS),
  by: z
    .string()
    .describe('who did it: sluice for what happens by itself, else the name that the caller gave'),
  task: z.string().nullable(),
  run: Id.nullable(),
  table: z.string().nullable().describe('schema.table at the source'),
  dataSource: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
  text: z.string().describe('the event in a line'),
});
export type TimelineEvent = z.infer<typeof TimelineEvent>;

export const EventQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z.coerce.number().int().min(1).optional().describe('events with smaller ids: the next page'),
  after: z.coerce.number().int().min(0).optional().describe('events with greater ids: what is new'),
  kind: z.string().optional().describe('one kind, or the front of several: table.'),
  table: z.string().optional().describe('schema.table at the source'),
});
export type EventQuery = z.input<typeof EventQuery>;

/** Of a feed that tells events as they happen (`GET /tasks/:ref/events/live`, server-sent events). */
export const EventFeedQuery = EventQuery.pick({ after: true, kind: true, table: true }).strict();
export type EventFeedQuery = z.input<typeof EventFeedQuery>;

/** A message comes every second, with events or without: who hears none knows that the feed is cut. */
export const EventUpdate = z.object({ at: Time, events: z.array(TimelineEvent) });
export type EventUpdate = z.infer<typeof EventUpdate>;
