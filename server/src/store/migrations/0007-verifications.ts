import type { Migration } from './migrate.ts';

/** Comparisons of a task's tables with their sources, and what they found. */
export const verifications: Migration = {
  version: 7,
  statements: [
    `CREATE TABLE verifications (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      task_id INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
      asked_by TEXT NOT NULL,
      state TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      ended_at INTEGER,
      error_json TEXT,
      tables_json TEXT NOT NULL
    ) STRICT`,
    'CREATE INDEX verifications_of_task ON verifications (task_id, id)',
  ],
};
