import { expect, it } from 'vitest';
import { attempts, note, runnerPeak } from '../nights/runner-memory.ts';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { NUMBERS } from './numbers.ts';

const ROWS = 2_000_000;
const LIMIT_MIB = 1024;

/** Sums over all rows, made by each side by itself: 2 million rows are too many to be compared one by one here. */
async function expectEqual(lake: TestLake, database: TestMysqlDatabase, table: string): Promise<void> {
  const hash = `substr(hex(CONCAT(id, ':', name, ':', amount)), 1, 12)`;
  const there = await database.rows(
    `SELECT COUNT(*), SUM(id), SUM(amount), SUM(CHAR_LENGTH(name)), SUM(CAST(CONV(${hash}, 16, 10) AS UNSIGNED)) FROM ${table}`,
  );
  const here = await lake.sql(
    `SELECT CAST(count(*) AS VARCHAR), CAST(sum(id) AS VARCHAR), CAST(sum(amount) AS VARCHAR), CAST(sum(length(name)) AS VARCHAR),
            CAST(sum(CAST('0x' || ${hash} AS BIGINT)) AS VARCHAR) FROM "${database.name}".${table}`,
  );
  expect(here.rows).toEqual(there);
}

async function seconds(work: () => Promise<unknown>): Promise<string> {
  const begin = Date.now();
  await work();
  return ((Date.now() - begin) / 1000).toFixed(1);
}

it.each(FLAVOURS)(
  `%s: takes transactions of ${ROWS} rows, and a load of them, under 1 GB`,
  { timeout: 600_000 },
  async (flavour) => {
    await using database = await sharedMysql(flavour).createDatabase();
    await using lake = await TestLake.start();
    const columns = 'id int PRIMARY KEY, name varchar(100), amount decimal(12,2), at datetime';
    for (const sql of NUMBERS) await database.query(sql);
    for (const table of ['logged', 'loaded']) await database.query(`CREATE TABLE ${table} (${columns})`);
    const id = '(x.n - 1) * 1000 + y.n';
    const rows = `SELECT ${id}, CONCAT('name of ', ${id}), (${id}) / 100, '2024-01-01' + INTERVAL (${id}) SECOND
                    FROM numbers x JOIN numbers y WHERE x.n <= ${ROWS / 1000 / 2}`;
    const fill = async (table: string): Promise<void> => {
      await database.query('BEGIN');
      await database.query(`INSERT INTO ${table} ${rows}`);
      await database.query(`INSERT INTO ${table} SELECT id + ${ROWS / 2}, name, amount, at FROM ${table}`);
      await database.query('COMMIT');
    };
    await fill('loaded');
    await lake.createMirror('large', database.connection, { type: flavour });
    await lake.start('large');
    const load = await seconds(() => lake.caughtUp('large', 300));
    await expectEqual(lake, database, 'loaded');
    const afterLoad = await runnerPeak(lake, 'large');

    const wrote = await seconds(() => fill('logged'));
    const inserted = await seconds(() => lake.caughtUp('large', 300));
    await expectEqual(lake, database, 'logged');
    const afterInsert = await runnerPeak(lake, 'large');

    const changed = await seconds(() =>
      database.query(`UPDATE logged SET amount = amount + 1, name = CONCAT(name, '!')`),
    );
    const updated = await seconds(() => lake.caughtUp('large', 300));
    await expectEqual(lake, database, 'logged');
    const peak = await runnerPeak(lake, 'large');

    note(
      `${flavour}, ${ROWS} rows: loaded in ${load} s (peak ${afterLoad} MiB); inserted in ${wrote} s, visible ${inserted} s later ` +
        `(${afterInsert} MiB); updated in ${changed} s, visible ${updated} s later (${peak} MiB)`,
    );
    expect(await attempts(lake, 'large')).toBe(1);
    expect(peak).toBeLessThan(LIMIT_MIB);
  },
);
