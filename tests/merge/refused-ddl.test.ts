import { sourceTableText, type TableException } from '@sluice/contract';
import { expect, it } from 'vitest';
import { order } from '../orders/ordering.ts';
import { TestLake } from '../support/lake.ts';
import { createMerge, lakeLines, startShardServers } from './shard-servers.ts';

/** What a lakehouse table cannot follow stops the shard that it comes from, by the name of the trouble; the others go on. */
it('a change of a shard that the merged table cannot follow stops that shard until it is taken back', async () => {
  await using servers = await startShardServers('postgres', 1, 1);
  await using lake = await TestLake.start();
  const { query } = servers.databases[0]!;
  for (const shard of [0, 1, 2])
    await query(
      `CREATE TABLE t_${shard} (id int PRIMARY KEY, n int); INSERT INTO t_${shard} VALUES (${shard}, 0)`,
    );
  await createMerge(lake, 'm', servers, {
    virtualTables: [
      {
        name: 't',
        target: { schema: 'lake', table: 't' },
        shards: { by: 'rules', rules: [{ table: 't_\\d' }] },
      },
    ],
  });
  await lake.start('m');
  await lake.caughtUp('m');
  const merged = () => lakeLines(lake, 'SELECT id, n FROM lake.t');
  const stopped = async () => (await lake.tables('m')).filter(({ state }) => state === 'blocked');

  await query('ALTER TABLE t_1 ALTER n TYPE date USING NULL');
  await query("INSERT INTO t_1 VALUES (11, '2024-02-29'); INSERT INTO t_0 VALUES (10, 1)");
  await query('ALTER TABLE t_2 DROP CONSTRAINT t_2_pkey, ADD PRIMARY KEY (id, n)');
  await query('INSERT INTO t_2 VALUES (2, 1); INSERT INTO t_0 VALUES (20, 2)');
  const both = await lake.until(async () => {
    const found = await stopped();
    return found.length === 2 && found;
  });
  const told = new Map(both.map(({ source, error }) => [source.table, error]));
  expect(told.get('t_1')).toMatchObject({
    code: 'TABLE_SCHEMA',
    message: expect.stringMatching(/invalid modify column.*\bn\b.*date/s),
    remedy: expect.stringMatching(/\S/),
  });
  expect(told.get('t_2')).toMatchObject({
    code: 'TABLE_SCHEMA',
    message: expect.stringContaining('pk column different'),
  });
  const api = await lake.api();
  const exceptions = await api.get<TableException[]>('/tasks/m/exceptions');
  expect(exceptions.map(({ source }) => sourceTableText(source))).toEqual([
    's0/d0.public.t_1',
    's0/d0.public.t_2',
  ]);
  await lake.caughtUp('m');
  // Nothing of theirs since then, and everything of the other.
  expect([...(await merged())].sort()).toEqual(['0|0', '10|1', '1|0', '20|2', '2|0'].sort());

  await query('ALTER TABLE t_1 ALTER n TYPE int USING 7');
  await query('DELETE FROM t_2 WHERE n = 1; ALTER TABLE t_2 DROP CONSTRAINT t_2_pkey, ADD PRIMARY KEY (id)');
  await order(
    lake,
    'm',
    'start',
    both.map(({ id }) => id),
  );
  await lake.caughtUp('m');
  expect(await stopped()).toEqual([]);
  expect([...(await merged())].sort()).toEqual(['0|0', '10|1', '11|7', '1|7', '20|2', '2|0'].sort());
}, 300_000);
