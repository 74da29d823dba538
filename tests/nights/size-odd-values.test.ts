import type { TaskTable } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';

/** Values that PostgreSQL has and the lake's type does not; `shown` is what the message must name. */
const MISFITS = [
  { table: 'far_timestamp', type: 'timestamp', value: `'294276-12-31 23:59:59.999999'`, shown: '294276' },
  { table: 'far_timestamptz', type: 'timestamptz', value: `'294276-12-31 23:59:59+00'`, shown: '294276' },
  { table: 'nan_numeric', type: 'numeric(10,2)', value: `'NaN'`, shown: 'NaN' },
  { table: 'midnight', type: 'time', value: `'24:00:00'`, shown: '24:00:00' },
  { table: 'two_dimensions', type: 'int[]', value: `'{{1,2},{3,4}}'`, shown: '{{1,2},{3,4}}' },
  { table: 'other_bounds', type: 'int[]', value: `'[0:1]={7,8}'`, shown: '[0:1]={7,8}' },
  { table: 'nan_in_array', type: 'numeric(6,1)[]', value: `'{1.5,NaN}'`, shown: 'NaN' },
  { table: 'midnight_in_array', type: 'time[]', value: `'{12:00,24:00}'`, shown: '24:00:00' },
  { table: 'deep_text', type: 'text[]', value: `'{{a,b}}'`, shown: '{{a,b}}' },
] as const;

const GOOD: Readonly<Record<string, string>> = {
  timestamp: `'2024-02-29 12:00'`,
  timestamptz: `'2024-02-29 12:00+00'`,
  'numeric(10,2)': '12.30',
  time: `'12:00'`,
  'int[]': `'{1,NULL,2}'`,
  'numeric(6,1)[]': `'{1.5,-2}'`,
  'time[]': `'{12:00}'`,
  'text[]': `'{a,b}'`,
};

async function makeTables(database: TestDatabase, bad: boolean): Promise<void> {
  for (const { table, type, value } of MISFITS)
    await database.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, "the Value" ${type}); INSERT INTO ${table} VALUES (1, ${GOOD[type]}), (2, NULL)${bad ? `, (3, ${value})` : ''}`,
    );
  await database.query(
    'CREATE TABLE healthy (id int PRIMARY KEY, v text); INSERT INTO healthy VALUES (1, $$a$$)',
  );
}

async function tableOf(lake: TestLake, task: string, name: string): Promise<TaskTable> {
  const found = (await lake.tables(task)).find(({ source }) => source.table === name);
  if (found === undefined) throw new Error(`${name} is no table of ${task}`);
  return found;
}

/** Every misfit is on the blocklist, says column and value, and nothing else is. */
async function expectBlocked(lake: TestLake, task: string): Promise<void> {
  for (const { table, shown } of MISFITS) {
    const found = await tableOf(lake, task, table);
    expect(found, table).toMatchObject({ phase: 'blocklisted', error: { code: 'TABLE_VALUE' } });
    expect(found.error?.message, table).toContain('"the Value"');
    expect(found.error?.message, table).toContain(shown);
    expect(found.error?.remedy, table).not.toBe('');
  }
  expect(await tableOf(lake, task, 'healthy')).toMatchObject({ phase: 'incremental', error: null });
  const status = await lake.status(task);
  expect(status.run).toMatchObject({ state: 'running', failovers: 0 });
  expect(status.tables.blocklisted).toBe(MISFITS.length);
}

describe('a value that its type in the lake cannot hold', () => {
  it('stops only its table when it comes in the full load', { timeout: 60_000 }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await makeTables(database, true);
    await lake.createMirror('misfits', database.connection);
    await lake.start('misfits');
    await lake.caughtUp('misfits', 25);
    await expectBlocked(lake, 'misfits');
    await database.query(`INSERT INTO healthy VALUES (2, 'b')`);
    await lake.caughtUp('misfits', 25);
    expect((await lake.sql('SELECT id, v FROM healthy ORDER BY id')).rows).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    // A table that was never whole is not shown at all.
    const shown = (await lake.sql('SHOW TABLES')).rows;
    expect(shown).toEqual([['public', 'healthy']]);
  });

  it('stops only its table when it comes by the log; what was visible stays', {
    timeout: 60_000,
  }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await makeTables(database, false);
    await lake.createMirror('misfits', database.connection);
    await lake.start('misfits');
    await lake.caughtUp('misfits', 25);
    expect(await lake.differences(database.url)).toEqual([]);
    // One transaction over all: the others of it are not lost.
    await database.query(
      `BEGIN; ${MISFITS.map(({ table, value }) => `UPDATE ${table} SET "the Value" = ${value} WHERE id = 2`).join('; ')}; INSERT INTO healthy VALUES (2, 'b'); COMMIT`,
    );
    await lake.until(async () => (await lake.status('misfits')).tables.blocklisted === MISFITS.length);
    await lake.caughtUp('misfits', 25);
    await expectBlocked(lake, 'misfits');
    expect((await lake.sql('SELECT count(*) FROM healthy')).rows).toEqual([[2]]);
    for (const { table } of MISFITS)
      expect(
        (await lake.sql(`SELECT id, "the Value" IS NULL FROM ${table} ORDER BY id`)).rows,
        table,
      ).toEqual([
        [1, false],
        [2, true],
      ]);
  });

  it('becomes null and is counted under out_of_range=null, by load and by log', {
    timeout: 60_000,
  }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await makeTables(database, true);
    await lake.createMirror('misfits', database.connection, { parameters: { out_of_range: 'null' } });
    await lake.start('misfits');
    await lake.caughtUp('misfits', 25);
    for (const { table } of MISFITS) {
      expect(await tableOf(lake, 'misfits', table), table).toMatchObject({
        phase: 'incremental',
        nulledValues: 1,
        error: null,
      });
      expect(
        (await lake.sql(`SELECT id, "the Value" IS NULL FROM ${table} ORDER BY id`)).rows,
        table,
      ).toEqual([
        [1, false],
        [2, true],
        [3, true],
      ]);
    }
    for (const { table, value } of MISFITS)
      await database.query(
        `UPDATE ${table} SET "the Value" = ${value} WHERE id = 1; INSERT INTO ${table} VALUES (4, ${value})`,
      );
    await lake.caughtUp('misfits', 25);
    for (const { table } of MISFITS) {
      expect((await tableOf(lake, 'misfits', table)).nulledValues, table).toBe(3);
      expect(
        (await lake.sql(`SELECT count(*) FILTER ("the Value" IS NULL), count(*) FROM ${table}`)).rows,
      ).toEqual([[4, 4]]);
    }
    expect(await tableOf(lake, 'misfits', 'healthy')).toMatchObject({ nulledValues: 0 });
  });
});

const INFINITE = [
  { table: 'days', type: 'date' },
  { table: 'stamps', type: 'timestamp' },
  { table: 'moments', type: 'timestamptz' },
] as const;

async function makeInfinite(database: TestDatabase): Promise<void> {
  for (const { table, type } of INFINITE)
    await database.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, v ${type}); INSERT INTO ${table} VALUES (1, 'infinity'), (2, '-infinity'), (3, '2024-02-29'), (4, NULL)`,
    );
}

