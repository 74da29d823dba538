import { expect, it } from 'vitest';
import { order } from '../orders/ordering.ts';
import { TestLake } from '../support/lake.ts';
import { createMerge, lakeLines, startShardServers } from './shard-servers.ts';

const MINUTES = 300_000;

it.each(['postgres', 'mysql'] as const)(
  'equal keys in two shards of %s are found and reported by name, and nothing is overwritten',
  async (type) => {
    await using servers = await startShardServers(type, 1, 2);
    await using lake = await TestLake.start();
    const [a, b] = [servers.databases[0]!, servers.databases[1]!];
    for (const [index, { query }] of [a, b].entries()) {
      await query('CREATE TABLE t_0 (id int, part int, v varchar(9), PRIMARY KEY (id, part))');
      await query('CREATE TABLE t_1 (id int, part int, v varchar(9), PRIMARY KEY (id, part))');
      for (let id = 1; id <= 9; id++) await query(`INSERT INTO t_0 VALUES (${id}, ${2 * index}, 'old'); `);
      await query(`INSERT INTO t_1 VALUES (1, ${2 * index + 1}, 'old')`);
    }
    // One that is there before the start: whichever of the two is loaded second.
    await a.query("INSERT INTO t_1 VALUES (5, 0, 'two')");
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
    const stopped = async () => (await lake.tables('m')).filter(({ state }) => state === 'blocked');
    const [first, ...others] = await stopped();
    expect(others).toEqual([]);
    const names = ['t_0', 't_1'].map((table) =>
      type === 'mysql' ? `s0/d0.${table}` : `s0/d0.public.${table}`,
    );
    expect(first?.error?.code).toBe('TABLE_KEY_CONFLICT');
    for (const name of names) expect(first?.error?.message).toContain(name);
    expect(first?.error?.message).toContain('(5, 0)');
    const merged = () => lakeLines(lake, 'SELECT id, part, v FROM lake.t');
    expect((await merged()).filter((row) => row.startsWith('5|0')).length).toBe(1);

    // Mended at the source, it is loaded and joins.
    await a.query("DELETE FROM t_1 WHERE v = 'two'");
    await order(lake, 'm', 'start', [first!.id]);
    await lake.caughtUp('m');
    expect(await stopped()).toEqual([]);
    expect((await merged()).length).toBe(20);

    // While it runs: the row of the first stays as it was, the other shards go on.
    await b.query("INSERT INTO t_0 VALUES (77, 9, 'first')");
    await lake.caughtUp('m');
    await a.query("INSERT INTO t_0 VALUES (77, 9, 'second'); ");
    await lake.caughtUp('m');
    await b.query("UPDATE t_0 SET v = 'goes on' WHERE id = 77; ");
    await lake.caughtUp('m');
    expect((await stopped()).map(({ source, error }) => [source.table, error?.code])).toEqual([
      ['t_0', 'TABLE_KEY_CONFLICT'],
    ]);
    expect((await merged()).filter((row) => row.startsWith('77|'))).toEqual(['77|9|goes on']);
    // A key that a shard has itself is no conflict, nor one that moves within it.
    await b.query('UPDATE t_1 SET part = 50 WHERE id = 1');
    await b.query("UPDATE t_1 SET v = 'new' WHERE id = 1");
    await lake.caughtUp('m');
    expect((await stopped()).length).toBe(1);
    expect(await merged()).toContain('1|50|new');
  },
  MINUTES,
);
