import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TableVerdict } from '@sluice/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MetastoreDb, openMetastore } from './open-metastore.ts';
import {
  beginVerification,
  endVerification,
  failVerifications,
  lastVerifications,
  readVerification,
  readVerifications,
} from './verifications.ts';

let folder: string;
let db: MetastoreDb;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-verifications-'));
  db = await openMetastore(join(folder, 'metastore.db'));
  await db.insertInto('folders').values({ id: 1, name: 'f', created_at: 0 }).execute();
  for (const id of [1, 2])
    await db
      .insertInto('tasks')
      .values({
        id,
        name: `t${id}`,
        source_key: `t${id}`,
        folder_id: 1,
        task_type: 281,
        draft_json: '{}',
        published_version: 1,
        created_at: 0,
        updated_at: 0,
      })
      .execute();
});
afterEach(async () => {
  await db.destroy();
  await rm(folder, { recursive: true, force: true });
});

const verdict = (one: TableVerdict['verdict']): TableVerdict => ({
  source: { schema: 'public', table: one },
  target: { schema: 'public', table: one },
  verdict: one,
  reason: null,
  sourceRows: 10,
  lakeRows: 9,
  missing: 1,
  extra: 0,
  changed: 0,
  unsettled: 0,
  examples: [{ difference: 'missing', key: { id: '7' } }],
  repair: ['(id = 7)'],
  looks: 1,
  freshnessMs: 3000,
  followed: { committedAt: '2026-11-29T12:00:00.000Z', visibleAt: '2026-11-29T12:00:02.000Z', ms: 2000 },
  columns: [
    { column: 'id', sourceType: 'int', lakeType: 'int', mapping: 'exact', sourceNulls: 0, lakeNulls: 0 },
  ],
  ops: { I: 9 },
  seconds: 12.5,
});

describe('comparisons', () => {
  it('are kept as they were told, whether they found something or not', async () => {
    const first = await beginVerification(db, 1, 'somebody');
    expect(first).toMatchObject({ taskId: 1, by: 'somebody', state: 'running', equal: null, tables: [] });
    const tables = [verdict('equal'), verdict('different')];
    await endVerification(db, { ...first, state: 'done', tables }, 1_800_000_000_000);
    const wrong = await readVerification(db, first.id);
    expect(wrong).toEqual({
      ...first,
      state: 'done',
      equal: false,
      endedAt: '2027-01-15T08:00:00.000Z',
      tables,
    });
    const second = await beginVerification(db, 1, 'schedule');
    const fine = [verdict('equal'), verdict('skipped'), verdict('unsettled')];
    await endVerification(db, { ...second, state: 'done', tables: fine }, 1);
    expect((await readVerifications(db, 1)).map(({ id, equal }) => [id, equal])).toEqual([
      [second.id, true],
      [first.id, false],
    ]);
    expect(await readVerifications(db, 2)).toEqual([]);
    expect(await readVerification(db, 99)).toBeNull();
  });

  it('that an earlier server left have failed; the newest of each outcome is known', async () => {
    const ended = await beginVerification(db, 1, 'a');
    await endVerification(db, { ...ended, state: 'done' }, 1);
    const left = await beginVerification(db, 1, 'b');
    const other = await beginVerification(db, 2, 'c');
    const error = { code: 'RUNNER_DIED', message: 'It ended.', remedy: 'Compare again.' };
    await failVerifications(db, error);
    expect(await readVerification(db, left.id)).toMatchObject({ state: 'failed', equal: null, error });
    const last = await lastVerifications(db);
    expect(last.get(1)?.map(({ id, state }) => [id, state])).toEqual([
      [ended.id, 'done'],
      [left.id, 'failed'],
    ]);
    expect(last.get(2)?.map(({ id }) => id)).toEqual([other.id]);
  });

  it('are fifty of each task at most, and go with it', async () => {
    for (let n = 0; n < 55; n++) await beginVerification(db, 1, 'a');
    await beginVerification(db, 2, 'a');
    const kept = await readVerifications(db, 1);
    expect(kept).toHaveLength(50);
    expect([kept[0]?.id, kept.at(-1)?.id]).toEqual([55, 6]);
    await db.deleteFrom('tasks').where('id', '=', 1).execute();
    expect(await db.selectFrom('verifications').select('task_id').execute()).toEqual([{ task_id: 2 }]);
  });
});
