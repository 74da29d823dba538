import type { Migration } from './migrate.ts';

/** Numbers by which MySQL servers tell their replicas apart. */
export const serverIds: Migration = {
  version: 2,
  statements: [
    `CREATE TABLE server_ids (
      task_id INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
      server TEXT NOT NULL,
      server_id INTEGER NOT NULL,
      PRIMARY KEY (task_id, server),
      UNIQUE (server, server_id)
    ) STRICT, WITHOUT ROWID`,
  ],
};
