import { z } from 'zod';
import { Id, Name, Time } from './primitives.ts';

/**
 * task_failover     attempts of a task failed and were followed by another, so many in a window
 * task_stopped      a run failed: the task does nothing until somebody acts
 * table_exception   a table is on the blocklist, the rest of its task goes on
 * latency           changes take so many seconds to become visible
 * position_lag      the reader is so many seconds behind the end of the source's log
 */
export const ALERT_KINDS = [
  'task_failover',
  'task_stopped',
  'table_exception',
  'latency',
  'position_lag',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

interface AlertDefaults {
  /** Failovers, or seconds; null: the rule asks yes or no. */
  readonly threshold: number | null;
  readonly windowSeconds: number;
  /** For how long it must be so before the alert fires, and be well before it clears. */
  readonly holdSeconds: number;
  readonly calmSeconds: number;
}

export const ALERT_DEFAULTS: Readonly<Record<AlertKind, AlertDefaults>> = {
  task_failover: { threshold: 1, windowSeconds: 900, holdSeconds: 0, calmSeconds: 0 },
  task_stopped: { threshold: null, windowSeconds: 0, holdSeconds: 0, calmSeconds: 0 },
  table_exception: { threshold: null, windowSeconds: 0, holdSeconds: 0, calmSeconds: 0 },
  latency: { threshold: 60, windowSeconds: 60, holdSeconds: 60, calmSeconds: 60 },
  position_lag: { threshold: 300, windowSeconds: 0, holdSeconds: 60, calmSeconds: 60 },
};

const Seconds = z.int().min(0).max(604_800);
/** `*` stands for any characters; upper and lower case are the same. */
const Patterns = z.array(z.string().min(1).max(256)).max(1000);

/** What each rule looks at; an empty list is no restriction. Tables are `schema.table` as at the source. */
export const AlertFilters = z.strictObject({
  folders: Patterns.default([]),
  tasks: Patterns.default([]),
  dataSources: Patterns.default([]),
  tables: Patterns.default([]),
});
export type AlertFilters = z.output<typeof AlertFilters>;

const settings = {
  enabled: z.boolean(),
  threshold: z.number().positive().max(1e9).nullable().describe('failovers, or seconds'),
  windowSeconds: Seconds.describe('what is looked back at'),
  holdSeconds: Seconds.describe('for how long it must be so before it fires'),
  calmSeconds: Seconds.describe('for how long it must be well before it clears'),
  filters: AlertFilters,
};

export const CreateAlertRule = z.strictObject({
  name: Name,
  kind: z.enum(ALERT_KINDS),
  policy: z.string().min(1).describe('id or name of the notification policy'),
  enabled: settings.enabled.default(true),
  threshold: settings.threshold.optional(),
  windowSeconds: settings.windowSeconds.optional(),
  holdSeconds: settings.holdSeconds.optional(),
  calmSeconds: settings.calmSeconds.optional(),
  filters: AlertFilters.prefault({}),
});
export type CreateAlertRule = z.input<typeof CreateAlertRule>;

/** What is left out stays as it is. */
export const UpdateAlertRule = z
  .strictObject({ name: Name, policy: z.string().min(1), ...settings })
  .partial();
export type UpdateAlertRule = z.input<typeof UpdateAlertRule>;

export const AlertRule = z.object({
  id: Id,
  name: z.string(),
  kind: z.enum(ALERT_KINDS),
  policy: z.string(),
  ...settings,
  firing: z.int().describe('alerts of the rule that are firing'),
  createdAt: Time,
  updatedAt: Time,
});
export type AlertRule = z.infer<typeof AlertRule>;

const policy = {
  channels: z.array(z.string().min(1)).min(1).max(50).describe('ids or names'),
  repeatSeconds: z.int().min(60).max(2_592_000).nullable().describe('null: never repeated'),
  groupSeconds: z.int().min(0).max(3600).describe('how long the first alert waits for others of its kind'),
};
export const CreateAlertPolicy = z.strictObject({
  name: Name,
  channels: policy.channels,
  repeatSeconds: policy.repeatSeconds.default(3600),
  groupSeconds: policy.groupSeconds.default(15),
});
export type CreateAlertPolicy = z.input<typeof CreateAlertPolicy>;
export const UpdateAlertPolicy = z.strictObject({ name: Name, ...policy }).partial();
export type UpdateAlertPolicy = z.input<typeof UpdateAlertPolicy>;
export const AlertPolicy = z.object({ id: Id, name: z.string(), ...policy, createdAt: Time });
export type AlertPolicy = z.infer<typeof AlertPolicy>;

/** `clearing`: it has been well for less than the rule's `calmSeconds`. */
export const ALERT_STATES = ['firing', 'clearing', 'cleared'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

export const Alert = z.object({
  id: Id,
  rule: z.string(),
  kind: z.enum(ALERT_KINDS),
  state: z.enum(ALERT_STATES),
  task: z.string(),
  table: z.string().nullable(),
  dataSource: z.string(),
  message: z.string(),
  firedAt: Time,
  notifiedAt: Time.nullable(),
  clearedAt: Time.nullable(),
});
export type Alert = z.infer<typeof Alert>;

export const ListAlerts = z.strictObject({
  all: z.stringbool().default(false).describe('also those that have cleared'),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
});
