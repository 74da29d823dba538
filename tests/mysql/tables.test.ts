import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestLake } from '../support/lake.ts';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../support/mysql.ts';
import { NUMBERS } from './numbers.ts';

const TASK = 'tables';

/** What online schema change tools leave in the log: the statements as they send them, `$` for the table's name. */
const GHOST = (column: string): readonly string[] => [
  'DROP TABLE IF EXISTS `_$_gho`',
  'CREATE TABLE `_$_ghc` (id bigint AUTO_INCREMENT, hint varchar(64), value varchar(4096), PRIMARY KEY (id)) AUTO_INCREMENT = 256',
  'CREATE /* gh-ost */ TABLE `_$_gho` LIKE `$`',
  `ALTER /* gh-ost */ TABLE \`_$_gho\` ADD COLUMN ${column} int DEFAULT 5`,
  "INSERT /* gh-ost */ INTO `_$_ghc` (id, hint, value) VALUES (1, 'state', 'on') ON DUPLICATE KEY UPDATE value = VALUES(value)",
  `INSERT /* gh-ost */ IGNORE INTO \`_$_gho\` (id, a, b) (SELECT id, a, b FROM \`$\` LOCK IN SHARE MODE)`,
  'UPDATE `$` SET b = b + 1 WHERE id < 10',
  'REPLACE /* gh-ost */ INTO `_$_gho` (id, a, b) SELECT id, a, b FROM `$` WHERE id < 10',
  "CREATE /* gh-ost */ TABLE `_$_del` (id int auto_increment primary key) ENGINE=InnoDB COMMENT='ghost-cut-over-sentry'",
  'DROP /* gh-ost */ TABLE IF EXISTS `_$_del`',
  'RENAME /* gh-ost */ TABLE `$` TO `_$_del`, `_$_gho` TO `$`',
  "INSERT INTO `$` (id, a, b) SELECT MAX(id) + 1, 'right after', 1 FROM `_$_del`",
  'DROP /* gh-ost */ TABLE IF EXISTS `_$_ghc`',
  'DROP /* gh-ost */ TABLE IF EXISTS `_$_del`',
];
const PERCONA = (column: string): readonly string[] => [
  'CREATE TABLE `_$_new` (id int PRIMARY KEY, a varchar(50), b int)',
  `ALTER TABLE \`_$_new\` ADD COLUMN ${column} int DEFAULT 6`,
  'CREATE TRIGGER `pt_osc_$_del` AFTER DELETE ON `$` FOR EACH ROW DELETE IGNORE FROM `_$_new` WHERE `_$_new`.id <=> OLD.id',
  'CREATE TRIGGER `pt_osc_$_upd` AFTER UPDATE ON `$` FOR EACH ROW BEGIN DELETE IGNORE FROM `_$_new` WHERE !(OLD.id <=> NEW.id) AND `_$_new`.id <=> OLD.id; REPLACE INTO `_$_new` (id, a, b) VALUES (NEW.id, NEW.a, NEW.b); END',
  'CREATE TRIGGER `pt_osc_$_ins` AFTER INSERT ON `$` FOR EACH ROW REPLACE INTO `_$_new` (id, a, b) VALUES (NEW.id, NEW.a, NEW.b)',
  'INSERT LOW_PRIORITY IGNORE INTO `_$_new` (id, a, b) SELECT id, a, b FROM `$` LOCK IN SHARE MODE /*pt-online-schema-change 1 copy table*/',
  'UPDATE `$` SET b = b - 1 WHERE id % 3 = 0',
  'DELETE FROM `$` WHERE id % 7 = 0',
  'ANALYZE TABLE `_$_new` /* pt-online-schema-change */',
  'RENAME TABLE `$` TO `_$_old`, `_$_new` TO `$`',
  "INSERT INTO `$` (id, a, b) SELECT MAX(id) + 1, 'right after', 1 FROM `_$_old`",
  'DROP TABLE IF EXISTS `_$_old`',
  'DROP TRIGGER IF EXISTS `pt_osc_$_del`',
  'DROP TRIGGER IF EXISTS `pt_osc_$_upd`',
  'DROP TRIGGER IF EXISTS `pt_osc_$_ins`',
];
const on = (table: string, statements: readonly string[]): readonly string[] =>
  statements.map((sql) => sql.replaceAll('$', table));

