import type { Migration } from './migrate.ts';

/** What is watched, who is told, what fires now, and what was sent. */
export const alerts: Migration = {
  version: 4,
  statements: [
    `CREATE TABLE alert_channels (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL,
      config_json TEXT NOT NULL,
      secret TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE alert_policies (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      repeat_seconds INTEGER,
      group_seconds INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE alert_policy_channels (
      policy_id INTEGER NOT NULL REFERENCES alert_policies (id) ON DELETE CASCADE,
      channel_id INTEGER NOT NULL REFERENCES alert_channels (id),
      PRIMARY KEY (policy_id, channel_id)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE alert_rules (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL,
      policy_id INTEGER NOT NULL REFERENCES alert_policies (id),
      settings_json TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT`,
    // Tasks by id and by name: what was told of a task stays readable when the task is gone.
    `CREATE TABLE alerts (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      rule_id INTEGER NOT NULL REFERENCES alert_rules (id) ON DELETE CASCADE,
      subject TEXT NOT NULL,
      task TEXT NOT NULL,
      table_name TEXT,
      data_source TEXT NOT NULL,
      message TEXT NOT NULL,
      state TEXT NOT NULL,
      since INTEGER NOT NULL,
      fired_at INTEGER NOT NULL,
      notified_at INTEGER,
      cleared_at INTEGER
    ) STRICT`,
    "CREATE UNIQUE INDEX alerts_firing ON alerts (rule_id, subject) WHERE state <> 'cleared'",
    `CREATE TABLE alert_notices (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      alert_id INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
      kind TEXT NOT NULL,
      due_at INTEGER NOT NULL
    ) STRICT`,
    'CREATE INDEX alert_notices_of_alert ON alert_notices (alert_id)',
    `CREATE TABLE alert_deliveries (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      channel_id INTEGER NOT NULL REFERENCES alert_channels (id) ON DELETE CASCADE,
      kind TEXT NOT NULL,
      message_json TEXT NOT NULL,
      state TEXT NOT NULL,
      tries INTEGER NOT NULL DEFAULT 0,
      error TEXT,
      created_at INTEGER NOT NULL,
      next_try_at INTEGER,
      sent_at INTEGER
    ) STRICT`,
    // What failed over lately is asked for every few seconds.
    'CREATE INDEX attempts_began ON attempts (started_at)',
    "CREATE INDEX alert_deliveries_waiting ON alert_deliveries (channel_id, id) WHERE state = 'waiting'",
  ],
};
