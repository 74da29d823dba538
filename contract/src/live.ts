import { z } from 'zod';
import { Time } from './primitives.ts';
import { TaskStatus, TaskTable } from './task.ts';

/**
 * What a live feed tells, message by message (server-sent events, `GET /live` and `GET /tasks/:ref/live`). A message
 * comes every second, changed or not: who hears none knows that the feed is cut.
 */

/** How a running task fared at one moment, as its process told. */
export const PacePoint = z.object({
  at: Time,
  latencyMs: z
    .number()
    .nullable()
    .describe('from the commit at the source until visible, the slowest of this moment; null: nothing came'),
  lagMs: z
    .number()
    .nullable()
    .describe('how old the place is that was read last; null where it is not known'),
  lagBytes: z
    .number()
    .nullable()
    .describe("from the place that was read last to the end of the source's log"),
  readBytesPerSecond: z.number().describe('of changes and of full loads'),
  waitingBytes: z.number().describe('read and not committed yet'),
});
export type PacePoint = z.infer<typeof PacePoint>;

export const TaskPace = z.object({ status: TaskStatus, pace: PacePoint.nullable() });
export type TaskPace = z.infer<typeof TaskPace>;

export const OverviewUpdate = z.object({ at: Time, tasks: z.array(TaskPace) });
export type OverviewUpdate = z.infer<typeof OverviewUpdate>;

export const TaskUpdate = z.object({
  at: Time,
  status: TaskStatus,
  /** The points since the last message; of the first one, all that are kept (half an hour). */
  pace: z.array(PacePoint),
  /** Those that have changed since the last message; of the first one, all. */
  tables: z.array(TaskTable),
  gone: z.array(z.int()).describe('ids of tables that are no longer there'),
});
export type TaskUpdate = z.infer<typeof TaskUpdate>;
