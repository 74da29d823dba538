import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

describe('databases and tables of odd shapes', () => {
  it('follows an empty database until it has tables', async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await lake.createMirror('empty', database.connection);
    await lake.start('empty');
    await lake.caughtUp('empty', 30);
    expect(await lake.tables('empty')).toEqual([]);
    expect(await lake.status('empty')).toMatchObject({
      run: { state: 'running' },
      phase: 'incremental',
      error: null,
    });
    await database.query(`CREATE TABLE first (id int PRIMARY KEY); INSERT INTO first VALUES (1)`);
    await lake.caughtUp('empty', 30);
    expect(await lake.differences(database.url)).toEqual([]);
    await database.query('INSERT INTO first VALUES (2)');
    await lake.caughtUp('empty', 30);
    expect(await lake.differences(database.url)).toEqual([]);
    expect((await lake.status('empty')).run?.failovers).toBe(0);
  });

  it('mirrors empty, narrow and wide tables', { timeout: 120_000 }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    const wide = Array.from(
      { length: 1200 },
      (_, n) => `c${n} ${n % 3 === 0 ? 'int' : n % 3 === 1 ? 'text' : 'boolean'}`,
    );
    await database.query(`
      CREATE TABLE empty (id int PRIMARY KEY, v text);
      CREATE TABLE one_null (v text); ALTER TABLE one_null REPLICA IDENTITY FULL; INSERT INTO one_null VALUES (NULL), (NULL), ('');
      CREATE TABLE no_columns (); INSERT INTO no_columns DEFAULT VALUES;
      CREATE TABLE no_columns_full (); ALTER TABLE no_columns_full REPLICA IDENTITY FULL; INSERT INTO no_columns_full DEFAULT VALUES;
      CREATE TABLE only_key (id int PRIMARY KEY); INSERT INTO only_key VALUES (1), (2);
      CREATE TABLE wide (id int PRIMARY KEY, ${wide.join(', ')});
      INSERT INTO wide (id, c0, c1, c2, c1199) SELECT i, i, 'x' || i, true, true FROM generate_series(1, 20) i`);
    await lake.createMirror('shapes', database.connection);
    await lake.start('shapes');
    await lake.caughtUp('shapes', 60);
    const compared = async (): Promise<readonly string[]> =>
      (await lake.differences(database.url)).filter((text) => !text.startsWith('public.no_columns'));
    expect(await compared()).toEqual([]);
    await database.query(
      `
      INSERT INTO empty VALUES (1, 'a'); DELETE FROM empty; INSERT INTO one_null VALUES (NULL); DELETE FROM one_null WHERE v = '';
      INSERT INTO no_columns DEFAULT VALUES; INSERT INTO no_columns_full DEFAULT VALUES;
      UPDATE only_key SET id = 5 WHERE id = 1; UPDATE wide SET c1198 = 7, c1 = NULL WHERE id % 2 = 0; DELETE FROM wide WHERE id = 3`.replace(
        'c1198 = 7',
        'c600 = 7',
      ),
    );
    await lake.caughtUp('shapes', 60);
    expect(await compared()).toEqual([]);
    // A table without columns has nothing that a lakehouse table could hold a row by; it says so and stands in nobody's way.
    const tables = await lake.tables('shapes');
    for (const name of ['no_columns', 'no_columns_full'])
      expect(
        tables.find(({ source }) => source.table === name),
        name,
      ).toMatchObject({ phase: 'blocklisted' });
    expect((await lake.status('shapes')).run).toMatchObject({ state: 'running', failovers: 0 });
  });
});
