import { type SourceTable, sourceTableText } from '@sluice/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repaired, verdictOf, verify } from '../support/comparison.ts';
import { TestLake } from '../support/lake.ts';
import { createMerge, type ShardServers, startShardServers } from './shard-servers.ts';

const MINUTES = 300_000;

describe.each(['postgres', 'mysql'] as const)(
  'a comparison of a merge of shards of %s',
  (type) => {
    let servers: ShardServers;
    let lake: TestLake;

    beforeAll(async () => {
      servers = await startShardServers(type, 1, 2);
      lake = await TestLake.start();
      for (const { query } of servers.databases) {
        await query('CREATE TABLE orders_0 (id int PRIMARY KEY, amount numeric(10,2) NOT NULL)');
        await query('CREATE TABLE orders_1 (note varchar(20), id bigint PRIMARY KEY, amount numeric(8,4))');
        await query('CREATE TABLE lines_0 (n int, t varchar(10))');
        if (type === 'postgres') await query('ALTER TABLE lines_0 REPLICA IDENTITY FULL');
        for (let id = 1; id <= 20; id++) {
          await query(`INSERT INTO orders_0 VALUES (${id}, ${id}.25)`);
          await query(`INSERT INTO orders_1 VALUES (NULL, ${id}, ${id}.25)`);
          await query(`INSERT INTO lines_0 VALUES (${id % 3}, 'line')`);
        }
      }
      const table = (name: string, extendedKey: boolean) => ({
        name,
        target: { schema: 'lake', table: name },
        shards: { by: 'rules', rules: [{ table: `${name}_\\d` }] },
        extendedFields: [
          { part: 'database', name: 'of_database' },
          { part: 'table', name: 'of_table' },
        ],
        extendedKey,
      });
      await createMerge(lake, 'm', servers, {
        virtualTables: [table('orders', true), table('lines', false)],
      });
      await lake.start('m');
      await lake.caughtUp('m');
    }, MINUTES);
    afterAll(async () => {
      await lake?.[Symbol.asyncDispose]();
      await servers?.[Symbol.asyncDispose]();
    });

    /** The name of a shard as the task has it. */
    const named = (database: number, table: string): SourceTable => {
      const { server, name, schema } = servers.databases[database]!;
      return { shard: type === 'postgres' ? `${server}/${name}` : server, schema, table };
    };
    it('is of each shard, and finds nothing where nothing is wrong', async () => {
      const clean = await verify(lake, 'm');
      expect(clean).toMatchObject({ state: 'done', error: null, equal: true });
      expect(
        clean.tables.map(({ verdict, sourceRows, lakeRows }) => [verdict, sourceRows, lakeRows]),
      ).toEqual(Array.from({ length: 6 }, () => ['equal', 20, 20]));
      expect(verdictOf(clean, sourceTableText(named(1, 'orders_0')))).toMatchObject({
        target: { schema: 'lake', table: 'orders' },
        columns: [
          { column: 'id', lakeType: 'long', mapping: 'wider' },
          { column: 'amount', lakeType: 'decimal(12, 4)', mapping: 'wider' },
        ],
      });
    });

    it('is made while the shards are written to', async () => {
      const stop = new AbortController();
      const writing = (async () => {
        for (let round = 1; !stop.signal.aborted; round++) {
          const { query } = servers.databases[round % 2]!;
          await query(`UPDATE orders_0 SET amount = amount + 1 WHERE id % 5 = ${round % 5}`);
          await query(`INSERT INTO orders_1 VALUES ('new', ${1000 + round}, 1)`);
          await query(`UPDATE lines_0 SET t = '${round}' WHERE n = ${round % 3}`);
        }
      })();
      const some = ['orders_0', 'orders_1', 'lines_0'].map((table) => sourceTableText(named(1, table)));
      const found = await verify(lake, 'm', some).finally(() => stop.abort());
      await writing;
      expect(found).toMatchObject({ state: 'done', error: null, equal: true });
      expect(found.tables.map(({ source }) => sourceTableText(source)).sort()).toEqual(some.sort());
      await lake.caughtUp('m');
    });

    it('names the rows of a shard that the log did not tell of, and mends them', async () => {
      const pastTheLog = async (statements: readonly string[]): Promise<void> => {
        const { query } = servers.databases[1]!;
        if (type === 'mysql') {
          for (const one of ['SET SESSION sql_log_bin = 0', ...statements, 'SET SESSION sql_log_bin = 1'])
            await query(one);
          return;
        }
        // A row that the publication leaves out is not told.
        const publications = await servers.databases[1]!.rows(
          "SELECT pubname FROM pg_publication_tables WHERE tablename = 'orders_1'",
        );
        const alter = `ALTER PUBLICATION "${publications[0]![0]}"`;
        await query(`${alter} DROP TABLE orders_1`);
        await query(`${alter} ADD TABLE orders_1 WHERE (id NOT IN (7, 8, 5000))`);
        for (const statement of statements) await query(statement);
        await query(`${alter} DROP TABLE orders_1`);
        await query(`${alter} ADD TABLE orders_1`);
      };
      await pastTheLog([
        'DELETE FROM orders_1 WHERE id = 7',
        "UPDATE orders_1 SET note = 'stale' WHERE id = 8",
        "INSERT INTO orders_1 VALUES ('lost', 5000, 1)",
      ]);
      const wrong = named(1, 'orders_1');
      const found = await verify(lake, 'm');
      const differing = found.tables.filter(({ verdict }) => verdict !== 'equal');
      expect(differing.map(({ source }) => source)).toEqual([wrong]);
      expect(verdictOf(found, sourceTableText(wrong))).toMatchObject({
        verdict: 'different',
        missing: 1,
        extra: 1,
        changed: 1,
      });
      const examples = verdictOf(found, sourceTableText(wrong)).examples.map(({ difference, key }) => [
        difference,
        key.id,
      ]);
      expect(examples.sort()).toEqual([
        ['changed', '8'],
        ['extra', '7'],
        ['missing', '5000'],
      ]);
      const after = await repaired(lake, 'm', sourceTableText(wrong));
      expect(after).toMatchObject({ state: 'done', equal: true });
      expect(after.tables.map(({ verdict }) => verdict)).toEqual(['equal']);
      expect(await verify(lake, 'm')).toMatchObject({ state: 'done', equal: true });
    });
  },
  MINUTES,
);
