import type { RunDetail } from '@sluice/contract';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres } from '../support/postgres.ts';

const quote = pg.escapeIdentifier;

/** 63 bytes, the most that PostgreSQL takes, of letters of two bytes each. */
const LONG = `${'ü'.repeat(31)}x`;

const TABLE_NAMES = [
  'with space',
  `quo"te`,
  `apo'strophe`,
  'Upper',
  'großes Maß',
  '表',
  '😀',
  'a/b',
  '../up',
  '..',
  '.',
  'a.b',
  '100%',
  '%41',
  '9lives',
  'select',
  'order',
  'main',
  'temp',
  'back\\slash',
  'star*?[x]',
  'a=b',
  '#pos',
  ' leading',
  'chg',
  LONG,
  `${'x'.repeat(63)}`,
  'semi;colon--',
  '{SOURCE_TABLE}',
  '$1',
];

const COLUMN_NAMES = [
  ...TABLE_NAMES,
  '_op',
  '_source_ts',
  '__op',
  '#file',
  'filename',
  'file_row_number',
  'c0',
  'c1',
  'f0',
  'f4',
  'ord',
  'op',
  'ts',
  'mask',
  'pos',
  'copies',
  'rowid',
];

/** The rows of one side as text, by place, so that no name can hide a column. */
async function lakeRows(
  lake: TestLake,
  schema: string,
  table: string,
  width: number,
): Promise<readonly unknown[]> {
  const { rows } = await lake.sql(`SELECT * FROM ${quote(schema)}.${quote(table)} ORDER BY 1`);
  return rows.map((row) => row.slice(0, width).map((value) => (value === null ? null : String(value))));
}

