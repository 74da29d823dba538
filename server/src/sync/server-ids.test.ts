import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type MetastoreDb, openMetastore } from '../store/open-metastore.ts';
import { taskServerIds } from './server-ids.ts';

const NONE: ReadonlySet<number> = new Set();
const TASKS = 8;

let folder: string;
let db: MetastoreDb;
const opened: MetastoreDb[] = [];

async function open(): Promise<MetastoreDb> {
  const made = await openMetastore(join(folder, 'metastore.db'));
  opened.push(made);
  return made;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-server-ids-'));
  db = await open();
  await db.insertInto('folders').values({ name: 'f', created_at: 0 }).execute();
  for (let n = 1; n <= TASKS; n++)
    await db
      .insertInto('tasks')
      .values({
        name: `t${n}`,
        source_key: `t${n}`,
        folder_id: 1,
        task_type: 281,
        draft_json: '{}',
        created_at: 0,
        updated_at: 0,
      })
      .execute();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.destroy();
  await rm(folder, { recursive: true, force: true });
});

it('gives each task of a server another number, and the same one again', async () => {
  expect(await taskServerIds(db, 1).allot('a', NONE)).toBe(5400);
  expect(await taskServerIds(db, 2).allot('a', NONE)).toBe(5401);
  expect(await taskServerIds(db, 1).allot('a', NONE)).toBe(5400);
  // Another server knows nothing of the first one's replicas.
  expect(await taskServerIds(db, 2).allot('b', NONE)).toBe(5400);
  expect(await taskServerIds(db, 2).allot('a', NONE)).toBe(5401);
});

it('passes over what strangers have, and keeps what it took instead', async () => {
  expect(await taskServerIds(db, 1).allot('a', NONE)).toBe(5400);
  expect(await taskServerIds(db, 1).allot('a', new Set([5400, 5401]))).toBe(5402);
  expect(await taskServerIds(db, 1).allot('a', NONE)).toBe(5402);
  // The number that was given up is free again for whoever does not know of the stranger.
  expect(await taskServerIds(db, 2).allot('a', NONE)).toBe(5400);
});

it('gives a number to one task only, however many processes ask at once', async () => {
  const processes = await Promise.all(Array.from({ length: TASKS }, () => open()));
  const numbers = await Promise.all(processes.map((one, n) => taskServerIds(one, n + 1).allot('a', NONE)));
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: TASKS }, (_, n) => 5400 + n));
});

it('has a deleted task give its number back', async () => {
  expect(await taskServerIds(db, 1).allot('a', NONE)).toBe(5400);
  await db.deleteFrom('tasks').where('id', '=', 1).execute();
  expect(await taskServerIds(db, 2).allot('a', NONE)).toBe(5400);
});

it('says so when none is free', async () => {
  const strangers = new Set(Array.from({ length: 1000 }, (_, n) => 5400 + n));
  expect(await taskServerIds(db, 1).allot('a', strangers)).toBe(6400);
  await expect(taskServerIds(db, 2).allot('a', strangers)).rejects.toMatchObject({
    code: 'SERVER_ID_TAKEN',
    message: expect.stringContaining('between 5400 and 6400'),
  });
});
