import { Readable } from 'node:stream';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { NUMBERS } from './numbers.ts';
import type { Trap } from './trap-case.ts';
import { REFUSED, TRAPS } from './trap-cases.ts';

const TASK = 'traps';

describe.each(FLAVOURS)('%s', (flavour) => {
  const traps = TRAPS.filter((trap) => trap.only === undefined || trap.only === flavour);
  let database: TestMysqlDatabase;
  let lake: TestLake;

  beforeAll(async () => {
    database = await sharedMysql(flavour).createDatabase();
    for (const sql of NUMBERS) await database.query(sql);
    for (const { create } of traps) await session(create);
    lake = await TestLake.start();
    await lake.createMirror(TASK, database.connection, { type: flavour });
    await lake.start(TASK);
    await lake.caughtUp(TASK, 120);
    expect(await lake.differences(database.connection)).toEqual([]);
  }, 200_000);

  afterAll(async () => {
    await lake?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  }, 60_000);

  /** Statements of a session of their own. */
  async function session(statements: readonly string[]): Promise<void> {
    const client = await database.client();
    for (const sql of statements) await run(client, sql);
    await client.end();
  }

  async function run(client: Connection, sql: string): Promise<void> {
    await client.query(sql).catch((error: Error) => {
      throw new Error(`${error.message}: ${sql}`);
    });
  }

  async function expectEqual(name: string): Promise<void> {
    await lake.caughtUp(TASK, 120);
    expect(await lake.differences(database.connection, (table) => table.startsWith(name))).toEqual([]);
    const states = (await lake.tables(TASK)).filter((row) => row.source.table.startsWith(name));
    expect(states.filter((row) => row.state !== 'live')).toEqual([]);
  }

  it.each(traps.map((trap): [string, Trap] => [trap.name, trap]))('%s', async (name, trap) => {
    await session(trap.work);
    await expectEqual(name);
  });

  it('LOAD DATA LOCAL', async () => {
    const client = await database.client();
    await run(
      client,
      'CREATE TABLE loaded_data (id int PRIMARY KEY, a varchar(20), b datetime DEFAULT NULL)',
    );
    const lines = Array.from({ length: 3000 }, (_, n) => `${n}\tline ${n}\n`).join('');
    const load = (option: string) =>
      client.query({
        sql: `LOAD DATA LOCAL INFILE 'lines' ${option} INTO TABLE loaded_data (id, a)`,
        infileStreamFactory: () => Readable.from([Buffer.from(lines)]),
      });
    await load('');
    await run(client, 'UPDATE loaded_data SET a = NULL WHERE id % 2 = 0');
    await load('REPLACE');
    await load('IGNORE');
    await expectEqual('loaded_data');
  });

  describe('XA transactions', () => {
    /** Prepared by a session that goes away; whoever knows the name ends it. */
    const prepared = (xid: string, ...statements: readonly string[]): Promise<void> =>
      session([`XA START ${xid}`, ...statements, `XA END ${xid}`, `XA PREPARE ${xid}`]);

    it('count when they are committed, in one phase or two, with others between', async () => {
      await session([
        'CREATE TABLE xa (id int PRIMARY KEY, a int)',
        'INSERT INTO xa SELECT n, n FROM numbers',
      ]);
      await lake.caughtUp(TASK);
      await session([
        `XA START 'one'`,
        'UPDATE xa SET a = 1 WHERE id = 1',
        `XA END 'one'`,
        `XA COMMIT 'one' ONE PHASE`,
      ]);
      await expectEqual('xa');
      await prepared(
        `'two','branch',7`,
        'UPDATE xa SET a = -2 WHERE id = 2',
        'INSERT INTO xa VALUES (2000, 1)',
      );
      await prepared(`X'00ff27'`, 'DELETE FROM xa WHERE id = 3');
      await prepared(`'three'`, 'UPDATE xa SET id = 4000 WHERE id = 4');
      await session(['UPDATE xa SET a = 50 WHERE id BETWEEN 10 AND 20']);
      await expectEqual('xa');
      await session([`XA COMMIT X'00ff27'`, `XA ROLLBACK 'three'`]);
      await session(['UPDATE xa SET a = 60 WHERE id BETWEEN 15 AND 25']);
      await expectEqual('xa');
      await session([`XA COMMIT 'two','branch',7`]);
      await expectEqual('xa');
    });

    it('are known over a stop of the runner and of the server', async () => {
      await prepared(`'over stop'`, 'UPDATE xa SET a = -5 WHERE id = 5');
      await prepared(`'over kill'`, 'UPDATE xa SET a = -6 WHERE id = 6');
      await prepared(`'to be rolled back'`, 'UPDATE xa SET a = -7 WHERE id = 7');
      await session(['UPDATE xa SET a = 0 WHERE id = 100']);
      await expectEqual('xa');
      await lake.stop(TASK);
      await session(['FLUSH BINARY LOGS', 'UPDATE xa SET a = 1 WHERE id = 101']);
      await lake.start(TASK);
      await session([`XA COMMIT 'over stop'`]);
      await expectEqual('xa');
      await lake.killServer();
      await session([`XA COMMIT 'over kill'`, `XA ROLLBACK 'to be rolled back'`]);
      await lake.restart();
      await expectEqual('xa');
    });

    it('that were prepared before the task began are found in the log', async () => {
      await lake.stop(TASK);
      await prepared(`'before'`, 'UPDATE xa SET a = -8 WHERE id = 8');
      await session(['FLUSH BINARY LOGS', 'UPDATE xa SET a = 1 WHERE id = 102', 'FLUSH BINARY LOGS']);
      await lake.start(TASK, { from: 'stateless' });
      await expectEqual('xa');
      await session([`XA COMMIT 'before'`]);
      await expectEqual('xa');
    });
  });

  it('rows written by statements stop their table, and no other', async () => {
    await session([
      'CREATE TABLE by_statement (id int PRIMARY KEY, a int)',
      'INSERT INTO by_statement VALUES (1, 1)',
    ]);
    await expectEqual('by_statement');
    await session([
      'SET SESSION binlog_format = STATEMENT',
      'UPDATE by_statement SET a = 2',
      'SET SESSION binlog_format = ROW',
      'UPDATE transactions SET b = 1234',
    ]);
    await expectEqual('transactions');
    const table = (await lake.tables(TASK)).find((row) => row.source.table === 'by_statement');
    expect(table).toMatchObject({ state: 'blocked', error: { code: 'BINLOG_STATEMENT' } });
    expect((await lake.sql(`SELECT id, a FROM "${database.name}".by_statement`)).rows).toEqual([[1, 1]]);
  });

  it('a default that the lake cannot hold, left out by the log, stops its table, and no other', async () => {
    const created = [
      `CREATE TABLE unfit_default (id int PRIMARY KEY, s tinyint(1) NOT NULL DEFAULT 2, d date NOT NULL DEFAULT '0000-00-00')`,
      `CREATE TABLE undated_default (id int PRIMARY KEY, d date NOT NULL DEFAULT '0000-00-00')`,
    ];
    const fits = `INSERT INTO unfit_default VALUES (1, 1, '2024-02-29')`;
    await session([`SET SESSION sql_mode = ''`, ...created, fits]);
    await expectEqual('unfit_default');
    await session([
      `SET SESSION sql_mode = '', binlog_row_image = MINIMAL`,
      'INSERT INTO undated_default (id) VALUES (1), (2)',
      'INSERT INTO unfit_default (id) VALUES (2)',
      'UPDATE transactions SET b = 4321',
      'SET SESSION binlog_row_image = FULL',
    ]);
    await expectEqual('transactions');
    await expectEqual('undated_default');
    const tables = new Map((await lake.tables(TASK)).map((row) => [row.source.table, row]));
    expect(tables.get('undated_default')).toMatchObject({ nulledValues: 2 });
    const unfit = tables.get('unfit_default');
    expect(unfit).toMatchObject({ state: 'stalled', error: { code: 'TABLE_VALUE' } });
    expect(unfit!.error!.message).toMatch(/"s" .* holds "2"/);
    expect((await lake.sql(`SELECT id FROM "${database.name}".unfit_default`)).rows).toEqual([[1]]);
  });

  it('tables that cannot be mirrored say so, before the first row and after', async () => {
    const refused = REFUSED.filter(({ only }) => only === undefined || only === flavour);
    for (const { table, sql } of refused) await session([sql, `INSERT INTO ${table} (id, a) VALUES (1, 1)`]);
    await lake.until(async () => {
      const tables = await lake.tables(TASK);
      return refused.every(({ table }) => tables.some((row) => row.source.table === table));
    });
    for (const { table } of refused) await session([`UPDATE ${table} SET a = 2`, `DELETE FROM ${table}`]);
    await lake.caughtUp(TASK);
    const tables = await lake.tables(TASK);
    for (const { table, code } of refused)
      expect(tables.find((row) => row.source.table === table)).toMatchObject({
        state: 'blocked',
        error: { code },
      });
  });

  it('all of it is equal in the end', async () => {
    await lake.caughtUp(TASK);
    const left = await lake.differences(
      database.connection,
      (table) => !/^(by_statement|unfit_default|refused_)/.test(table),
    );
    expect(left).toEqual([]);
  });
});
