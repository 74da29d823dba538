import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { order } from '../orders/ordering.ts';
import { TestLake } from '../support/lake.ts';
import { createMerge, lakeLines, type ShardServers, startShardServers, unionOf } from './shard-servers.ts';

const MINUTES = 300_000;

describe.each(['postgres', 'mysql', 'mariadb'] as const)(
  'a merge of shards of %s',
  (type) => {
    let servers: ShardServers;
    let lake: TestLake;
    const text = type === 'postgres' ? 'text' : 'char';
    const cast = (column: string): string => `cast(${column} AS ${text})`;

    beforeAll(async () => {
      servers = await startShardServers(type, 1, 2);
      lake = await TestLake.start();
      for (const [index, { query }] of servers.databases.entries()) {
        await query('CREATE TABLE orders_0 (id int PRIMARY KEY, amount numeric(10,2) NOT NULL)');
        await query(
          'CREATE TABLE orders_1 (id bigint PRIMARY KEY, amount numeric(8,4) NOT NULL, note varchar(20))',
        );
        for (const table of ['orders_0', 'orders_1'])
          for (let id = 1; id <= 20; id++)
            await query(`INSERT INTO ${table} (id, amount) VALUES (${id}, ${id}.25 + ${index})`);
      }
      await createMerge(lake, 'm', servers, {
        virtualTables: [
          {
            name: 'orders',
            target: { schema: 'lake', table: 'orders' },
            shards: { by: 'rules', rules: [{ database: 'd\\d', table: 'orders_\\d' }] },
            extendedFields: [
              { part: 'server', name: 'of_server' },
              { part: 'database', name: 'of_database' },
              { part: 'table', name: 'of_table' },
            ],
            extendedKey: true,
          },
        ],
      });
      await lake.start('m');
      await lake.caughtUp('m');
    }, MINUTES);
    afterAll(async () => {
      await lake?.[Symbol.asyncDispose]();
      await servers?.[Symbol.asyncDispose]();
    });

    const noNote = new Set(['orders_0']);
    const tables = ['orders_0', 'orders_1'];
    const union = (): Promise<readonly string[]> =>
      unionOf(servers.databases, ({ server, name }) =>
        tables.map((table) => ({
          table,
          select: `'${server}', '${name}', '${table}', ${cast('id')}, ${cast('cast(amount AS decimal(14,4))')}, ${noNote.has(table) ? 'NULL' : 'note'}`,
        })),
      );
    const merged = (): Promise<readonly string[]> =>
      lakeLines(
        lake,
        'SELECT of_server, of_database, of_table, id::varchar, amount::varchar, note FROM lake.orders',
      );

    it('is the union of the shards, equal keys and differing columns and all', async () => {
      expect(await merged()).toEqual(await union());
      expect((await union()).length).toBe(80);
    });

    it('follows the changes of each shard', async () => {
      for (const { query } of servers.databases) {
        await query("INSERT INTO orders_1 VALUES (100, 7, 'new')");
        await query('UPDATE orders_0 SET amount = amount + 1 WHERE id < 5');
        await query('UPDATE orders_0 SET id = id + 1000 WHERE id < 3');
        await query('DELETE FROM orders_1 WHERE id BETWEEN 10 AND 12');
      }
      await lake.caughtUp('m');
      expect(await merged()).toEqual(await union());
    });

    it('lets a shard join that comes later', async () => {
      const [, b] = servers.databases;
      await b!.query('CREATE TABLE orders_2 (note varchar(20), id int PRIMARY KEY, amount int NOT NULL)');
      await b!.query("INSERT INTO orders_2 VALUES ('a', 1, 1), (NULL, 2, 2)");
      await lake.until(async () => (await lake.tables('m')).length === 5);
      await lake.caughtUp('m');
      const more = await unionOf([b!], () => [
        {
          table: 'orders_2',
          select: `'s0', 'd1', 'orders_2', ${cast('id')}, ${cast('cast(amount AS decimal(14,4))')}, note`,
        },
      ]);
      expect(await merged()).toEqual([...(await union()), ...more].sort());
      await b!.query('DROP TABLE orders_2');
    });

    it('follows columns that come shard by shard', async () => {
      const [a, b] = servers.databases;
      await a!.query('ALTER TABLE orders_0 ADD COLUMN note varchar(20)');
      await a!.query("UPDATE orders_0 SET note = 'one' WHERE id = 7");
      await lake.caughtUp('m');
      await b!.query('ALTER TABLE orders_0 ADD COLUMN note varchar(20)');
      noNote.clear();
      await b!.query("UPDATE orders_0 SET note = 'two' WHERE id = 7");
      await lake.caughtUp('m');
      expect((await merged()).filter((row) => !row.includes('orders_2'))).toEqual(await union());
    });

    it('empties one shard alone', async () => {
      await servers.databases[0]!.query('TRUNCATE TABLE orders_0');
      await servers.databases[0]!.query('INSERT INTO orders_0 (id, amount) VALUES (1, 1)');
      await lake.caughtUp('m');
      expect((await merged()).filter((row) => !row.includes('orders_2'))).toEqual(await union());
    });

    it('pauses, resumes and loads anew one shard while the others flow', async () => {
      const [a, b] = servers.databases;
      const one = (await lake.tables('m')).find(({ source }) => source.table === 'orders_1')!;
      expect(await order(lake, 'm', 'pause', [one.id])).toMatchObject([{ outcome: 'done', state: 'paused' }]);
      for (const { query } of [a!, b!]) {
        await query("UPDATE orders_1 SET note = 'paused' WHERE id < 5");
        await query("UPDATE orders_0 SET note = 'flows' WHERE id < 5");
      }
      await lake.caughtUp('m');
      const rows = (await merged()).filter((row) => row.endsWith('|paused'));
      expect(new Set(rows.map((row) => row.split('|').slice(0, 3).join('|'))).size).toBe(1);
      expect(await order(lake, 'm', 'recover', [one.id])).toMatchObject([{ outcome: 'done' }]);
      await lake.caughtUp('m');
      expect((await merged()).filter((row) => !row.includes('orders_2'))).toEqual(await union());
      expect(await order(lake, 'm', 'resync', [one.id])).toMatchObject([{ outcome: 'done' }]);
      await lake.caughtUp('m');
      expect((await merged()).filter((row) => !row.includes('orders_2'))).toEqual(await union());
    });

    it('goes on after its runner and its server were killed, and after a stop', async () => {
      for (const { query } of servers.databases) await query("UPDATE orders_0 SET note = 'killed'");
      await lake.killRunner('m');
      for (const { query } of servers.databases) await query("UPDATE orders_1 SET note = 'killed'");
      await lake.caughtUp('m');
      expect((await merged()).filter((row) => !row.includes('orders_2'))).toEqual(await union());
      await lake.stop('m');
      for (const { query } of servers.databases) await query('DELETE FROM orders_1 WHERE id = 5');
      await lake.start('m');
      await lake.caughtUp('m');
      expect((await merged()).filter((row) => !row.includes('orders_2'))).toEqual(await union());
    });

    it('is loaded anew by a stateless start, without the shard that is gone', async () => {
      await lake.stop('m');
      await lake.start('m', { from: 'stateless' });
      await lake.caughtUp('m');
      expect(await merged()).toEqual(await union());
    });
  },
  MINUTES,
);
