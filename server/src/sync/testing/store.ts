import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MetastoreDb, openMetastore } from '../../store/open-metastore.ts';
import type { KeptSchema } from '../lane.ts';
import { RunStore } from '../run-store.ts';
import type { Work } from '../work.ts';

/** A metastore with one task, whose attempt is the store's own. */
export interface TestStore extends AsyncDisposable {
  readonly db: MetastoreDb;
  readonly store: RunStore;
  readonly work: Work;
}

export async function testStore(): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-store-'));
  const db = await openMetastore(join(folder, 'metastore.db'));
  const { id: folderId } = await db
    .insertInto('folders')
    .values({ name: 'f', created_at: 0 })
    .returning('id')
    .executeTakeFirstOrThrow();
  const task = {
    name: 't',
    source_key: 't',
    folder_id: folderId,
    task_type: 281,
    draft_json: '{}',
    published_version: 1,
    created_at: 0,
    updated_at: 0,
  };
  const { id: taskId } = await db.insertInto('tasks').values(task).returning('id').executeTakeFirstOrThrow();
  await db
    .insertInto('checkpoints')
    .values({
      task_id: taskId,
      attempt_id: 7,
      position: '0',
      next_ord: 1,
      committed_at: null,
      phase: 'incremental',
      rows_read: 0,
      rows_written: 0,
    })
    .execute();
  const work = { taskId, runId: null, attemptId: 7 } as unknown as Work;
  return {
    db,
    work,
    store: new RunStore(db, work),
    [Symbol.asyncDispose]: async () => {
      await db.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Of a table s.t whose key is the first of these columns. */
export function keptColumns(...names: string[]): KeptSchema {
  return {
    schema: {
      name: { schema: 's', table: 't' },
      columns: names.map((name, index) => ({
        name,
        sourceId: index + 1,
        type: { kind: 'int' },
        text: { form: 'plain' },
        nullable: true,
        native: 'int',
      })),
      identity: { kind: 'key', columns: [0] },
    },
    storage: '',
    columnVersions: {},
    pieces: [],
    logColumns: [],
    signature: null,
  };
}
