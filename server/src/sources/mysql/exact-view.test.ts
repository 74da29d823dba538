import { expect, it } from 'vitest';
import { sharedMysql } from '../../../../tests/support/mysql.ts';
import { openSession } from './connect.ts';
import { beginExactly } from './exact-view.ts';
import { LoadConnection } from './load-connection.ts';
import { readHead } from './position.ts';
import { quoteTable } from './quote.ts';
import { selectList } from './select-list.ts';
import { describeTable, loadTable } from './testing/loading.ts';

const options = { applicationName: 'exact view test' };

it.each([
  ['mysql', 'TRUNCATE TABLE a'],
  ['mariadb', 'TRUNCATE TABLE a'],
  // MyISAM of MariaDB: whoever writes is let in by the metadata, and keeps readers out while he waits for the table.
  ['mariadb', 'DELETE FROM a'],
] as const)(
  'gives way to what comes between the lock and the reading: %s, %s',
  async (flavour, statement) => {
    await using db = await sharedMysql(flavour).createDatabase();
    await db.query(`CREATE TABLE a (n int) ENGINE=${flavour === 'mysql' ? 'InnoDB' : 'MyISAM'}`);
    await db.query('INSERT INTO a VALUES (1)');
    // In a grant's database name _ is a pattern.
    await db.query(
      `GRANT LOCK TABLES ON \`${db.name.replaceAll('_', '\\_')}\`.* TO ${db.connection.username}`,
    );
    const { name, columns } = await describeTable(db, 'a');
    // Ends the connections, and with them the lock, also where the test fails.
    const stop = new AbortController();
    let waiting: Promise<unknown> | null = null;
    try {
      const reader = await openSession(db.connection, options, stop.signal);
      const helper = await openSession(db.connection, options, stop.signal);
      const list = selectList(columns);
      let since = 0;
      const beginning = beginExactly({
        reader,
        helper,
        table: name,
        transactional: false,
        head: await readHead(helper),
        notice: () => undefined,
        begin: async () => {
          waiting = (await db.client()).query(statement);
          const waits = `SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table%lock' AND INFO = '${statement}'`;
          while ((await db.rows(waits)).length === 0);
          since = performance.now();
          const select = new LoadConnection(reader).start(
            `SELECT ${list.sql} FROM ${quoteTable(name)}`,
            list,
            'reading a',
          );
          await select.begun(stop.signal);
        },
      });
      const patience = setTimeout(() => stop.abort(new Error('it waits for what waits for it')), 15_000);
      await expect(beginning).rejects.toMatchObject({ code: 'SOURCE_LOCKED' });
      clearTimeout(patience);
      expect(performance.now() - since).toBeLessThan(6000);
      await waiting;
    } finally {
      stop.abort();
      await Promise.resolve(waiting).catch(() => undefined);
    }
    // The load that begins again finds what the statement left.
    expect((await loadTable(db, 'a')).rows).toEqual([]);
  },
);
