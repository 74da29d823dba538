import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task, TimelineEvent, Verification } from '@sluice/contract';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { parseExposition } from '../metrics/exposition-text.ts';
import { order } from '../orders/ordering.ts';
import { repaired, verdictOf, verify } from '../support/comparison.ts';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, sharedMysql } from '../support/mysql.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { NUMBERS } from './numbers.ts';

/** Works on until the signal, again and again. */
async function busy(work: (round: number) => Promise<unknown>, stop: AbortSignal): Promise<number> {
  let rounds = 0;
  while (!stop.aborted) await work(rounds++);
  return rounds;
}

describe.each(FLAVOURS)('a comparison with %s', (flavour) => {
  it('finds what the log did not tell, under writes, and nothing else', { timeout: 240_000 }, async () => {
    await using database = await sharedMysql(flavour).createDatabase();
    for (const sql of NUMBERS) await database.query(sql);
    await database.query(`CREATE TABLE keyed (region varchar(10), id bigint, name varchar(50), price decimal(10,2),
      at datetime(3), raw varbinary(20), PRIMARY KEY (region, id))`);
    await database.query(`INSERT INTO keyed SELECT CONCAT('r', n % 3), n, CONCAT('name ', n), n / 7,
      '2024-02-29' + INTERVAL n SECOND, UNHEX(LPAD(HEX(n), 8, '0')) FROM numbers`);
    await database.query('CREATE TABLE calm (id int PRIMARY KEY, at timestamp(6) NULL)');
    await database.query(`INSERT INTO calm SELECT n, IF(n = 7, NULL, '2024-01-01 00:00:00') FROM numbers`);
    await database.query('CREATE TABLE bag (a int, t varchar(10))');
    await database.query("INSERT INTO bag SELECT n % 100, IF(n % 2, NULL, 'even') FROM numbers");
    await using lake = await TestLake.start();
    await lake.createMirror('compared', database.connection, { type: flavour });
    await lake.start('compared');
    await lake.caughtUp('compared');

    const stop = new AbortController();
    const writing = busy(async (round) => {
      await database.query(
        `UPDATE keyed SET price = price + 1, name = '${round}' WHERE id % 50 = ${round % 50} AND id < 900`,
      );
      await database.query(`INSERT INTO keyed (region, id, name) VALUES ('new', ${100_000 + round}, 'x')`);
      await database.query(`DELETE FROM keyed WHERE region = 'new' AND id = ${100_000 + round - 5}`);
      await database.query(`INSERT INTO bag VALUES (${1000 + round}, 'new'), (${1000 + round}, 'new')`);
      await database.query(`DELETE FROM bag WHERE a = ${1000 + round - 3} LIMIT 1`);
    }, stop.signal);
    try {
      const clean = await verify(lake, 'compared');
      expect(clean).toMatchObject({ state: 'done', error: null, equal: true });
      expect(verdictOf(clean, 'calm')).toMatchObject({
        verdict: 'equal',
        sourceRows: 1000,
        lakeRows: 1000,
        looks: 0,
        ops: { I: 1000 },
        followed: null,
        columns: [
          {
            column: 'id',
            sourceType: expect.stringMatching(/^int/),
            lakeType: 'int',
            mapping: 'exact',
            sourceNulls: 0,
            lakeNulls: 0,
          },
          {
            column: 'at',
            sourceType: 'timestamp(6)',
            lakeType: 'timestamptz',
            mapping: 'exact',
            sourceNulls: 1,
            lakeNulls: 1,
          },
        ],
      });
      expect(verdictOf(clean, 'keyed')).toMatchObject({ missing: 0, extra: 0, changed: 0 });
      expect(verdictOf(clean, 'bag')).toMatchObject({
        missing: 0,
        extra: 0,
        changed: 0,
        columns: expect.any(Array),
      });

      // Past the log: no reader can know of it. On a connection of its own, for the writer goes on.
      const aside = await database.client();
      await aside.query('SET SESSION sql_log_bin = 0');
      await aside.query("INSERT INTO keyed (region, id, name) VALUES ('lost', 1001, 'x')");
      await aside.query('DELETE FROM keyed WHERE id = 997');
      await aside.query("UPDATE keyed SET name = 'stale' WHERE id IN (998, 999)");
      // One more of a row that is there ten times, one that is new, and one kind of row that is gone.
      await aside.query("INSERT INTO bag VALUES (2, 'even'), (-1, 'lost')");
      await aside.query('DELETE FROM bag WHERE a = 5');
      const found = await verify(lake, 'compared', ['keyed', 'bag']);
      expect(found).toMatchObject({ state: 'done', error: null, equal: false });
      const keyed = verdictOf(found, 'keyed');
      expect(keyed).toMatchObject({ verdict: 'different', missing: 1, extra: 1, changed: 2 });
      expect(keyed.examples.map(({ difference, key }) => [difference, key.region, key.id]).sort()).toEqual([
        ['changed', 'r0', '999'],
        ['changed', 'r2', '998'],
        ['extra', 'r1', '997'],
        ['missing', 'lost', '1001'],
      ]);
      expect(keyed.freshnessMs).toBeLessThan(60_000);
      // No key names one of its rows; loading it anew mends it.
      expect(verdictOf(found, 'bag')).toMatchObject({
        ...{ verdict: 'different', missing: 1, extra: 1, changed: 1 },
        ...{ examples: [], repair: null },
      });

      const after = await repaired(lake, 'compared', 'keyed');
      expect(after).toMatchObject({ state: 'done', equal: true });
      expect(verdictOf(after, 'keyed')).toMatchObject({ missing: 0, extra: 0, changed: 0 });
      await order(lake, 'compared', 'resync', ['bag']);
      await lake.caughtUp('compared');
      const mended = await verify(lake, 'compared', ['bag']);
      expect(verdictOf(mended, 'bag')).toMatchObject({
        missing: 0,
        extra: 0,
        changed: 0,
        ops: expect.any(Object),
      });
    } finally {
      stop.abort();
      expect(await writing).toBeGreaterThan(5);
    }
    await lake.caughtUp('compared');
    expect(await lake.differences(database.connection)).toEqual([]);
  });
});

