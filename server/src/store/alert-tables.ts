import type { Generated } from 'kysely';

/** The metastore's tables of alerts (migrations/0004-alerts.ts); times as in tables.ts. */
export interface AlertTables {
  alert_channels: {
    id: Generated<number>;
    name: string;
    kind: string;
    /** What may be shown. */
    config_json: string;
    /** URL, signing secret, password: sealed JSON. */
    secret: string;
    created_at: number;
    updated_at: number;
  };
  alert_policies: {
    id: Generated<number>;
    name: string;
    repeat_seconds: number | null;
    group_seconds: number;
    created_at: number;
  };
  alert_policy_channels: { policy_id: number; channel_id: number };
  alert_rules: {
    id: Generated<number>;
    name: string;
    kind: string;
    policy_id: number;
    settings_json: string;
    created_at: number;
    updated_at: number;
  };
  alerts: {
    id: Generated<number>;
    rule_id: number;
    /** `[task id, table]` as JSON. */
    subject: string;
    task: string;
    table_name: string | null;
    data_source: string;
    message: string;
    /** firing | clearing | cleared */
    state: string;
    /** Since when it is breached, or well. */
    since: number;
    fired_at: number;
    /** When the last message about it was made; null: none yet. */
    notified_at: number | null;
    cleared_at: number | null;
  };
  /** What is to be said and waits for others of its kind. */
  alert_notices: { id: Generated<number>; alert_id: number; kind: string; due_at: number };
  /** Messages, one row a channel. */
  alert_deliveries: {
    id: Generated<number>;
    channel_id: number;
    kind: string;
    message_json: string;
    /** waiting | sent | failed */
    state: string;
    tries: Generated<number>;
    error: string | null;
    created_at: number;
    next_try_at: number | null;
    sent_at: number | null;
  };
}
