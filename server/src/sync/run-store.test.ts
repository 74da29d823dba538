import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openMetastore } from '../store/open-metastore.ts';
import type { KeptSchema } from './lane.ts';
import { type NewSegment, RunStore } from './run-store.ts';
import type { Work } from './work.ts';

const kept = (...names: string[]): KeptSchema => ({
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
});

it('keeps the schema of every segment, also of one that the lane had only within a commit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-store-'));
  const db = await openMetastore(join(folder, 'metastore.db'));
  try {
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
    const { id: taskId } = await db
      .insertInto('tasks')
      .values(task)
      .returning('id')
      .executeTakeFirstOrThrow();
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
    const store = new RunStore(db, { taskId, runId: null, attemptId: 7 } as unknown as Work);
    const name = { schema: 's', table: 't' };
    const lane = await store.addLane(
      { source: name, target: name, objectId: 't', state: 'paused', kept: kept('a'), rowsEstimated: null },
      null,
    );
    const segment = (schemaVersion: number, schema: KeptSchema): NewSegment => ({
      schemaVersion,
      kept: schema,
      path: `${schemaVersion}`,
      rows: 1,
      bytes: 1,
      firstOrd: schemaVersion,
      lastOrd: schemaVersion,
      endPosition: '1',
    });
    // Its columns changed twice between two commits, with changes of rows behind each.
    lane.kept = kept('a', 'b', 'c');
    lane.schemaVersion = 3;
    await store.write(async (transaction) => {
      await store.saveLane(transaction, lane);
      await store.addSegment(transaction, lane.id, segment(1, kept('a')));
      await store.addSegment(transaction, lane.id, segment(2, kept('a', 'b')));
      await store.addSegment(transaction, lane.id, segment(3, kept('a', 'b', 'c')));
    });
    for (const { schemaVersion } of await store.segments(lane.id))
      expect((await store.schema(lane.id, schemaVersion)).schema.columns).toHaveLength(schemaVersion);
  } finally {
    await db.destroy();
    await rm(folder, { recursive: true, force: true });
  }
});
