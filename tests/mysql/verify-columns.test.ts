import type { Task } from '@sluice/contract';
import { expect, it } from 'vitest';
import { verify } from '../support/comparison.ts';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, sharedMysql } from '../support/mysql.ts';

it.each(FLAVOURS)(
  'a comparison with %s knows columns again that were moved, dropped, renamed or left out',
  {
    timeout: 240_000,
  },
  async (flavour) => {
    await using database = await sharedMysql(flavour).createDatabase();
    await database.query('CREATE TABLE t (id int PRIMARY KEY, b int, c varchar(10), d int)');
    await database.query("INSERT INTO t VALUES (1, 10, 'one', 100), (2, 20, 'two', 200)");
    await using lake = await TestLake.start();
    await lake.createMirror('m', database.connection, { type: flavour });
    await lake.start('m');
    await lake.caughtUp('m');
    const api = await lake.api();
    const compared = async () => {
      const { error, tables } = await verify(lake, 'm');
      expect(error).toBe(null);
      const [table] = tables;
      return { verdict: table?.verdict, columns: table?.columns.map(({ column }) => column) };
    };

    await database.query('ALTER TABLE t ADD COLUMN first int FIRST, DROP COLUMN b');
    await database.query("INSERT INTO t VALUES (7, 3, 'three', 300)");
    await lake.caughtUp('m');
    expect(await compared()).toEqual({ verdict: 'equal', columns: ['first', 'id', 'c', 'd'] });
    await database.query('ALTER TABLE t CHANGE c text varchar(10), MODIFY d int AFTER first');
    await database.query("UPDATE t SET text = 'again' WHERE id = 1");
    await lake.caughtUp('m');
    expect(await compared()).toEqual({ verdict: 'equal', columns: ['first', 'd', 'id', 'text'] });

    // What the lake is to leave out is no difference.
    const { draft } = await api.get<Task>('/tasks/m');
    const parameters = { ...draft?.parameters, schema_evolution: 'ignore' };
    await api.call('PUT', '/tasks/m/draft', { ...draft, parameters });
    await api.post('/tasks/m/publish');
    await lake.caughtUp('m');
    await database.query('ALTER TABLE t ADD COLUMN more int DEFAULT 5 AFTER first');
    await database.query("INSERT INTO t VALUES (8, 6, 400, 4, 'four')");
    await lake.caughtUp('m');
    expect(await compared()).toEqual({ verdict: 'equal', columns: ['first', 'd', 'id', 'text'] });
    await database.query('ALTER TABLE t CHANGE text words varchar(10), DROP COLUMN d');
    await database.query("UPDATE t SET words = 'twice' WHERE id = 2");
    await lake.caughtUp('m');
    expect(await compared()).toEqual({ verdict: 'equal', columns: ['first', 'id', 'words'] });
  },
);
