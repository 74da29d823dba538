import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, type Flavour, sharedMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { type MysqlTypeRow, typesOf } from './type-matrix-mysql.ts';
import { inLake, inSource, lakeText, sourceText } from './type-writing-mysql.ts';

const TASK = 'types';
const TABLES = ['loaded', 'inserted', 'updated'] as const;

/** Whoever writes has other settings than the mirror: the matrix's literals are read under these. */
const WRITER = `SET sql_mode = 'NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES', time_zone = '+09:00'`;
const READER = `SET sql_mode = '', time_zone = '+00:00'`;

/** Types whose values a primary key can have; texts of any length cannot be one, nor JSON, nor geometries. */
const isKey = ({ type, as }: MysqlTypeRow): boolean =>
  as !== 'geometry' && !/text|blob|^json|vector|compressed|char\(0\)|\(3000\)/i.test(type);

const allValues = (row: MysqlTypeRow): readonly string[] => [...row.values, ...(row.nulled ?? [])];

/** The server that tests start knows every type; of one that a URL names, those that it knows are tested. */
async function knownTypes(flavour: Flavour): Promise<readonly MysqlTypeRow[]> {
  const all = typesOf(flavour);
  if ((process.env[`SLUICE_TEST_${flavour.toUpperCase()}_URL`] ?? '') === '') return all;
  await using database = await sharedMysql(flavour).createDatabase();
  await database.query(WRITER);
  const known: MysqlTypeRow[] = [];
  for (const row of all)
    try {
      await database.query(`CREATE TABLE probe (c ${row.type} NULL)`);
      for (const value of allValues(row)) await database.query(`INSERT INTO probe VALUES (${value})`);
      await database.query(`SELECT ${inSource(row, 'c', flavour)} FROM probe`);
      known.push(row);
    } catch (error) {
      process.stderr.write(`${flavour} has no ${row.type} as it is tested: ${(error as Error).message}\n`);
    } finally {
      await database.query('DROP TABLE IF EXISTS probe');
    }
  return known;
}
const KNOWN = { mysql: await knownTypes('mysql'), mariadb: await knownTypes('mariadb') } as const;

