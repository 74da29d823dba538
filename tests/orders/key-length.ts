import type { Task } from '@sluice/contract';
import { expect } from 'vitest';
import { type SourceType, TestLake } from '../support/lake.ts';
import type { TestConnection } from '../support/postgres.ts';
import { order, tableOf } from './ordering.ts';

const TASK = 'long-keys';

async function raise(lake: TestLake, to: string): Promise<void> {
  const api = await lake.api();
  const { draft } = await api.get<Task>(`/tasks/${TASK}`);
  const parameters = { ...draft?.parameters, max_key_size: to };
  await api.call('PUT', `/tasks/${TASK}/draft`, { ...draft, parameters });
  expect(await api.post(`/tasks/${TASK}/publish`)).toMatchObject({ waits: [] });
}

interface Subject {
  readonly type: SourceType;
  readonly connection: TestConnection & { readonly database: string };
  readonly compared: string | TestConnection;
  /** The name of the tables' schema. */
  readonly schema: string;
  query(sql: string): Promise<unknown>;
}

/** A key that is too long stops its table only, and a greater limit lets it go on. */
export async function longKeys(subject: Subject): Promise<void> {
  const { query } = subject;
  // a: an int and 187 bytes of 187 letters. b: 124 bytes of 62 letters, and the int: just what is allowed.
  const rows = [
    `INSERT INTO a VALUES (1, '${'x'.repeat(187)}', 1), (2, 'short', 2)`,
    `INSERT INTO b VALUES (1, '${'é'.repeat(62)}', 1)`,
  ];
  for (const name of ['a', 'b', 'c'])
    await query(`CREATE TABLE ${name} (n int, k varchar(250), v int, PRIMARY KEY (n, k))`);
  for (const row of rows) await query(row);
  await using lake = await TestLake.start();
  await lake.createMirror(TASK, subject.connection, { type: subject.type });
  await lake.start(TASK);
  await lake.caughtUp(TASK);

  // By the full load: nothing of the table is visible, and the others are.
  expect(await tableOf(lake, TASK, 'a')).toMatchObject({
    state: 'blocked',
    phase: 'blocklisted',
    error: {
      code: 'TABLE_KEY_LENGTH',
      message: expect.stringMatching(
        /^Encoded key size 191 exceeds max size 128: a row of \S+\.a, whose key \("n", "k"\) begins with "1, xxx/,
      ),
      remedy: expect.stringContaining('max_key_size'),
    },
  });
  expect(await lake.differences(subject.compared, (table) => table !== 'a')).toEqual([]);

  // By the log: what is visible stays, its changes are kept, and the others go on.
  await query(`INSERT INTO b VALUES (2, '${'é'.repeat(62)}x', 1)`);
  await lake.until(async () => (await tableOf(lake, TASK, 'b')).state === 'stalled');
  await query("INSERT INTO b VALUES (3, 'later', 3)");
  await query("INSERT INTO c VALUES (1, 'one', 1)");
  await lake.caughtUp(TASK);
  expect(await tableOf(lake, TASK, 'b')).toMatchObject({
    state: 'stalled',
    error: { message: expect.stringMatching(/^Encoded key size 129 exceeds max size 128: /) },
  });
  expect((await lake.sql(`SELECT count(*) FROM "${subject.schema}".b`)).rows).toEqual([[1]]);
  expect(await lake.differences(subject.compared, (table) => table === 'c')).toEqual([]);

  await raise(lake, '191');
  const { rowsLoaded } = await tableOf(lake, TASK, 'b');
  expect(await order(lake, TASK, 'start', ['a', 'b'])).toMatchObject([
    { outcome: 'done' },
    { outcome: 'done' },
  ]);
  await lake.until(async () => (await lake.tables(TASK)).every(({ state }) => state === 'live'));
  await lake.caughtUp(TASK);
  expect(await lake.differences(subject.compared)).toEqual([]);
  expect(await tableOf(lake, TASK, 'b')).toMatchObject({ rowsLoaded, error: null });
  expect((await lake.newestRun(TASK))?.attempts).toHaveLength(1);
}