describe('a comparison with PostgreSQL', () => {
  it('finds no difference under writes, of every type, and leaves nothing behind', {
    timeout: 240_000,
  }, async () => {
    await using database = await sharedPostgres().createDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(`CREATE TABLE odd (id uuid PRIMARY KEY, n numeric(20,5), d double precision, b bytea,
          t timestamptz, a int[], j jsonb, flag boolean, f real, day date);
        INSERT INTO odd SELECT gen_random_uuid(), i / 7.0, sqrt(i), decode(md5(i::text), 'hex'), now() + i * interval '1 s',
          ARRAY[i, NULL, i + 1], jsonb_build_object('i', i), i % 2 = 0, i / 3.0, DATE '2024-02-29' + i FROM generate_series(1, 20000) i;
        INSERT INTO odd (id, d, t, day) VALUES (gen_random_uuid(), 'NaN', 'infinity', '-infinity'), (gen_random_uuid(), '-0', NULL, NULL);
        CREATE TABLE bag AS SELECT d, a, j FROM odd UNION ALL SELECT d, a, j FROM odd;
        ALTER TABLE bag REPLICA IDENTITY FULL`);
      await using lake = await TestLake.start();
      await lake.createMirror('compared', database.connection);
      await lake.start('compared');
      await lake.caughtUp('compared');
      const stop = new AbortController();
      const writing = busy(
        (round) =>
          client.query(
            `UPDATE odd SET n = n + 1, a = array_append(a, ${round}) WHERE id IN (SELECT id FROM odd LIMIT 100 OFFSET ${round * 50})`,
          ),
        stop.signal,
      );
      const clean = await verify(lake, 'compared').finally(() => stop.abort());
      expect(await writing).toBeGreaterThan(1);
      expect(clean).toMatchObject({ state: 'done', error: null, equal: true });
      expect(verdictOf(clean, 'odd')).toMatchObject({
        sourceRows: 20_002,
        lakeRows: 20_002,
        missing: 0,
        extra: 0,
        changed: 0,
      });
      expect(verdictOf(clean, 'bag')).toMatchObject({
        verdict: 'equal',
        sourceRows: 40_004,
        lakeRows: 40_004,
        looks: 0,
      });
      const { columns, ops } = verdictOf(clean, 'odd');
      // What the lake has no value for counts as null on both sides: the infinite moment and day.
      // The arrays are what is written to, and a null one is none any more then.
      const nulls = { id: 0, n: 2, d: 0, b: 2, t: 2, j: 2, flag: 2, f: 2, day: 2 };
      const calm = columns.filter(({ column }) => column !== 'a');
      expect(Object.fromEntries(calm.map((one) => [one.column, one.sourceNulls]))).toEqual(nulls);
      expect(Object.fromEntries(calm.map((one) => [one.column, one.lakeNulls]))).toEqual(nulls);
      expect(columns.map(({ mapping }) => mapping)).toEqual(columns.map(() => 'exact'));
      expect(columns[1]).toMatchObject({ sourceType: 'numeric(20,5)', lakeType: 'decimal(20, 5)' });
      expect((ops.I ?? 0) + (ops.U ?? 0)).toBe(20_002);
      const slots = await client.query(
        `SELECT count(*)::int AS n FROM pg_replication_slots WHERE database = current_database()`,
      );
      expect(slots.rows[0].n).toBe(1);

      // On a schedule, which a running task takes over; what was found outlives the server.
      const api = await lake.api();
      const known = async () => await (await lake.api()).get<Verification[]>('/tasks/compared/verifications');
      const { draft } = await api.get<Task>('/tasks/compared');
      await api.call('PUT', '/tasks/compared/draft', {
        ...draft,
        parameters: { ...draft?.parameters, verify_interval: '5s' },
      });
      await api.post('/tasks/compared/publish');
      const asked = await lake.until(async () =>
        (await known()).find(({ by, state }) => by === 'schedule' && state === 'done'),
      );
      expect(asked).toMatchObject({
        equal: true,
        error: null,
        tables: [
          { verdict: 'equal', sourceRows: 40_004 },
          { verdict: 'equal', sourceRows: 20_002 },
        ],
      });
      const events = await api.get<TimelineEvent[]>('/tasks/compared/events?kind=task.compared');
      expect(events.find(({ by }) => by === 'schedule')?.text).toBe(
        'compared with the source: no table differs; 2 equal, 0 unsettled, 0 skipped',
      );
      await lake.killServer();
      await lake.restart();
      const token = (await readFile(join(lake.dataDir, 'token'), 'utf8')).trim();
      const answer = await fetch(`${lake.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
      const series = parseExposition(await answer.text());
      expect(series.value('sluice_compared_tables', { task: 'compared', verdict: 'equal' })).toBe(2);
      expect(series.value('sluice_compared_tables', { task: 'compared', verdict: 'different' })).toBe(0);
      expect((await known()).find(({ id }) => id === asked.id)).toEqual(asked);
      await lake.stop('compared');
      await expect((await lake.api()).post('/tasks/compared/verifications', {})).rejects.toMatchObject({
        code: 'CONFLICT',
      });
    } finally {
      await client.end();
    }
  });
});
