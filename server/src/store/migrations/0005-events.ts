import type { Migration } from './migrate.ts';

/** The timeline: what happened to a task, its tables and its data sources, and who did it. */
export const events: Migration = {
  version: 5,
  statements: [
    `CREATE TABLE events (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      kind TEXT NOT NULL,
      done_by TEXT NOT NULL,
      task_id INTEGER REFERENCES tasks (id) ON DELETE CASCADE,
      run_id INTEGER,
      table_name TEXT,
      data_source_id INTEGER REFERENCES data_sources (id) ON DELETE CASCADE,
      detail_json TEXT NOT NULL
    ) STRICT`,
    'CREATE INDEX events_of_task ON events (task_id, id)',
    'CREATE INDEX events_of_data_source ON events (data_source_id, id)',
  ],
};
