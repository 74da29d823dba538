import type { Migration } from './migrate.ts';

/** Sharded-table merges: the merged tables, and the line of metadata of each of their shards. */
export const merges: Migration = {
  version: 6,
  statements: [
    `CREATE TABLE merged_tables (
      namespace TEXT NOT NULL,
      name TEXT NOT NULL,
      task_id INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
      table_json TEXT,
      ids_json TEXT NOT NULL,
      shards_json TEXT NOT NULL,
      shown INTEGER NOT NULL,
      PRIMARY KEY (namespace, name)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE merge_lines (
      namespace TEXT NOT NULL,
      name TEXT NOT NULL,
      shard TEXT NOT NULL,
      metadata_location TEXT NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (namespace, name, shard)
    ) STRICT, WITHOUT ROWID`,
    'ALTER TABLE lanes ADD COLUMN source_shard TEXT',
    'ALTER TABLE lanes ADD COLUMN target_shard TEXT',
  ],
};
