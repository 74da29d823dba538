import type { Migration } from './migrate.ts';

/** What people order for single tables of a task, and since when a table is in its state. */
export const tableOrders: Migration = {
  version: 3,
  statements: [
    `CREATE TABLE table_orders (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      lane_id INTEGER NOT NULL REFERENCES lanes (id) ON DELETE CASCADE,
      kind TEXT NOT NULL,
      filter TEXT,
      asked_by TEXT NOT NULL,
      asked_at INTEGER NOT NULL,
      ended_at INTEGER,
      refused TEXT
    ) STRICT`,
    'CREATE INDEX table_orders_of_lane ON table_orders (lane_id, ended_at)',
    'ALTER TABLE lanes ADD COLUMN since INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE lanes ADD COLUMN priority INTEGER NOT NULL DEFAULT 0',
    'UPDATE lanes SET since = coalesce(updated_at, created_at)',
  ],
};