describe.each(FLAVOURS)('%s', (flavour: Flavour) => {
  const types = KNOWN[flavour];
  const rows = Math.max(...types.map((row) => allValues(row).length));
  const keys = types.filter(isKey);
  let database: TestMysqlDatabase;
  let lake: TestLake;

  beforeAll(async () => {
    database = await sharedMysql(flavour).createDatabase();
    await database.query(WRITER);
    const columns = types.map((row, at) => `c${at} ${row.type} NULL`).join(', ');
    for (const table of TABLES)
      await database.query(
        `CREATE TABLE ${table} (id int PRIMARY KEY, n int, ${columns}) ROW_FORMAT = DYNAMIC`,
      );
    for (const [at, row] of keys.entries())
      await database.query(`CREATE TABLE key${at} (k ${row.type} NOT NULL PRIMARY KEY, n int)`);
    await write('loaded');
    for (let n = 0; n <= rows; n++) await database.query(`INSERT INTO updated (id, n) VALUES (${n}, 0)`);
    for (const [at, row] of keys.entries())
      for (const [n, value] of row.values.entries())
        await database.query(`INSERT IGNORE INTO key${at} VALUES (${value}, ${n})`);
    lake = await TestLake.start();
    // The longest keys of the matrix are longer than the default allows.
    await lake.createMirror(TASK, database.connection, {
      type: flavour,
      parameters: { max_key_size: '1KB' },
    });
    await lake.start(TASK);
    await lake.caughtUp(TASK, 120);
    await write('inserted');
    for (let n = 0; n <= rows; n++)
      await database.query(
        `UPDATE updated SET ${types.map((row, at) => `c${at} = ${cell(row, n)}`).join(', ')} WHERE id = ${n}`,
      );
    await database.query('UPDATE updated SET n = n + 1');
    await lake.caughtUp(TASK, 120);
  }, 400_000);

  afterAll(async () => {
    await lake?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  }, 60_000);

  const cell = (row: MysqlTypeRow, n: number): string => allValues(row)[n] ?? 'NULL';

  async function write(table: string): Promise<void> {
    for (let n = 0; n <= rows; n++)
      await database.query(
        `INSERT INTO ${table} VALUES (${n}, 0, ${types.map((row) => cell(row, n)).join(', ')})`,
      );
  }

  async function source(sql: string): Promise<(string | null)[][]> {
    await database.query(READER);
    try {
      return await database.rows(sql);
    } finally {
      await database.query(WRITER);
    }
  }

  const inTheLake = async (sql: string): Promise<(string | null)[][]> =>
    (await lake.sql(sql)).rows as (string | null)[][];

  const columnTypes = async (table: string): Promise<ReadonlyMap<string, string>> => {
    const api = await lake.api();
    const found = await api.get<{ columns: { name: string; type: string }[] }>(
      `/lake-tables/describe?schema=${database.name}&table=${table}`,
    );
    return new Map(found.columns.map(({ name, type }) => [name, type]));
  };

  describe.each(TABLES)('%s', (table) => {
    let theirs: (string | null)[][];
    let ours: (string | null)[][];
    let found: ReadonlyMap<string, string>;

    beforeAll(async () => {
      expect((await lake.tables(TASK)).find((row) => row.source.table === table)).toMatchObject({
        state: 'live',
        error: null,
      });
      theirs = await source(
        `SELECT ${types.map((row, at) => inSource(row, `c${at}`, flavour)).join(', ')} FROM ${table} ORDER BY id`,
      );
      ours = await inTheLake(
        `SELECT ${types.map((row, at) => inLake(row, `c${at}`)).join(', ')} FROM "${database.name}".${table} ORDER BY id`,
      );
      found = await columnTypes(table);
      expect(ours).toHaveLength(rows + 1);
    });

    it.each(types.map((row, at) => [row.type, row, at] as const))('%s', (_type, row, at) => {
      expect(found.get(`c${at}`)).toBe(row.lake);
      for (let n = 0; n <= rows; n++) {
        const value = allValues(row)[n];
        const [there, here] = [sourceText(row, theirs[n]![at]!), lakeText(row, ours[n]![at]!)];
        // A long value is not worth a page of differences.
        if ((here ?? '').length < 5000) expect([value, here]).toEqual([value, there]);
        else expect(here === there).toBe(true);
        // The comparison itself would not notice what is null on both sides for no reason.
        if (value !== undefined)
          expect([value, here === null]).toEqual([value, row.nulled?.includes(value) === true]);
      }
    });
  });

  it('no table was loaded twice', async () => {
    const run = await lake.newestRun(TASK);
    const { lines } = await (await lake.api()).get<{ lines: string[] }>(
      `/attempts/${run!.attempts.at(-1)!.id}/log?tail=10000`,
    );
    expect(lines.filter((line) => line.includes('a table is loaded anew'))).toEqual([]);
  });

  it('what became null is counted', async () => {
    const expected = types.reduce((sum, row) => sum + (row.nulled?.length ?? 0), 0);
    const counts = (await lake.tables(TASK))
      .filter((row) => TABLES.some((table) => table === row.source.table))
      .map((row) => row.nulledValues);
    // Each line of the log counts, and the rows of `updated` were written twice.
    expect([...counts].sort((a, b) => a - b)).toEqual([expected, expected, 2 * expected]);
  });

  it('types as keys: rows are found again', async () => {
    for (const [at, row] of keys.entries()) {
      await database.query(`UPDATE key${at} SET n = n + 100`);
      await database.query(`DELETE FROM key${at} WHERE n % 3 = 2`);
      await database.query(`UPDATE key${at} SET n = -n WHERE n % 2 = 0`);
      // Another text, though for many collations the same key.
      if (/char/.test(row.type) && row.as === 'text')
        await database.query(`UPDATE IGNORE key${at} SET k = IF(n % 5 = 0, UPPER(k), LOWER(k))`);
    }
    await lake.caughtUp(TASK, 120);
    const sorted = (list: (string | null)[][]): string[] => list.map((one) => JSON.stringify(one)).sort();
    for (const [at, row] of keys.entries()) {
      const theirs = await source(`SELECT ${inSource(row, 'k', flavour)}, n FROM key${at}`);
      const ours = await inTheLake(
        `SELECT ${inLake(row, 'k')}, CAST(n AS VARCHAR) FROM "${database.name}".key${at}`,
      );
      const here = ours.map(([k, n]) => [lakeText(row, k!), n] as (string | null)[]);
      const there = theirs.map(([k, n]) => [sourceText(row, k!), n] as (string | null)[]);
      expect([row.type, sorted(here)]).toEqual([row.type, sorted(there)]);
      expect(there.length).toBeGreaterThan(0);
    }
  }, 120_000);

  describe('values without a counterpart', () => {
    const refused = types.flatMap((row) => (row.refused ?? []).map((value) => ({ row, value })));
    const named = refused.flatMap((_, at) => [`refused_load${at}`, `refused_log${at}`]);

    it('stop their table, by full load and by the log, and no other', async () => {
      for (const [at, { row, value }] of refused.entries())
        for (const [table, first] of [
          [`refused_load${at}`, value],
          [`refused_log${at}`, 'NULL'],
        ] as const) {
          await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, \`the column\` ${row.type} NULL)`);
          await database.query(`INSERT INTO ${table} VALUES (1, ${first})`);
        }
      await lake.caughtUp(TASK, 120);
      for (const [at, { value }] of refused.entries())
        await database.query(`INSERT INTO refused_log${at} VALUES (2, ${value})`);
      await database.query('UPDATE loaded SET n = 77 WHERE id = 0');
      await lake.caughtUp(TASK, 120);
      const tables = new Map((await lake.tables(TASK)).map((table) => [table.source.table, table]));
      for (const table of named) {
        expect([table, tables.get(table)]).toMatchObject([
          table,
          // What a load could not read is not there; what the log told is kept for when it can be.
          { state: table.startsWith('refused_log') ? 'stalled' : 'blocked', error: { code: 'TABLE_VALUE' } },
        ]);
        expect(tables.get(table)!.error!.message).toContain('the column');
      }
      // What was visible stays; nothing nearly right comes after it.
      expect(await inTheLake(`SELECT CAST(id AS VARCHAR) FROM "${database.name}".refused_log0`)).toEqual([
        ['1'],
      ]);
      expect(
        await inTheLake(`SELECT CAST(n AS VARCHAR) FROM "${database.name}".loaded WHERE id = 0`),
      ).toEqual([['77']]);
    }, 120_000);

    it('or become null and are counted', async () => {
      await second('nulled', named, { out_of_range: 'null' });
      for (const [at, { value }] of refused.entries())
        await database.query(`INSERT INTO refused_load${at} VALUES (3, ${value})`);
      await lake.caughtUp('nulled', 120);
      for (const table of await lake.tables('nulled')) {
        expect([table.source.table, table]).toMatchObject([
          table.source.table,
          { state: 'live', error: null, nulledValues: table.source.table.startsWith('refused_load') ? 2 : 1 },
        ]);
        const answer = await inTheLake(
          `SELECT count(*)::VARCHAR, count("the column")::VARCHAR FROM nulled."${table.target.table}"`,
        );
        expect(answer).toEqual([['2', '0']]);
      }
    }, 120_000);

    it('have one where the task reads times as text and tinyint(1) as a number', async () => {
      const wide = `SELECT id, CAST(t AS CHAR), CAST(t6 AS CHAR), CAST(b AS CHAR), CAST(u AS CHAR) FROM wide ORDER BY id`;
      await database.query(
        'CREATE TABLE wide (id int PRIMARY KEY, t time, t6 time(6), b tinyint(1), u tinyint(1) unsigned)',
      );
      const values = [
        `'838:59:59', '838:59:58.999999', 127, 255`,
        `'-838:59:59', '-838:59:58.999999', -128, 0`,
        `'-00:00:01', '-00:00:00.000001', -1, 1`,
        `'24:00:00', '23:59:59.5', 2, 2`,
        `NULL, NULL, NULL, NULL`,
      ];
      for (const [at, value] of values.entries())
        await database.query(`INSERT INTO wide VALUES (${at}, ${value})`);
      await second('wide', ['wide'], { tinyint1: 'int', time: 'string' });
      for (const [at, value] of values.entries())
        await database.query(`INSERT INTO wide VALUES (${at + 10}, ${value})`);
      await database.query('UPDATE wide SET id = id + 100 WHERE id IN (1, 11)');
      await lake.caughtUp('wide', 120);
      expect(
        await inTheLake(
          `SELECT CAST(id AS VARCHAR), t, t6, CAST(b AS VARCHAR), CAST(u AS VARCHAR) FROM wide."${database.name}.wide" ORDER BY id`,
        ),
      ).toEqual(await source(wide));
    }, 120_000);

    it('zero dates stop their table where the task says so', async () => {
      await database.query('CREATE TABLE zero (id int PRIMARY KEY, d date)');
      await database.query(`INSERT INTO zero VALUES (1, '2024-01-01')`);
      await second('zeros', ['zero'], { zero_dates: 'error' });
      await database.query(`INSERT INTO zero VALUES (2, '2024-02-00')`);
      await lake.caughtUp('zeros', 120);
      expect(await lake.tables('zeros')).toMatchObject([
        { state: 'stalled', error: { code: 'TABLE_VALUE' } },
      ]);
    }, 120_000);

    /** Another task over some of the tables, into a schema of its name. */
    async function second(
      name: string,
      wanted: readonly string[],
      parameters: Readonly<Record<string, string>>,
    ): Promise<void> {
      const api = await lake.api();
      const spec = {
        dataSource: TASK,
        database: database.name,
        pipelineType: 1,
        tables: wanted.map((table) => ({ schema: database.name, table })),
        targetSchema: name,
        targetTable: '{SOURCE_DATABASE}.{SOURCE_TABLE}',
        parameters: { commit_interval: '200ms', ...parameters },
      };
      await api.post('/tasks', { name, folder: 'tests', spec });
      await api.post(`/tasks/${name}/publish`);
      await lake.start(name);
      await lake.caughtUp(name, 120);
    }
  });
});
