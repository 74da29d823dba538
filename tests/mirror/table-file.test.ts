import type { PublishedVersion, Task, TaskTable } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { type SourceType, TestLake } from '../support/lake.ts';
import { sharedMysql } from '../support/mysql.ts';
import { sharedPostgres } from '../support/postgres.ts';

const MINUTES = 180_000;

/** Tables of a file that bear names of their own in the lake, on real servers. */
describe.each<SourceType>(['postgres', 'mysql', 'mariadb'])('a task with a file of tables: %s', (type) => {
  it(
    'mirrors into the targets that the file names, and follows when a version names others',
    async () => {
      await using database = await (type === 'postgres'
        ? sharedPostgres()
        : sharedMysql(type as 'mysql' | 'mariadb')
      ).createDatabase();
      for (const table of ['orders', 'items', 'other', 'plain']) {
        await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, note varchar(20))`);
        await database.query(`INSERT INTO ${table} VALUES (1, '${table} 1'), (2, '${table} 2')`);
      }
      const { connection } = database;
      const schema = type === 'postgres' ? 'public' : connection.database;
      await using lake = await TestLake.start();
      const api = await lake.api();
      await lake.createMirror('shop', connection, {
        type,
        tables: [{ schema, table: 'orders' }],
        publish: false,
      });
      const read = (text: string, format = 'csv') =>
        api.post<{ tables: object[]; missing: object[] }>(
          `/data-sources/shop/catalogs/${encodeURIComponent(connection.database)}/table-file`,
          { format, text },
        );
      const publish = async (text: string): Promise<PublishedVersion> => {
        const { tables, missing } = await read(text);
        expect(missing).toEqual([]);
        const { draft } = await api.get<Task>('/tasks/shop');
        await api.call('PUT', '/tasks/shop/draft', { ...draft, tables });
        return api.post<PublishedVersion>('/tasks/shop/publish');
      };
      const notes = async (name: string) =>
        (await lake.sql(`SELECT note FROM ${name} ORDER BY id`)).rows.map(([note]) => note);
      const head = 'schema,table,target_schema,target_table';

      expect(await read(`${head}\n${schema},orders,,\n${schema},gone,,x\n${schema},lost,,y\n`)).toMatchObject(
        {
          tables: [{ table: 'orders' }, { target: { table: 'x' } }, { target: { table: 'y' } }],
          missing: [
            { line: 3, schema, table: 'gone' },
            { line: 4, schema, table: 'lost' },
          ],
        },
      );

      await publish(`${head}\n${schema},orders,lake,sales\n${schema},items,lake,lines\n${schema},plain,,\n`);
      await lake.start('shop');
      await lake.caughtUp('shop');
      await database.query("INSERT INTO orders VALUES (3, 'orders 3')");
      await database.query("UPDATE items SET note = 'changed' WHERE id = 2");
      await lake.caughtUp('shop');
      expect(await notes('lake.sales')).toEqual(['orders 1', 'orders 2', 'orders 3']);
      expect(await notes('lake.lines')).toEqual(['items 1', 'changed']);
      expect(await notes(`"${schema}".plain`)).toEqual(['plain 1', 'plain 2']);
      expect(await lake.tables('shop')).toHaveLength(3);

      // Two exchange their targets, one gets another, one joins under a name of its own: without a restart.
      const published = await publish(
        `${head}\n${schema},orders,lake,lines\n${schema},items,lake,sales\n${schema},plain,lake,fancy\n${schema},other,,another\n`,
      );
      expect(published.takesEffect).toBe('now');
      await database.query("INSERT INTO orders VALUES (4, 'orders 4')");
      await database.query("INSERT INTO plain VALUES (3, 'plain 3')");
      const live = async (): Promise<readonly TaskTable[] | null> => {
        const tables = await lake.tables('shop');
        const done = tables.filter(({ state }) => state === 'live').map(({ target }) => target.table);
        return ['another', 'fancy', 'lines', 'sales'].every((name) => done.includes(name)) ? tables : null;
      };
      const sources = new Map(
        (await lake.until(live)).map(({ source, target, state }) => [
          target.table,
          `${source.table} ${state}`,
        ]),
      );
      expect(Object.fromEntries(sources)).toEqual({
        lines: 'orders live',
        sales: 'items live',
        fancy: 'plain live',
        another: 'other live',
        plain: 'plain dropped',
      });
      await lake.caughtUp('shop');
      expect(await notes('lake.lines')).toEqual(['orders 1', 'orders 2', 'orders 3', 'orders 4']);
      expect(await notes('lake.sales')).toEqual(['items 1', 'changed']);
      expect(await notes('lake.fancy')).toEqual(['plain 1', 'plain 2', 'plain 3']);
      expect(await notes(`"${schema}".another`)).toEqual(['other 1', 'other 2']);
      // The target of before stays as it was.
      expect(await notes(`"${schema}".plain`)).toEqual(['plain 1', 'plain 2']);
      expect((await lake.newestRun('shop'))!.attempts).toHaveLength(1);
    },
    MINUTES,
  );
});