describe('an infinite date', () => {
  it('becomes null and is counted, by load and by log', { timeout: 60_000 }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await makeInfinite(database);
    await lake.createMirror('infinite', database.connection);
    await lake.start('infinite');
    await lake.caughtUp('infinite', 25);
    expect(await lake.differences(database.url)).toEqual([]);
    for (const { table } of INFINITE)
      expect((await tableOf(lake, 'infinite', table)).nulledValues, table).toBe(2);
    for (const { table } of INFINITE)
      await database.query(
        `UPDATE ${table} SET v = 'infinity' WHERE id = 3; INSERT INTO ${table} VALUES (5, '-infinity')`,
      );
    await lake.caughtUp('infinite', 25);
    expect(await lake.differences(database.url)).toEqual([]);
    for (const { table } of INFINITE)
      expect((await tableOf(lake, 'infinite', table)).nulledValues, table).toBe(4);
  });

  it('stops its table under infinite_dates=error, by load and by log', { timeout: 60_000 }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await makeInfinite(database);
    await database.query(
      `CREATE TABLE later (id int PRIMARY KEY, v date[], w date); INSERT INTO later VALUES (1, '{2024-01-01}', '2024-01-01')`,
    );
    await lake.createMirror('infinite', database.connection, { parameters: { infinite_dates: 'error' } });
    await lake.start('infinite');
    await lake.caughtUp('infinite', 25);
    for (const { table } of INFINITE) {
      const found = await tableOf(lake, 'infinite', table);
      expect(found, table).toMatchObject({ phase: 'blocklisted', error: { code: 'TABLE_VALUE' } });
      expect(found.error?.message, table).toMatch(/"v".*infinity/);
    }
    expect(await tableOf(lake, 'infinite', 'later')).toMatchObject({ phase: 'incremental' });
    await database.query(`UPDATE later SET v = '{2024-01-01,infinity}'`);
    const found = await lake.until(async () => {
      const table = await tableOf(lake, 'infinite', 'later');
      return table.phase === 'blocklisted' && table;
    });
    expect(found.error?.message).toMatch(/"v".*infinity/);
  });

  // As null it would make rows of different keys one.
  it('is refused in a primary key, by load and by log, and is never null there', {
    timeout: 60_000,
  }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await database.query(`
      CREATE TABLE loaded (d date PRIMARY KEY, v int); INSERT INTO loaded VALUES ('infinity', 1), ('-infinity', 2);
      CREATE TABLE logged (a int, d date, v int, PRIMARY KEY (a, d)); INSERT INTO logged VALUES (1, '2024-01-01', 1);
      CREATE TABLE with_double (x float8, d date, v int, PRIMARY KEY (x, d)); INSERT INTO with_double VALUES (1, 'infinity', 1), (1, '-infinity', 2);
      CREATE TABLE by_index (d date NOT NULL UNIQUE, v int); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_d_key;
      INSERT INTO by_index VALUES ('2024-01-01', 1)`);
    await lake.createMirror('keys', database.connection, { parameters: { out_of_range: 'null' } });
    await lake.start('keys');
    await lake.caughtUp('keys', 25);
    for (const table of ['loaded', 'with_double'])
      expect(await tableOf(lake, 'keys', table), table).toMatchObject({
        phase: 'blocklisted',
        error: { code: 'TABLE_VALUE', message: expect.stringMatching(/"d".*infinity/) },
      });
    await database.query(
      `UPDATE logged SET d = 'infinity'; INSERT INTO by_index VALUES ('infinity', 2), ('-infinity', 3)`,
    );
    await lake.until(async () => (await lake.status('keys')).tables.blocklisted === 4);
    for (const table of ['logged', 'by_index'])
      expect(await tableOf(lake, 'keys', table), table).toMatchObject({
        phase: 'blocklisted',
        error: { code: 'TABLE_VALUE', message: expect.stringMatching(/"d".*infinity/) },
      });
    expect((await lake.sql('SELECT d FROM by_index')).rows).toEqual([['2024-01-01']]);
  });
});
