import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';
import { startPolling } from './poll-counts.ts';

const TASK = 'partitions';

let database: TestDatabase;
let lake: TestLake;

beforeAll(async () => {
  database = await sharedPostgres().createDatabase();
  lake = await TestLake.start();
  await run(
    `CREATE TABLE part (id int, region text, n int, PRIMARY KEY (id, region)) PARTITION BY LIST (region)`,
    `CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('eu', 'uk')`,
    `CREATE TABLE part_us PARTITION OF part FOR VALUES IN ('us') PARTITION BY RANGE (id)`,
    `CREATE TABLE part_us_low PARTITION OF part_us FOR VALUES FROM (0) TO (1000)`,
    `CREATE TABLE part_us_high PARTITION OF part_us FOR VALUES FROM (1000) TO (MAXVALUE)`,
    `INSERT INTO part SELECT i, (ARRAY['eu','uk','us'])[1 + i % 3], i FROM generate_series(1, 300) i`,
  );
  await lake.createMirror(TASK, database.connection);
  await lake.start(TASK);
  await lake.caughtUp(TASK);
});

afterAll(async () => {
  await lake?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const run = async (...statements: readonly string[]): Promise<void> => {
  for (const sql of statements) await database.query(sql);
};

async function exactly(): Promise<void> {
  await lake.caughtUp(TASK);
  expect(await lake.differences(database.url)).toEqual([]);
}

/** What the log does not tell is found by the next look at the source's catalog. */
async function eventually(): Promise<void> {
  let left: readonly string[] = [];
  await lake
    .until(async () => {
      left = await lake.differences(database.url);
      return left.length === 0;
    }, 30)
    .catch(() => undefined);
  expect(left).toEqual([]);
  expect((await lake.newestRun(TASK))?.attempts).toHaveLength(1);
}

/** Two looks at the catalog that began after this call, and the commits behind them. */
async function looked(): Promise<void> {
  for (const time of [1, 2]) {
    await run(`CREATE TABLE look${++looks} (id int PRIMARY KEY); INSERT INTO look${looks} VALUES (${time})`);
    await exactly();
  }
}
let looks = 0;

async function loads(table = 'part'): Promise<number> {
  const found = await lake.newestRun(TASK);
  const api = await lake.api();
  const { lines } = await api.get<{ lines: string[] }>(
    `/attempts/${found!.attempts.at(-1)!.id}/log?tail=10000`,
  );
  return lines.filter((line) => line.includes('full load begins') && line.includes(`"public.${table}"`))
    .length;
}

it('is one table; rows move between partitions, levels and keys', async () => {
  await exactly();
  const before = await loads();
  await run(
    `UPDATE part SET region = 'us' WHERE id % 10 = 0`,
    `UPDATE part SET region = 'uk', n = -n WHERE id % 10 = 1`,
    `UPDATE part SET id = id + 2000 WHERE region = 'us' AND id < 50`,
    `BEGIN; UPDATE part SET region = 'eu' WHERE id > 2000; UPDATE part SET region = 'us' WHERE id > 2010; DELETE FROM part WHERE id = 2010; COMMIT`,
    `DELETE FROM part WHERE id BETWEEN 100 AND 110`,
  );
  await exactly();
  await run(
    'TRUNCATE part',
    `INSERT INTO part SELECT i, (ARRAY['eu','uk','us'])[1 + i % 3], i FROM generate_series(1, 300) i`,
  );
  await exactly();
  expect(before).toBe(1);
});

it('a new partition needs no load', async () => {
  // The TRUNCATE of the root looks like one of each partition.
  await looked();
  const before = await loads();
  await run(
    `CREATE TABLE part_asia PARTITION OF part FOR VALUES IN ('jp', 'kr')`,
    `INSERT INTO part SELECT i, 'jp', i FROM generate_series(1, 50) i`,
    `CREATE TABLE part_def PARTITION OF part DEFAULT`,
    `INSERT INTO part VALUES (1, 'zz', 0)`,
    `BEGIN; CREATE TABLE part_us_neg PARTITION OF part_us FOR VALUES FROM (MINVALUE) TO (0); INSERT INTO part VALUES (-5, 'us', 1); COMMIT`,
  );
  await exactly();
  await looked();
  expect(await loads()).toBe(before);
});

it('ATTACH brings its rows, whenever they were written', async () => {
  const polling = startPolling(lake, ['part']);
  await run(
    `CREATE TABLE part_in (LIKE part INCLUDING ALL); INSERT INTO part_in SELECT i, 'in', i FROM generate_series(1, 40) i`,
    `ALTER TABLE part ATTACH PARTITION part_in FOR VALUES IN ('in')`,
    `INSERT INTO part VALUES (100, 'in', 1)`,
  );
  await eventually();
  // In one transaction, by the fewest commands.
  await run(
    `BEGIN; CREATE TABLE part_cn (id int, region text, n int); INSERT INTO part_cn SELECT i, 'cn', i FROM generate_series(1, 40) i; ALTER TABLE part_cn ADD PRIMARY KEY (id, region); ALTER TABLE part ATTACH PARTITION part_cn FOR VALUES IN ('cn'); COMMIT`,
  );
  await eventually();
  // A level below, with rows in it.
  await run(
    `CREATE TABLE part_sa (id int NOT NULL, region text NOT NULL, n int, PRIMARY KEY (id, region)) PARTITION BY RANGE (id)`,
    `CREATE TABLE part_sa_1 PARTITION OF part_sa FOR VALUES FROM (0) TO (100); INSERT INTO part_sa SELECT i, 'br', i FROM generate_series(1, 40) i`,
    `ALTER TABLE part ATTACH PARTITION part_sa FOR VALUES IN ('br')`,
  );
  await eventually();
  expect(await polling.stop()).toEqual([]);
});

it('DETACH takes its rows along, and they are a table of their own', async () => {
  await run('ALTER TABLE part DETACH PARTITION part_in', `INSERT INTO part_in VALUES (500, 'in', 1)`);
  await eventually();
  await run(
    'DELETE FROM part_in WHERE id < 10',
    `ALTER TABLE part ATTACH PARTITION part_in FOR VALUES IN ('in')`,
  );
  await eventually();
  await run(
    'DROP TABLE part_def',
    'ALTER TABLE part DETACH PARTITION part_in CONCURRENTLY',
    'UPDATE part_in SET n = 9',
  );
  await eventually();
});

it('a partition TRUNCATEd or dropped by itself', async () => {
  await run('TRUNCATE part_eu', `INSERT INTO part VALUES (7000, 'eu', 1)`);
  await eventually();
  await run('DROP TABLE part_asia', `INSERT INTO part VALUES (7001, 'eu', 1)`);
  await eventually();
});

it('VACUUM FULL of a partition, columns added and dropped', async () => {
  await run(
    'VACUUM FULL part_eu',
    'ALTER TABLE part ADD COLUMN extra int',
    'UPDATE part SET extra = id',
    'ALTER TABLE part DROP COLUMN n',
  );
  await exactly();
  await run('ALTER TABLE part ADD COLUMN filled int DEFAULT 4', `INSERT INTO part VALUES (7002, 'eu', 1)`);
  await exactly();
  // A partition whose columns are in another order.
  await run(
    `CREATE TABLE part_odd (filled int, region text NOT NULL, dropped int, extra int, id int NOT NULL)`,
    'ALTER TABLE part_odd DROP COLUMN dropped',
    'ALTER TABLE part_odd ALTER filled SET DEFAULT 4',
    'ALTER TABLE part_odd ADD PRIMARY KEY (id, region)',
    `ALTER TABLE part ATTACH PARTITION part_odd FOR VALUES IN ('odd')`,
    `INSERT INTO part (id, region, extra) VALUES (1, 'odd', 3), (2, 'odd', 4)`,
    `UPDATE part SET extra = 9 WHERE region = 'odd' AND id = 2`,
    `UPDATE part SET region = 'eu' WHERE region = 'odd' AND id = 1`,
  );
  await eventually();
});

it('partitions emptied before the load of their table began are no reason for a second load', async () => {
  await run(
    `CREATE TABLE held (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE held_1 PARTITION OF held FOR VALUES FROM (0) TO (100)`,
  );
  const client = await database.client();
  await client.query('BEGIN; LOCK TABLE held IN SHARE MODE');
  await lake.until(async () => (await lake.tables(TASK)).some(({ source }) => source.table === 'held'));
  await client.query('TRUNCATE held; INSERT INTO held VALUES (1); COMMIT');
  await exactly();
  await looked();
  expect(await loads('held')).toBe(1);
});