describe.each(FLAVOURS)('%s', (flavour) => {
  let database: TestMysqlDatabase;
  let lake: TestLake;

  beforeAll(async () => {
    database = await sharedMysql(flavour).createDatabase();
    lake = await TestLake.start();
    await run(...NUMBERS, ...made('steady', 100));
    await lake.createMirror(TASK, database.connection, { type: flavour });
    await lake.start(TASK);
    await lake.caughtUp(TASK);
  }, 120_000);

  afterAll(async () => {
    await lake?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  }, 60_000);

  const made = (table: string, rows: number, columns = ''): readonly string[] => [
    `CREATE TABLE \`${table}\` (id int PRIMARY KEY, a varchar(50), b int${columns})`,
    `INSERT INTO \`${table}\` (id, a, b) SELECT n, CONCAT('${table}', n), n FROM numbers WHERE n <= ${rows}`,
  ];

  async function run(...statements: readonly string[]): Promise<void> {
    for (const sql of statements)
      await database.query(sql).catch((error: Error) => {
        throw new Error(`${error.message}: ${sql}`);
      });
  }

  /** Everything that exists at the source is in the lake and equal, tables that were made just now included. */
  async function equal(...gone: readonly string[]): Promise<void> {
    await run('UPDATE steady SET b = b + 1');
    await lake.caughtUp(TASK);
    let left: readonly string[] = [];
    await lake
      .until(async () => {
        left = await lake.differences(database.connection, (table) => !gone.includes(table));
        return left.length === 0;
      }, 20)
      .catch(() => undefined);
    expect(left).toEqual([]);
    const states = (await lake.tables(TASK)).filter((row) => row.state !== 'live' && row.state !== 'dropped');
    expect(states).toEqual([]);
  }

  async function state(table: string): Promise<{ state: string; target: string } | null> {
    const row = (await lake.tables(TASK)).find((one) => one.source.table === table);
    return row === undefined ? null : { state: row.state, target: row.target.table };
  }

  const count = async (table: string): Promise<unknown> =>
    (await lake.sql(`SELECT count(*) FROM "${database.name}"."${table}"`)).rows[0]?.[0];

  it('TRUNCATE, with rows right before and after', async () => {
    await run(...made('emptied', 50));
    await equal();
    await run(
      `INSERT INTO emptied (id) VALUES (100)`,
      'TRUNCATE TABLE emptied',
      `INSERT INTO emptied (id) VALUES (1), (100)`,
      'TRUNCATE emptied',
      `INSERT INTO emptied (id) VALUES (2)`,
    );
    await equal();
  });

  it('a renamed table goes on under its target; whoever takes its name is loaded there', async () => {
    await run(...made('ren', 20));
    await equal();
    await run(
      `INSERT INTO ren (id, a) VALUES (100, 'before')`,
      'RENAME TABLE ren TO ren_new',
      `INSERT INTO ren_new (id, a) VALUES (101, 'after')`,
    );
    await equal('ren_new');
    expect(await state('ren_new')).toEqual({ state: 'live', target: 'ren' });
    expect(await count('ren')).toBe(22);
    await run(...made('ren', 5, ', c int'));
    await lake.until(async () => (await state('ren_new'))?.target === 'ren_new');
    await equal();
    await run(
      'ALTER TABLE ren RENAME ren_more, ADD COLUMN d int DEFAULT 4',
      'UPDATE ren_more SET d = 5 WHERE id = 1',
    );
    await lake.until(async () => (await state('ren_more')) !== null);
    await equal('ren_more');
  });

  it('two tables swap their names', async () => {
    await run(...made('swap_a', 20), ...made('swap_b', 30, ', more int'));
    await equal();
    await run(
      'RENAME TABLE swap_a TO swap_tmp, swap_b TO swap_a, swap_tmp TO swap_b',
      `INSERT INTO swap_a (id, more) SELECT n + 100, n FROM numbers WHERE n <= 20`,
      `INSERT INTO swap_b (id) SELECT n + 200 FROM numbers WHERE n <= 40`,
    );
    await equal();
    await run(
      'RENAME TABLE swap_a TO swap_tmp',
      'RENAME TABLE swap_b TO swap_a',
      'UPDATE swap_a SET b = -1 WHERE id < 9',
      'RENAME TABLE swap_tmp TO swap_b',
      'UPDATE swap_b SET more = -1 WHERE id < 9',
    );
    await equal();
  });

  it('a dropped table stays as it was; one made again under its name is loaded', async () => {
    await run(...made('again', 20));
    await equal();
    await run('DROP TABLE again');
    await lake.until(async () => (await state('again'))?.state === 'dropped');
    expect(await count('again')).toBe(20);
    await run(
      'CREATE TABLE again (id bigint PRIMARY KEY, b text, a int)',
      `INSERT INTO again SELECT n, 'y', n FROM numbers WHERE n <= 30`,
    );
    await equal();
    await run(
      `UPDATE again SET b = 'z' WHERE id < 9`,
      'DROP TABLE again, emptied',
      'CREATE TABLE again (id int PRIMARY KEY, q int)',
      'INSERT INTO again SELECT n, n FROM numbers WHERE n <= 40',
      'UPDATE again SET q = -q WHERE id % 2 = 0',
    );
    await equal();
  });

  it('a table that is dropped while its load opens is gone, and on no blocklist', async () => {
    const connection = await database.client();
    try {
      await connection.query('CREATE TABLE short (id int PRIMARY KEY)');
      await connection.query('LOCK TABLES short WRITE');
      await lake.until(async () => (await state('short')) !== null);
      // Whoever reads it waits for this connection.
      await lake.until(async () => {
        const waits = await database.query(
          `SELECT 1 AS waits FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock%' AND info LIKE '%short%' AND id <> CONNECTION_ID()`,
        );
        return waits.length > 0;
      });
      await connection.query('DROP TABLE short');
    } finally {
      await connection.end();
    }
    await lake.until(async () => (await state('short'))?.state !== 'pending');
    expect((await state('short'))?.state).toBe('dropped');
    expect(await lake.attemptLog(TASK)).not.toMatch(/TABLE_DROPPED/);
    await equal();
  });

  it.each([
    ['gh-ost', 'ghosted', GHOST],
    ['pt-online-schema-change', 'percona', PERCONA],
  ] as const)('%s cuts over, twice in a row, while the runner reads', async (_tool, table, tool) => {
    await run(...made(table, 60));
    await equal();
    await run(...on(table, tool('c1')));
    await equal();
    await run(...on(table, tool('c2')).map((sql) => sql.replace(/\(id, a, b\)$/, '(id, a, b, c1)')));
    await run(...on(table, tool('c3')), `UPDATE \`${table}\` SET a = 'end' WHERE id % 5 = 0`);
    await equal();
  });

  it.each([
    ['gh-ost', 'ghosted_late', GHOST],
    ['pt-online-schema-change', 'percona_late', PERCONA],
  ] as const)('%s cuts over, twice in a row, while the runner is stopped', async (_tool, table, tool) => {
    await run(...made(table, 60));
    await equal();
    await lake.stop(TASK);
    await run(`UPDATE \`${table}\` SET a = 'before' WHERE id = 3`, ...on(table, tool('c1')));
    await run(`UPDATE \`${table}\` SET a = 'between' WHERE id = 4`, ...on(table, tool('c2')));
    await run(`UPDATE \`${table}\` SET a = 'after' WHERE id = 5`);
    await lake.start(TASK);
    await equal();
  });

  it('all kinds of things while the runner is stopped', async () => {
    await run(...made('l_dropped', 20), ...made('l_again', 20), ...made('l_ren', 20), ...made('l_a', 10));
    await run(...made('l_b', 15, ', c int'), ...made('l_empty', 15));
    await equal();
    await lake.stop(TASK);
    await run(
      'UPDATE l_dropped SET b = 0',
      'DROP TABLE l_dropped',
      'DELETE FROM l_again WHERE id < 5',
      'DROP TABLE l_again',
      ...made('l_again', 7, ', x int DEFAULT 8'),
      'UPDATE l_again SET a = NULL WHERE id = 1',
      'RENAME TABLE l_ren TO l_ren2',
      'UPDATE l_ren2 SET b = 0 WHERE id < 5',
      'RENAME TABLE l_ren2 TO l_ren',
      'UPDATE l_ren SET b = 1 WHERE id < 3',
      'RENAME TABLE l_a TO l_tmp, l_b TO l_a, l_tmp TO l_b',
      'UPDATE l_a SET c = 1 WHERE id < 5',
      'ALTER TABLE l_b ADD COLUMN c int DEFAULT 2',
      'TRUNCATE l_empty',
      'INSERT INTO l_empty (id) VALUES (3)',
      'CREATE TABLE l_made LIKE l_a',
      'INSERT INTO l_made SELECT * FROM l_a',
      'CREATE TABLE l_short (id int PRIMARY KEY)',
      'INSERT INTO l_short VALUES (1)',
      'DROP TABLE l_short',
    );
    await lake.start(TASK);
    await equal();
    await run(
      'UPDATE l_a SET b = 7',
      'UPDATE l_b SET b = 8',
      'UPDATE l_ren SET b = 9',
      'UPDATE l_made SET b = 1',
    );
    await equal();
  });

  it('tables that come from and go to another database', async () => {
    await using other = await sharedMysql(flavour).createDatabase();
    await run(...made('moves', 20));
    await equal();
    await run(
      `RENAME TABLE moves TO \`${other.name}\`.moves`,
      `UPDATE \`${other.name}\`.moves SET b = 0`,
      `RENAME TABLE \`${other.name}\`.moves TO came_back`,
      `UPDATE came_back SET b = b + 1`,
    );
    await lake.until(async () => (await state('came_back')) !== null);
    await equal('came_back');
    expect((await state('moves'))?.state ?? 'dropped').toBe('dropped');
  });

  it('a database that is dropped and made again', async () => {
    await using other = await sharedMysql(flavour).createDatabase();
    for (const sql of [...NUMBERS, ...made('one', 20)]) await other.query(sql);
    await lake.createMirror('other', other.connection, { type: flavour });
    await lake.start('other');
    await lake.caughtUp('other');
    await run(`DROP DATABASE \`${other.name}\``);
    await lake.until(async () => (await lake.tables('other')).every((row) => row.state === 'dropped'));
    await run(
      `CREATE DATABASE \`${other.name}\``,
      `CREATE TABLE \`${other.name}\`.one (id int PRIMARY KEY, z int)`,
    );
    await run(`INSERT INTO \`${other.name}\`.one SELECT n, n FROM numbers WHERE n <= 10`);
    await lake.until(async () => (await lake.differences(other.connection)).length === 0, 30);
    await equal('came_back', 'ren_more');
  });

  it('is one attempt a run, without a stumble', async () => {
    const api = await lake.api();
    for (const { id } of await api.get<readonly { readonly id: number }[]>(`/tasks/${TASK}/runs`))
      expect((await api.get<{ attempts: unknown[] }>(`/runs/${id}`)).attempts).toHaveLength(1);
  });
});
