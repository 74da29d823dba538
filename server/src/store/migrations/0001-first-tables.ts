import type { Migration } from './migrate.ts';

/** The tables of store/tables.ts. STRICT: a value of the wrong type is refused, not bent. */
export const firstTables: Migration = {
  version: 1,
  statements: [
    `CREATE TABLE data_sources (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      ds_type INTEGER NOT NULL,
      config_json TEXT NOT NULL,
      secret TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE folders (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE vclusters (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      type TEXT NOT NULL,
      config_json TEXT NOT NULL
    ) STRICT`,
    `INSERT INTO vclusters (name, type, config_json) VALUES ('default_sync', 'SYNC', '{}')`,
    `CREATE TABLE tasks (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      source_key TEXT NOT NULL UNIQUE,
      folder_id INTEGER NOT NULL REFERENCES folders (id),
      task_type INTEGER NOT NULL,
      draft_json TEXT NOT NULL,
      published_version INTEGER,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT`,
    'CREATE INDEX tasks_of_folder ON tasks (folder_id)',
    `CREATE TABLE task_versions (
      task_id INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
      version INTEGER NOT NULL,
      spec_json TEXT NOT NULL,
      published_at INTEGER NOT NULL,
      PRIMARY KEY (task_id, version)
    ) STRICT`,
    `CREATE TABLE runs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      task_id INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
      version INTEGER NOT NULL,
      state TEXT NOT NULL
        CHECK (state IN ('starting', 'running', 'backing_off', 'stopping', 'stopped', 'failed')),
      start_mode TEXT NOT NULL CHECK (start_mode IN ('stateless', 'resume', 'custom')),
      start_position TEXT,
      begun INTEGER NOT NULL DEFAULT 0,
      started_at INTEGER NOT NULL,
      ended_at INTEGER,
      failovers INTEGER NOT NULL DEFAULT 0,
      error_json TEXT
    ) STRICT`,
    'CREATE INDEX runs_of_task ON runs (task_id, id)',
    // One run of a task at a time, whoever asks.
    `CREATE UNIQUE INDEX active_run_of_task ON runs (task_id) WHERE state NOT IN ('stopped', 'failed')`,
    `CREATE TABLE attempts (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      number INTEGER NOT NULL,
      pid INTEGER,
      state TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'failed')),
      started_at INTEGER NOT NULL,
      ended_at INTEGER,
      error_json TEXT,
      log_path TEXT NOT NULL,
      progressed INTEGER NOT NULL DEFAULT 0,
      counted INTEGER NOT NULL DEFAULT 0,
      UNIQUE (run_id, number)
    ) STRICT`,
    `CREATE TABLE namespaces (name TEXT PRIMARY KEY, properties_json TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE iceberg_tables (
      namespace TEXT NOT NULL REFERENCES namespaces (name),
      name TEXT NOT NULL,
      uuid TEXT NOT NULL,
      metadata_location TEXT NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (namespace, name)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE checkpoints (
      task_id INTEGER PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
      attempt_id INTEGER NOT NULL,
      position TEXT,
      next_ord INTEGER NOT NULL,
      committed_at INTEGER,
      phase TEXT NOT NULL,
      rows_read INTEGER NOT NULL,
      rows_written INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE lanes (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      task_id INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
      source_schema TEXT NOT NULL,
      source_table TEXT NOT NULL,
      object_id TEXT NOT NULL,
      target_schema TEXT NOT NULL,
      target_table TEXT NOT NULL,
      state TEXT NOT NULL,
      error_json TEXT,
      schema_version INTEGER NOT NULL,
      load_json TEXT,
      rows_loaded INTEGER NOT NULL,
      rows_estimated INTEGER,
      rows_applied INTEGER NOT NULL,
      read_position TEXT,
      updated_at INTEGER,
      latency_ms INTEGER,
      nulled_values INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT`,
    'CREATE INDEX lanes_of_task ON lanes (task_id)',
    `CREATE TABLE lane_schemas (
      lane_id INTEGER NOT NULL REFERENCES lanes (id) ON DELETE CASCADE,
      version INTEGER NOT NULL,
      schema_json TEXT NOT NULL,
      PRIMARY KEY (lane_id, version)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE chunks (
      lane_id INTEGER NOT NULL REFERENCES lanes (id) ON DELETE CASCADE,
      number INTEGER NOT NULL,
      range_json TEXT NOT NULL,
      files_json TEXT,
      rows INTEGER,
      PRIMARY KEY (lane_id, number)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE segments (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      lane_id INTEGER NOT NULL REFERENCES lanes (id) ON DELETE CASCADE,
      schema_version INTEGER NOT NULL,
      path TEXT NOT NULL,
      rows INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      first_ord INTEGER NOT NULL,
      last_ord INTEGER NOT NULL,
      end_position TEXT NOT NULL
    ) STRICT`,
    'CREATE INDEX segments_of_lane ON segments (lane_id, first_ord)',
  ],
};