describe('names', () => {
  it('of tables and schemas may be anything', { timeout: 120_000 }, async () => {
    await using database = await sharedPostgres().createDatabase(`data "base" ü %`);
    await using lake = await TestLake.start();
    const schemas = [`Sch"ema 'x'`, 'ünï/cøde.%', 'Case', 'main'];
    const all = schemas.flatMap((schema) =>
      (schema === schemas[0] ? TABLE_NAMES : TABLE_NAMES.slice(0, 7)).map(
        (table) => `${quote(schema)}.${quote(table)}`,
      ),
    );
    for (const schema of schemas) await database.query(`CREATE SCHEMA ${quote(schema)}`);
    for (const [n, table] of all.entries())
      await database.query(
        `CREATE TABLE ${table} (id int PRIMARY KEY, v text); INSERT INTO ${table} VALUES (1, 'loaded ${n}'), (2, 'x')`,
      );
    await lake.createMirror('names', database.connection);
    await lake.start('names');
    await lake.caughtUp('names', 60);
    expect(await lake.differences(database.url)).toEqual([]);
    for (const [n, table] of all.entries())
      await database.query(
        `UPDATE ${table} SET v = 'logged ${n}' WHERE id = 2; INSERT INTO ${table} VALUES (3, NULL); DELETE FROM ${table} WHERE id = 1`,
      );
    await lake.caughtUp('names', 60);
    expect(await lake.differences(database.url)).toEqual([]);
    expect((await lake.status('names')).tables).toEqual({
      total: all.length,
      live: all.length,
      blocklisted: 0,
    });
    const run = (await lake.newestRun('names')) as RunDetail;
    expect(run.attempts.length).toBe(1);
  });

  // Query engines and some file systems do not tell case: such tables would be one to them.
  it('of two tables may not differ only in case; that is said, and stands in no other table’s way', {
    timeout: 60_000,
  }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await database.query(
      'CREATE TABLE "Twin" (id int PRIMARY KEY); CREATE TABLE twin (id int PRIMARY KEY); INSERT INTO twin VALUES (1)',
    );
    await expect(lake.createMirror('twins', database.connection)).rejects.toMatchObject({
      code: 'TABLE_NAME_TAKEN',
      message: expect.stringMatching(/public\.Twin and public\.twin/),
    });
    await database.query('DROP TABLE "Twin"');
    await (await lake.api()).post('/tasks/twins/publish');
    await lake.start('twins');
    await lake.caughtUp('twins', 30);
    await database.query(
      'CREATE TABLE "TWIN" (id int PRIMARY KEY); INSERT INTO "TWIN" VALUES (7); INSERT INTO twin VALUES (2)',
    );
    await lake.caughtUp('twins', 30);
    const tables = await lake.tables('twins');
    expect(tables.find(({ source }) => source.table === 'TWIN')).toMatchObject({
      phase: 'blocklisted',
      error: { code: 'TABLE_NAME_TAKEN' },
    });
    expect((await lake.sql('SELECT id FROM public.twin ORDER BY id')).rows).toEqual([[1], [2]]);
  });

  it('of columns may be anything, our own ones too', { timeout: 120_000 }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    const columns = COLUMN_NAMES.map(quote);
    await database.query(`
      CREATE TABLE keyed (id int PRIMARY KEY, ${columns.map((name) => `${name} text`).join(', ')});
      CREATE TABLE bag (id int, ${columns.map((name) => `${name} text`).join(', ')}); ALTER TABLE bag REPLICA IDENTITY FULL;
      CREATE TABLE odd_key ("_op" int, "#pos" text, "select" text, "A b" int, "_source_ts" text, PRIMARY KEY ("#pos", "_op", "A b"));
      INSERT INTO keyed SELECT i, ${columns.map((_, n) => `'v${n}-' || i`).join(', ')} FROM generate_series(1, 3) i;
      INSERT INTO bag SELECT * FROM keyed;
      INSERT INTO odd_key SELECT i, 'p' || i, 's', i, 'ts' FROM generate_series(1, 5) i`);
    await lake.createMirror('columns', database.connection);
    await lake.start('columns');
    await lake.caughtUp('columns', 30);
    const sides = async (table: string): Promise<readonly [unknown, unknown]> => {
      const { rows } = await database.query(`SELECT * FROM ${table} ORDER BY 1`);
      const source = rows.map((row) =>
        Object.values(row).map((value) => (value === null ? null : String(value))),
      );
      return [await lakeRows(lake, 'public', table, Object.keys(rows[0]).length), source];
    };
    for (const table of ['keyed', 'bag', 'odd_key']) {
      const [there, source] = await sides(table);
      expect(there, table).toEqual(source);
    }
    await database.query(`
      UPDATE keyed SET ${columns.map((name, n) => `${name} = 'u${n}'`).join(', ')} WHERE id = 2; DELETE FROM keyed WHERE id = 1;
      UPDATE bag SET "#pos" = 'moved', "_op" = NULL WHERE id = 1; DELETE FROM bag WHERE id = 3;
      UPDATE odd_key SET "#pos" = 'other' WHERE "_op" = 1; UPDATE odd_key SET "select" = NULL WHERE "_op" = 2; DELETE FROM odd_key WHERE "_op" = 3`);
    await lake.caughtUp('columns', 30);
    for (const table of ['keyed', 'bag', 'odd_key']) {
      const [there, source] = await sides(table);
      expect(there, table).toEqual(source);
    }
    // Ours stand aside for the source's.
    const described = await lake.lake().columns('public', 'odd_key');
    expect(described).toEqual(['_op', '#pos', 'select', 'A b', '_source_ts', '__op', '__source_ts']);
  });

  // DuckDB does not tell case in names: the engine goes by ids, SQL shows the later one with its id behind it.
  it('of columns may differ only in case', { timeout: 120_000 }, async () => {
    await using database = await sharedPostgres().createDatabase();
    await using lake = await TestLake.start();
    await database.query(`
      CREATE TABLE folded ("a" int, "A" text, "Ab" text, "AB" text, "aB" text, PRIMARY KEY ("a", "A"));
      INSERT INTO folded SELECT i, 'k' || i, 'Ab' || i, 'AB' || i, 'aB' || i FROM generate_series(1, 4) i`);
    await lake.createMirror('folded', database.connection);
    await lake.start('folded');
    await lake.caughtUp('folded', 30);
    const loaded = await database.query('SELECT * FROM folded ORDER BY 1');
    expect(await lakeRows(lake, 'public', 'folded', 5)).toEqual(
      loaded.rows.map((row) => Object.values(row).map(String)),
    );
    await database.query(`
      UPDATE folded SET "AB" = 'new' WHERE "a" = 1; UPDATE folded SET "A" = 'moved' WHERE "a" = 2; DELETE FROM folded WHERE "a" = 3;
      INSERT INTO folded VALUES (9, 'n', '1', '2', '3'); UPDATE folded SET "a" = 10, "aB" = 'z' WHERE "a" = 4`);
    await lake.caughtUp('folded', 30);
    const logged = await database.query('SELECT * FROM folded ORDER BY 1');
    expect(await lakeRows(lake, 'public', 'folded', 5)).toEqual(
      logged.rows.map((row) => Object.values(row).map(String)),
    );
    expect((await lake.lake().columns('public', 'folded'))?.slice(0, 5)).toEqual([
      'a',
      'A',
      'Ab',
      'AB',
      'aB',
    ]);
    // A column that comes by DDL and meets another's name.
    await database.query(
      `ALTER TABLE folded ADD COLUMN "ab" text; UPDATE folded SET "ab" = 'late' WHERE "a" = 9`,
    );
    await lake.caughtUp('folded', 30);
    const altered = await database.query('SELECT * FROM folded ORDER BY 1');
    expect(await lakeRows(lake, 'public', 'folded', 6)).toEqual(
      altered.rows.map((row) => Object.values(row).map((value) => (value === null ? null : String(value)))),
    );
  });
});
