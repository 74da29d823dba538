import type { TimelineEvent } from '@sluice/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../../demo/api.ts';
import { TestLake } from '../support/lake.ts';
import {
  lakeLines,
  type ShardDatabase,
  type ShardServers,
  startShardServers,
  unionOf,
} from './shard-servers.ts';

const MINUTES = 300_000;

/** Servers, databases and virtual tables that come and go while a merge runs. */
describe.each(['postgres', 'mysql'] as const)(
  'servers of a merge of %s',
  (type) => {
    let servers: ShardServers;
    let lake: TestLake;
    let api: Api;
    const cast = (column: string): string => `cast(${column} AS ${type === 'mysql' ? 'char' : 'text'})`;

    const orders = (more: object = {}): object => ({
      name: 'orders',
      target: { schema: 'lake', table: 'orders' },
      shards: { by: 'rules', rules: [{ database: 'd\\d', table: 'orders_\\d' }] },
      extendedFields: [
        { part: 'server', name: 'of_server' },
        { part: 'database', name: 'of_database' },
      ],
      extendedKey: true,
      ...more,
    });
    const refunds = {
      name: 'refunds',
      target: { schema: 'lake', table: 'refunds' },
      shards: { by: 'rules', rules: [{ table: 'refunds' }] },
      extendedFields: [{ part: 'server', name: 'of_server' }],
      extendedKey: true,
    };
    const spec = (sources: readonly string[], virtualTables: readonly object[]): object => ({
      pipelineType: 2,
      sources: sources.map((dataSource) => ({ dataSource })),
      virtualTables,
      parameters: { commit_interval: '200ms', discover_interval: '1s' },
    });
    /** @returns when it counts */
    async function publish(sources: readonly string[], virtualTables: readonly object[]): Promise<string> {
      await api.call('PUT', '/tasks/m/draft', spec(sources, virtualTables));
      const { takesEffect } = await api.post<{ takesEffect: string }>('/tasks/m/publish');
      return takesEffect;
    }
    const fill = async ({ query }: ShardDatabase): Promise<void> => {
      await query('CREATE TABLE orders_0 (id int PRIMARY KEY, v varchar(20))');
      await query("INSERT INTO orders_0 VALUES (1, 'a'), (2, 'b'), (3, NULL)");
    };

    beforeAll(async () => {
      servers = await startShardServers(type, 2, 1);
      lake = await TestLake.start();
      api = await lake.api();
      for (const database of servers.databases) await fill(database);
      await servers.register(api);
      await api.post('/folders', { name: 'tests' });
      await api.post('/tasks', { name: 'm', folder: 'tests', spec: spec(['s0'], [orders()]) });
      await api.post('/tasks/m/publish');
      await lake.start('m');
      await lake.caughtUp('m');
    }, MINUTES);
    afterAll(async () => {
      await lake?.[Symbol.asyncDispose]();
      await servers?.[Symbol.asyncDispose]();
    });

    const union = (databases: readonly ShardDatabase[] = servers.databases): Promise<readonly string[]> =>
      unionOf(databases, ({ server, name }) => [
        { table: 'orders_0', select: `'${server}', '${name}', ${cast('id')}, v` },
      ]);
    const merged = (table = 'orders'): Promise<readonly string[]> =>
      lakeLines(lake, `SELECT of_server, of_database, id::varchar, v FROM lake.${table}`);
    const attempts = async (): Promise<number> => (await lake.newestRun('m'))?.attempts.length ?? 0;
    const events = async (kind: string): Promise<readonly string[]> =>
      (await api.get<TimelineEvent[]>(`/tasks/m/events?after=0&kind=${kind}&limit=1000`)).map(
        ({ text, table }) => `${table ?? ''} ${text}`,
      );

    it('takes over a data source and a virtual table that are published while it runs', async () => {
      const [a, b] = [servers.databases[0]!, servers.databases[1]!];
      expect(await merged()).toEqual(await union([a]));
      const loaded = (await lake.tables('m'))[0]!.rowsLoaded;
      for (const { query } of [a, b]) await query('CREATE TABLE refunds (id int PRIMARY KEY, v varchar(20))');
      await b.query("INSERT INTO refunds VALUES (7, 'back')");
      expect(await publish(['s0', 's1'], [orders(), refunds])).toBe('now');
      await a.query("UPDATE orders_0 SET v = 'meanwhile' WHERE id = 1");
      await lake.caughtUp('m');
      expect(await merged()).toEqual(await union());
      expect(await lakeLines(lake, 'SELECT of_server, id, v FROM lake.refunds')).toEqual(['s1|7|back']);
      expect(await attempts()).toBe(1);
      expect(await events('table.reload')).toEqual([]);
      const tables = await lake.tables('m');
      expect(tables.map(({ state }) => state)).toEqual(['live', 'live', 'live', 'live']);
      expect(tables[0]!.rowsLoaded).toBe(loaded);
    });

    it('goes on without a server that is away, says so, and reads it again when it is back', async () => {
      const [a, b] = [servers.databases[0]!, servers.databases[1]!];
      await b.query("UPDATE orders_0 SET v = 'before' WHERE id = 2");
      await servers.servers[1]!.stop();
      await a.query("UPDATE orders_0 SET v = 'flows' WHERE id = 2");
      await lake.until(async () => (await merged()).includes('s0|d0|2|flows'), 90);
      // Nobody takes the tables of the other one for dropped.
      await lake.until(async () => (await events('source.away')).length > 0);
      const away = (await lake.tables('m')).filter(({ error }) => error !== null);
      expect(
        away.map(({ source, state, error }) => [source.shard?.split('/')[0], state, error?.code]),
      ).toEqual([
        ['s1', 'live', 'SOURCE_UNREACHABLE'],
        ['s1', 'live', 'SOURCE_UNREACHABLE'],
      ]);
      expect(away[0]!.error?.message).toContain('s1');
      // One that comes meanwhile joins, and an attempt that begins without the server goes on without it too.
      await a.query('CREATE TABLE orders_1 (id int PRIMARY KEY, v varchar(20))');
      await a.query("INSERT INTO orders_1 VALUES (9, 'new')");
      await lake.killRunner('m');
      await lake.until(async () => (await merged()).includes('s0|d0|9|new'), 90);
      await servers.servers[1]!.start();
      // The connection of before is gone with the server.
      await b.query('SELECT 1').catch(() => undefined);
      await b.query("INSERT INTO orders_0 VALUES (4, 'back')");
      await lake.caughtUp('m', 90);
      await a.query('DROP TABLE orders_1');
      expect((await merged()).filter((row) => row !== 's0|d0|9|new')).toEqual(await union());
      expect(
        (await lake.tables('m')).filter(({ error, source }) => error !== null && source.table !== 'orders_1'),
      ).toEqual([]);
      expect(await events('source.back')).toHaveLength(1);
      expect(await events('table.reload')).toEqual([]);
    });

    it('reads a database that is new, and none twice', async () => {
      const c = await servers.addDatabase(0, 'd1');
      await fill(c);
      await lake.until(async () => (await merged()).includes('s0|d1|1|a'), 90);
      await c.query("UPDATE orders_0 SET v = 'followed' WHERE id = 1");
      await lake.caughtUp('m');
      expect((await merged()).filter((row) => row !== 's0|d0|9|new')).toEqual(
        await union([...servers.databases, c]),
      );
      await c.query('DROP TABLE orders_0');
    });

    it('loads its shards anew when they are to say otherwise where they come from', async () => {
      const of = ['server', 'database', 'table'] as const;
      const fields = of.map((part) => ({ part, name: `of_${part}` }));
      expect(await publish(['s0', 's1'], [orders({ extendedFields: fields }), refunds])).toBe('now');
      await lake.caughtUp('m');
      const rows = await lakeLines(lake, 'SELECT of_server, of_database, of_table, id, v FROM lake.orders');
      expect(rows).toEqual((await union()).map((row) => row.replace(/^(s\d\|d\d)/, '$1|orders_0')));
    });

    it('leads its shards to another target, and leaves the former one', async () => {
      const before = await merged();
      expect(await publish(['s0', 's1'], [orders({ target: { schema: 'lake', table: 'sales' } })])).toBe(
        'now',
      );
      await servers.databases[0]!.query("UPDATE orders_0 SET v = 'sold' WHERE id = 1");
      await lake.caughtUp('m');
      expect(await merged('sales')).toEqual(await union());
      expect(await merged()).toEqual(before);
    });

    it('leaves a data source that is published no longer, with nothing of it kept there', async () => {
      expect(await publish(['s0'], [orders({ target: { schema: 'lake', table: 'sales' } })])).toBe('now');
      const [a, b] = [servers.databases[0]!, servers.databases[1]!];
      const all = await union();
      await a.query("UPDATE orders_0 SET v = 'alone' WHERE id = 1");
      await b.query("UPDATE orders_0 SET v = 'unseen' WHERE id = 1");
      await lake.caughtUp('m');
      expect(await merged('sales')).toEqual(
        all.map((row) => (row.startsWith('s0|d0|1|') ? 's0|d0|1|alone' : row)),
      );
      if (type === 'postgres')
        await lake.until(
          async () => (await b.rows('SELECT slot_name::text FROM pg_replication_slots')).length === 0,
        );
      await lake.stop('m');
      await api.post('/tasks/m/undeploy', { confirm: true });
      if (type === 'postgres')
        expect(await a.rows('SELECT slot_name::text FROM pg_replication_slots')).toEqual([]);
    });
  },
  MINUTES,
);
