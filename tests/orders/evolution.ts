import type { TableException, Task } from '@sluice/contract';
import { expect } from 'vitest';
import { type SourceType, TestLake } from '../support/lake.ts';
import type { TestConnection } from '../support/postgres.ts';
import { order, reloads, tableOf } from './ordering.ts';

const TASK = 'evolution';

interface Subject {
  readonly type: SourceType;
  readonly connection: TestConnection & { readonly database: string };
  readonly compared: string | TestConnection;
  /** The name of the tables' schema. */
  readonly schema: string;
  query(sql: string): Promise<unknown>;
  /** Words of the database for: the column becomes one of this type. */
  retype(column: string, type: 'bigint' | 'varchar(50)'): string;
  /** Words for: the key has these columns. */
  rekey(table: string, columns: string): string;
}

/** Each policy of schema_evolution, published one after the other onto a task that runs; `calm` is never touched. */
export async function evolutionByPolicy(subject: Subject): Promise<void> {
  const { query, schema } = subject;
  const TABLES = ['w', 's', 's2', 's3', 's4', 'i', 'calm'];
  for (const name of TABLES) {
    await query(`CREATE TABLE ${name} (id int PRIMARY KEY, n int NOT NULL, t varchar(50))`);
    await query(`INSERT INTO ${name} VALUES (1, 1, 'one'), (2, 2, 'two')`);
  }
  await using lake = await TestLake.start();
  await lake.createMirror(TASK, subject.connection, {
    type: subject.type,
    parameters: { schema_evolution: 'widen', commit_interval: '200ms', discover_interval: '1s' },
  });
  await lake.start(TASK);
  await lake.caughtUp(TASK);
  const api = await lake.api();

  const policy = async (name: string): Promise<void> => {
    const { draft } = await api.get<Task>(`/tasks/${TASK}`);
    const parameters = { ...draft?.parameters, schema_evolution: name };
    await api.call('PUT', `/tasks/${TASK}/draft`, { ...draft, parameters });
    expect(await api.post(`/tasks/${TASK}/publish`)).toMatchObject({ waits: [] });
    const version = (await api.get<Task>(`/tasks/${TASK}`)).publishedVersion;
    await lake.until(async () => (await lake.newestRun(TASK))?.version === version);
  };
  const equal = async (...names: string[]): Promise<void> => {
    await lake.caughtUp(TASK);
    expect(await lake.differences(subject.compared, (table) => names.includes(table))).toEqual([]);
  };
  const rowsOf = async (name: string) =>
    (await lake.sql(`SELECT * EXCLUDE (_op, _source_ts) FROM "${schema}".${name} ORDER BY id`)).rows;
  const columnsOf = async (name: string) =>
    (await lake.sql(`SELECT * EXCLUDE (_op, _source_ts) FROM "${schema}".${name} LIMIT 0`)).columns.map(
      (column) => column.name,
    );
  const stops = async (name: string, state: 'stalled' | 'blocked', text: string): Promise<void> => {
    await lake.until(async () => (await tableOf(lake, TASK, name)).state === state);
    expect((await tableOf(lake, TASK, name)).error).toMatchObject({
      code: 'TABLE_SCHEMA_CHANGED',
      message: expect.stringContaining(text),
    });
    expect((await tableOf(lake, TASK, name)).error?.message.startsWith(text)).toBe(true);
    await query(`UPDATE calm SET n = n + 1 WHERE id = 1`);
    await equal('calm');
  };
  const exceptionOf = async (name: string): Promise<TableException> => {
    const found = await api.get<TableException[]>(`/tasks/${TASK}/exceptions`);
    return found.find(({ source }) => source.table === name)!;
  };
  const startsAgain = async (name: string): Promise<void> => {
    expect(await order(lake, TASK, 'start', [name])).toMatchObject([{ outcome: 'done' }]);
    await lake.until(async () => (await tableOf(lake, TASK, name)).state === 'live');
    expect((await tableOf(lake, TASK, name)).error).toBe(null);
    await equal(name);
  };

  // widen: a column more is followed; one less stops the table, and its changes wait.
  await query('ALTER TABLE w ADD COLUMN more int');
  await query(`INSERT INTO w VALUES (3, 3, 'three', 33)`);
  await equal('w');
  await query('ALTER TABLE w DROP COLUMN t');
  await query('INSERT INTO w VALUES (4, 4, 44)');
  await stops('w', 'stalled', 'column dropped: t');
  await query('UPDATE w SET n = 5 WHERE id = 1');
  await lake.caughtUp(TASK);
  expect(await rowsOf('w')).toHaveLength(3);
  expect(await exceptionOf('w')).toMatchObject({
    blocklisted: true,
    startsWith: 'changes',
    differs: true,
    columns: expect.arrayContaining([
      expect.objectContaining({ source: null, target: expect.objectContaining({ name: 't' }) }),
    ]),
  });
  // Nothing is mended: it is refused, with what is still wrong.
  expect(await order(lake, TASK, 'start', ['w'])).toMatchObject([
    { outcome: 'refused', reason: expect.stringContaining('column dropped: t'), state: 'stalled' },
  ]);
  await policy('follow');
  await startsAgain('w');
  expect(await columnsOf('w')).toEqual(['id', 'n', 'more']);

  // stop: any change; put back at the source, the table goes on with the changes of between.
  await policy('stop');
  await query('ALTER TABLE s ADD COLUMN more int');
  await stops('s', 'stalled', 'column added: more');
  await query(`INSERT INTO s VALUES (3, 3, 'three', 33)`);
  await query('ALTER TABLE s DROP COLUMN more');
  await query(`INSERT INTO s VALUES (4, 4, 'four')`);
  await query('DELETE FROM s WHERE id = 1');
  await lake.until(async () => !(await exceptionOf('s')).differs);
  expect(await rowsOf('s')).toHaveLength(2);
  await startsAgain('s');
  expect(await reloads(lake, TASK)).toEqual([]);
  const rekeyed = [
    [`ALTER TABLE s2 ${subject.retype('n', 'varchar(50)')}`, 's2', 'invalid modify column: n is '],
    [subject.rekey('s3', 'id, n'), 's3', 'pk column different: the key is (id, n) at the source and (id)'],
    [`ALTER TABLE s4 ${subject.retype('id', 'bigint')}`, 's4', 'pk column type mismatch: id is bigint'],
  ] as const;
  for (const [statement, name, text] of rekeyed) {
    await query(statement);
    await query(`UPDATE ${name} SET t = 'changed' WHERE id = 2`);
    await stops(name, name === 's4' && subject.type === 'mysql' ? 'stalled' : 'blocked', text);
    expect(await rowsOf(name)).toEqual([
      [1, 1, 'one'],
      [2, 2, 'two'],
    ]);
  }
  // A start of the whole task tries none of them again while the policy is what it is.
  await lake.stop(TASK);
  await lake.start(TASK);
  await lake.caughtUp(TASK);
  for (const [, name, text] of rekeyed)
    expect(await tableOf(lake, TASK, name)).toMatchObject({
      phase: 'blocklisted',
      error: { message: expect.stringContaining(text) },
    });
  await policy('follow');
  for (const [, name] of rekeyed) await startsAgain(name);

  // ignore: the table goes on under the columns that it has.
  await policy('ignore');
  const told = await reloads(lake, TASK);
  await query(`ALTER TABLE i ADD COLUMN more int DEFAULT 7`);
  await query(`INSERT INTO i VALUES (3, 3, 'three', 33)`);
  // What is read of the log and of the catalog is to be of one moment: otherwise the table is loaded.
  await lake.caughtUp(TASK);
  await query('ALTER TABLE i RENAME COLUMN t TO text');
  await query(`UPDATE i SET text = 'changed' WHERE id = 1`);
  await lake.caughtUp(TASK);
  await query('ALTER TABLE i DROP COLUMN n');
  await query(`INSERT INTO i (id, text, more) VALUES (4, 'four', 44)`);
  await lake.caughtUp(TASK);
  await lake.until(async () => (await rowsOf('i')).length === 4);
  expect(await tableOf(lake, TASK, 'i')).toMatchObject({ state: 'live', error: null });
  expect(await columnsOf('i')).toEqual(['id', 'n', 't']);
  expect(await rowsOf('i')).toEqual([
    [1, expect.anything(), 'changed'],
    [2, 2, 'two'],
    [3, 3, 'three'],
    [4, null, 'four'],
  ]);
  expect(await reloads(lake, TASK)).toEqual(told);
  // Paused and resumed, and begun again: still those.
  expect(await order(lake, TASK, 'pause', ['i'])).toMatchObject([{ outcome: 'done' }]);
  await query(`UPDATE i SET text = 'again' WHERE id = 2`);
  await lake.caughtUp(TASK);
  await lake.stop(TASK);
  await lake.start(TASK);
  expect(await order(lake, TASK, 'recover', ['i'])).toMatchObject([{ outcome: 'done' }]);
  await lake.until(async () => (await tableOf(lake, TASK, 'i')).state === 'live');
  expect((await rowsOf('i'))[1]).toEqual([2, null, 'again']);
  // What was ignored is taken over when it is no more.
  await policy('follow');
  await lake.until(async () => (await reloads(lake, TASK)).length > told.length);
  expect((await reloads(lake, TASK)).at(-1)).toMatch(
    /i loaded anew: columns that were ignored are taken over$/,
  );
  await equal(...TABLES);
}
